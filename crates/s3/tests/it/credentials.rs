//! The sources of credentials, against scripted answers.

use std::sync::{Arc, Mutex};

use gangplank_s3::credentials::{Container, ContainerToken, Instance, Keys, Source, WebIdentity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that chooses its answer by the first line of a request, and records all requests.
struct Script {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn script(answers: Vec<(&'static str, u16, String)>) -> Script {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let read = socket.read(&mut piece).await.unwrap_or(0);
                request.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
                if read == 0 || text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length) {
                    break;
                }
            }
            let text = String::from_utf8(request).unwrap();
            let line = text.lines().next().unwrap_or_default();
            let found = answers.iter().find(|(begin, ..)| line.starts_with(begin));
            let (status, body) =
                found.map_or((404, String::new()), |(_, status, body)| (*status, body.clone()));
            heard.lock().unwrap().push(text);
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    Script { url, asked }
}

const JSON: &str = r#"{"Code": "Success", "AccessKeyId": "ASIA1", "SecretAccessKey": "s3cr3t", "Token": "t0ken",
    "Expiration": "2026-11-27T08:00:00Z"}"#;

fn keys() -> Keys {
    Keys {
        access_key_id: "ASIA1".into(),
        secret_access_key: "s3cr3t".into(),
        session_token: Some("t0ken".into()),
        expires: Some(1_795_766_400),
    }
}

#[tokio::test]
async fn a_container_is_given_credentials() {
    let script = script(vec![("GET /role ", 200, JSON.into())]).await;
    let url = format!("{}/role", script.url);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from a file\n").unwrap();
    for (token, expected) in [
        (None, None),
        (Some(ContainerToken::Text("a text".into())), Some("authorization: a text")),
        (Some(ContainerToken::File(file.path().into())), Some("authorization: from a file")),
    ] {
        let container = Container::new(&url, token).unwrap();
        assert_eq!(container.fetch().await.unwrap(), Some(keys()));
        let asked = script.asked.lock().unwrap().pop().unwrap();
        assert!(expected.is_none_or(|line| asked.contains(line)), "{asked}");
    }
    let wrong = Container::new(&format!("{}/other", script.url), None).unwrap();
    assert!(wrong.fetch().await.unwrap_err().contains("answers 404"));
}

/// Plain HTTP is only allowed to this machine and to the addresses at which container platforms give
/// credentials. Otherwise a changed environment variable could send the token to any server.
#[test]
fn a_container_asks_nobody_far_away_in_clear() {
    for (url, allowed) in [
        ("http://169.254.170.2/v2/credentials/x", true),
        ("http://169.254.170.23/v1/credentials", true),
        ("http://[fd00:ec2::23]/v1/credentials", true),
        ("http://localhost:1/x", true),
        ("https://credentials.example/x", true),
        ("http://credentials.example/x", false),
        ("http://10.0.0.1/x", false),
        ("ftp://127.0.0.1/x", false),
        ("not a url", false),
    ] {
        let is_allowed = Container::new(url, None).is_ok();
        assert_eq!(is_allowed, allowed, "{url}");
    }
}

#[tokio::test]
async fn an_instance_is_asked_by_the_second_version() {
    let script = script(vec![
        ("PUT /latest/api/token ", 200, "the-token".into()),
        ("GET /latest/meta-data/iam/security-credentials/ ", 200, "a-role\n".into()),
        ("GET /latest/meta-data/iam/security-credentials/a-role ", 200, JSON.into()),
    ])
    .await;
    let instance = Instance::new(&script.url).unwrap();
    assert_eq!(instance.fetch().await.unwrap(), Some(keys()));
    let asked = script.asked.lock().unwrap();
    assert!(asked[0].contains("x-aws-ec2-metadata-token-ttl-seconds"));
    assert!(asked[1..].iter().all(|request| request.contains("x-aws-ec2-metadata-token: the-token")));
}

#[tokio::test]
async fn an_instance_may_have_no_role_and_a_machine_may_be_none() {
    let script = script(vec![("PUT /latest/api/token ", 200, "the-token".into())]).await;
    assert_eq!(Instance::new(&script.url).unwrap().fetch().await.unwrap(), None);
    assert_eq!(Instance::new("http://127.0.0.1:1").unwrap().fetch().await.unwrap(), None);
}

#[tokio::test]
async fn an_identity_token_opens_a_role() {
    let answer = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
        <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>
        <SecretAccessKey>s3cr3t</SecretAccessKey><SessionToken>t0ken</SessionToken>
        <Expiration>2026-11-27T08:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
        </AssumeRoleWithWebIdentityResponse>";
    let script = script(vec![("POST / ", 200, answer.into())]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "header.claims.signature\n").unwrap();
    let role = "arn:aws:iam::1:role/registry".to_owned();
    let source = WebIdentity::new(&script.url, role.clone(), None, file.path().into()).unwrap();
    assert_eq!(source.fetch().await.unwrap(), Some(keys()));
    let asked = script.asked.lock().unwrap().pop().unwrap();
    for said in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fregistry",
        "RoleSessionName=gangplank",
        "WebIdentityToken=header.claims.signature",
    ] {
        assert!(asked.contains(said), "{asked}");
    }
    let gone = WebIdentity::new(&script.url, role, None, "/nonexistent/token".into()).unwrap();
    assert!(gone.fetch().await.unwrap_err().contains("/nonexistent/token"));
}

#[tokio::test]
async fn a_refused_token_is_told_without_it() {
    let refused =
        "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code></Error></ErrorResponse>";
    let script = script(vec![("POST / ", 400, refused.into())]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "header.claims.signature").unwrap();
    let source = WebIdentity::new(&script.url, "arn:x".into(), None, file.path().into()).unwrap();
    let why = source.fetch().await.unwrap_err();
    assert!(why.contains("400 ExpiredTokenException") && !why.contains("claims"), "{why}");
}
