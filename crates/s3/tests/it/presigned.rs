//! URLs that open an object without a key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gangplank_s3::credentials::{Keys, Source};
use gangplank_s3::{Client, Endpoint, Guard, Settings, Style};
use gangplank_testkit::s3::{BUCKET, Program};

use crate::world::{client, key, server};

const TEN_MINUTES: Duration = Duration::from_mins(10);

async fn get(url: &str) -> (u16, Vec<u8>) {
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_opens_one_object_at_any_name_of_the_server() {
    for program in Program::ALL {
        let Some(server) = server(program) else { continue };
        let (client, key) = (client(server, None, Style::Path), key("odd +&=name"));
        client.put_object(&key, Bytes::from_static(b"content").into(), Guard::of(b"content")).await.unwrap();
        let other = server.endpoint().replace("127.0.0.1", "localhost");
        for public in [None, Some(Endpoint::parse(&other).unwrap())] {
            let url = client.presigned_get(&key, TEN_MINUTES, public.as_ref()).await.unwrap().unwrap();
            let address = public.as_ref().map_or_else(|| server.endpoint(), Endpoint::url);
            assert!(url.starts_with(&format!("{address}/{BUCKET}/")), "{url}");
            assert_eq!(get(&url).await, (200, b"content".to_vec()), "{program:?}");
            let stolen = url.replacen("name", "nam", 1);
            assert_eq!(get(&stolen).await.0, 403, "{program:?}");
        }
    }
}

/// A key that ends after this number of seconds.
struct Temporary(i64);

#[async_trait]
impl Source for Temporary {
    fn name(&self) -> &'static str {
        "the test"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Ok(Some(Keys {
            access_key_id: "ASIATEST".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: Some("token".to_owned()),
            expires: Some(i64::try_from(now).unwrap() + self.0),
        }))
    }
}

#[tokio::test]
async fn a_url_ends_with_the_credentials() {
    let with = |seconds| {
        let settings = Settings {
            bucket: "images".to_owned(),
            endpoint: Some(Endpoint::parse("https://s3.test").unwrap()),
            region: "us-east-1".to_owned(),
            style: Some(Style::VirtualHost),
            ca_file: None,
            credentials: vec![Arc::new(Temporary(seconds))],
        };
        Client::new(settings).unwrap()
    };
    let seconds = async |client: Client| {
        let url = client.presigned_get("a/b", TEN_MINUTES, None).await.unwrap()?;
        assert!(url.starts_with("https://images.s3.test/a/b?"), "{url}");
        assert!(url.contains("&X-Amz-Security-Token=token&"), "{url}");
        let (_, rest) = url.split_once("X-Amz-Expires=").unwrap();
        rest.split('&').next().unwrap().parse::<i64>().ok()
    };
    assert_eq!(seconds(with(3_600)).await, Some(600));
    let short = seconds(with(300)).await.unwrap();
    assert!((295..=300).contains(&short), "{short}");
    assert_eq!(seconds(with(30)).await, None, "it would end before a client has used it");
}
