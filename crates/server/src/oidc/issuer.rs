//! One configured issuer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gangplank_core::Time;
use jsonwebtoken::Algorithm;

use super::fetch::Fetcher;
use super::header::Header;
use super::issuer_url::IssuerUrl;
use super::kept_keys::KeptKeys;
use super::key_file::KeyFile;
use super::key_set::{KeySet, NoKey};
use super::refused::Refused;
use super::token::Token;
use crate::config::{Issuer as Configured, IssuerKeys};

/// An issuer and its keys.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) url: IssuerUrl,
    pub(super) audiences: Vec<String>,
    pub(super) max_token_life: Duration,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Discovered(Arc<KeptKeys>),
    File(Arc<KeyFile>),
}

impl Issuer {
    /// Checks the configuration of an issuer. Makes no connection.
    ///
    /// # Errors
    /// If the issuer cannot be used. The text says why.
    pub(super) fn open(configured: &Configured) -> Result<Self> {
        let url = IssuerUrl::read(&configured.url)?;
        ensure!(
            configured.audiences.iter().any(|audience| !audience.is_empty()),
            "has no audiences: no token could be for this server; name what its tokens say in `aud`, for example \
             the URL of this server"
        );
        ensure!(configured.audiences.iter().all(|audience| !audience.is_empty()), "has an empty audience");
        ensure!(!configured.max_token_life.is_zero(), "allows its tokens no life");
        let keys = match (&configured.keys, &configured.ca_file) {
            (IssuerKeys::File(path), None) => Keys::File(Arc::new(KeyFile::open(path)?)),
            (IssuerKeys::File(_), Some(_)) => {
                anyhow::bail!(
                    "has a CA file, and a file of keys: no connection is made that the CA file could be for"
                )
            }
            (IssuerKeys::Discovery, ca_file) => {
                if let Some(file) = ca_file {
                    Fetcher::new(Some(file)).context("has a CA file that cannot be used")?;
                }
                Keys::Discovered(Arc::new(KeptKeys::new(url.clone(), ca_file.clone())))
            }
        };
        let (audiences, max_token_life) = (configured.audiences.clone(), configured.max_token_life);
        Ok(Self { url, audiences, max_token_life, keys })
    }

    /// Checks that the token is signed with the issuer's key that it names.
    ///
    /// # Errors
    /// If the signature is wrong, or if the keys cannot be fetched.
    pub(super) async fn check_signature(
        &self,
        token: &Token<'_>,
        header: &Header,
        steady: Time,
    ) -> Result<(), Refused> {
        let keys = self.keys_for(header, steady).await?;
        let key = keys.find(header).map_err(|reason| match reason {
            NoKey::Unknown => Refused::invalid(
                "The identity token is not signed by a key of its issuer: the issuer has no usable key with its id \
                 (kid).",
            ),
            NoKey::Unfit(algorithm) => unfit(algorithm),
        })?;
        if key.has_signed(token.message, token.signature, header.algorithm) {
            Ok(())
        } else {
            Err(Refused::invalid("The identity token's signature is not its issuer's."))
        }
    }

    async fn keys_for(&self, header: &Header, steady: Time) -> Result<Arc<KeySet>, Refused> {
        let kept = match &self.keys {
            Keys::File(file) => return Ok(file.current().await),
            Keys::Discovered(kept) => kept,
        };
        let current = kept.current(steady).await.ok_or_else(|| self.unreachable())?;
        if current.are_new || current.keys.find(header).err() != Some(NoKey::Unknown) {
            return Ok(current.keys);
        }
        kept.with_unknown(steady).await.ok_or_else(|| self.unreachable())
    }

    fn unreachable(&self) -> Refused {
        Refused::IdpCommunicationError(format!(
            "The keys of the issuer {} cannot be had at present; try again in a few seconds.",
            self.url.as_str()
        ))
    }
}

fn unfit(algorithm: Algorithm) -> Refused {
    Refused::invalid(format!(
        "The identity token says that it is signed with {algorithm:?}; the key that it names is not for that."
    ))
}
