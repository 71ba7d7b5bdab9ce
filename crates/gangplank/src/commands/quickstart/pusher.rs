//! A push over HTTP, with the requests that any client makes.

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};

use super::image::{Blob, Image};
use crate::aws::api_client;

/// A repository, and the login for it.
pub(super) struct Registry {
    http: reqwest::Client,
    endpoint: String,
    repository: String,
    username: String,
    password: String,
}

impl Registry {
    pub(super) fn open(endpoint: &str, repository: &str, username: &str, password: &str) -> Result<Self> {
        Ok(Self {
            // The server is on this machine, so no proxy is used.
            http: api_client::here().build()?,
            endpoint: endpoint.to_owned(),
            repository: repository.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        })
    }

    /// This repository with another password.
    pub(super) fn with_password(&self, password: &str) -> Self {
        Self {
            http: self.http.clone(),
            endpoint: self.endpoint.clone(),
            repository: self.repository.clone(),
            username: self.username.clone(),
            password: password.to_owned(),
        }
    }

    /// Pushes an image under a tag. Returns the digest that the registry computed.
    pub(super) async fn push(&self, image: &Image, tag: &str) -> Result<String> {
        for blob in &image.blobs {
            self.push_blob(blob).await?;
        }
        let url = self.url(&format!("manifests/{tag}"));
        let put = self.http.put(url).header(CONTENT_TYPE, gangplank_oci::media_type::OCI_MANIFEST);
        let answer = self.send(put.body(image.manifest.clone())).await?;
        ensure!(answer.status() == StatusCode::CREATED, "PUT of the manifest answered {}", answer.status());
        let digest = answer.headers().get("docker-content-digest").context("no digest in the answer")?;
        Ok(digest.to_str()?.to_owned())
    }

    async fn push_blob(&self, blob: &Blob) -> Result<()> {
        let there = self.send(self.http.head(self.url(&format!("blobs/{}", blob.digest)))).await?;
        if there.status() == StatusCode::OK {
            return Ok(());
        }
        let started = self.send(self.http.post(self.url("blobs/uploads/"))).await?;
        ensure!(started.status() == StatusCode::ACCEPTED, "POST of an upload answered {}", started.status());
        let location = started.headers().get(LOCATION).context("no Location in the answer")?.to_str()?;
        let url = format!("{}{location}?digest={}", self.endpoint, blob.digest);
        let put = self.send(self.http.put(url).body(blob.bytes.clone())).await?;
        ensure!(put.status() == StatusCode::CREATED, "PUT of a blob answered {}", put.status());
        Ok(())
    }

    /// Gets a path of the repository.
    pub(super) async fn get(&self, path: &str) -> Result<Response> {
        self.send(self.http.get(self.url(path))).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        Ok(request.basic_auth(&self.username, Some(&self.password)).send().await?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.endpoint, self.repository)
    }
}
