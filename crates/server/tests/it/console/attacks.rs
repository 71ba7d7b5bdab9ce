//! Attacks: forms of other sites, names that are HTML, forged cookies.

use gangplank_testkit::{Image, Registry};
use serde_json::json;

use super::browser::{Browser, PLACE, events, filled, make_key, make_link, secret_of};
use crate::updates::certificate;
use crate::world::{KEY, SECRET, World, until};

/// The path of the form that revokes a login.
fn revoke(id: &str) -> String {
    format!("{PLACE}/logins/revoke?id={id}")
}

#[test]
fn a_form_of_another_site_does_nothing() {
    let world = World::configured(|_| ());
    world.make_service(1);
    world.api().push_login();
    let browser = Browser::signed_in(&world);
    let own = browser.origin().to_owned();
    let elsewhere = own.replace("127.0.0.1", "localhost");
    let attempts: [&[(&str, &str)]; 9] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", &own)],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("origin", &elsewhere)],
        &[("origin", "")],
        &[("referer", &own)],
        &[],
    ];
    for headers in attempts {
        for path in [revoke("1"), "/console/out".to_owned(), "/console/out/everywhere".to_owned()] {
            let mut request = filled(browser.request("POST", &path), &[("x", "y")]);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = browser.send(request);
            assert_eq!(answer.status, 403, "{headers:?} {path}");
            answer.says("nothing was done");
        }
        // A form of another site cannot sign anybody in either.
        let victim = Browser::new(&world);
        let mut request =
            filled(victim.request("POST", "/console/in"), &[("key-id", KEY), ("secret", SECRET)]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(victim.send(request).status, 403, "{headers:?}");
        assert!(victim.cookie().is_none());
    }
    assert!(events(&world, "LoginRevoked").is_empty());
    // A browser that sends no Sec-Fetch-Site, as browsers do for plain HTTP to another machine.
    let request = browser.request("POST", &revoke("1")).header("origin", &own);
    assert_eq!(browser.send(request).status, 303);
    assert_eq!(events(&world, "LoginRevoked").len(), 1);
}

#[test]
fn looking_changes_nothing() {
    let world = World::configured(|_| ());
    world.make_service(1);
    world.api().push_login();
    let browser = Browser::signed_in(&world);
    for path in [
        &revoke("1"),
        "/console/out",
        "/console/out/everywhere",
        &format!("{PLACE}/logins/revoke-all?key={KEY}"),
    ] {
        for method in ["GET", "HEAD"] {
            browser.send(browser.request(method, path));
        }
    }
    let put = browser.send(browser.request("PUT", &revoke("1")));
    assert_eq!((put.status, put.header("allow")), (405, "GET, HEAD, POST"));
    assert!(events(&world, "LoginRevoked").is_empty() && events(&world, "ConsoleSignedOut").is_empty());
}

#[test]
fn a_cookie_that_was_put_into_a_browser_is_not_taken_over() {
    let world = World::configured(|_| ());
    let key = make_key(&world, &json!({}));
    let attacker = Browser::with_key(&world, &key);
    let planted = attacker.cookie().unwrap();
    let victim = Browser::new(&world);
    victim.take(&planted);
    victim.sign_in(KEY, SECRET).location();
    assert_ne!(victim.cookie().unwrap(), planted, "signing in makes a new secret");
    assert_eq!(attacker.get("/console/").location(), "/console/in", "and ends what the browser came with");
    // Two cookies with the same name do not sign anybody in, so an attacker gains nothing by adding a cookie.
    let both = format!("{}; {planted}", victim.cookie().unwrap());
    victim.take(&both);
    assert_eq!(victim.get("/console/").location(), "/console/in");
    for made_up in ["gangplank-plain=", "gangplank-plain=x", &format!("gangplank-plain={}", "A".repeat(43))] {
        victim.take(made_up);
        assert_eq!(victim.get("/console/").location(), "/console/in", "{made_up}");
    }
}

#[test]
fn cookies_open_neither_the_api_nor_the_registry() {
    let world = World::configured(|_| ());
    let browser = Browser::signed_in(&world);
    assert_eq!(browser.send(browser.request("GET", "/v2/")).status, 401);
    let call = browser.request("POST", "/").header("x-amz-target", "Lightsail_20161128.GetContainerServices");
    assert_eq!(browser.send(call.body("{}")).status, 400);
}

#[test]
fn two_accounts_in_two_tabs_do_not_mix() {
    let world = World::configured(|_| ());
    world.make_service(1);
    world.api().push_login();
    let browser = Browser::signed_in(&world);
    let question = browser.get(&revoke("1"));
    // In another tab, the person signs in to another account, whose first login has the next number.
    let other = make_key(&world, &json!({ "account": "111122223333" }));
    let word = |name: &str| other[name].as_str().unwrap();
    browser.sign_in(word("accessKeyId"), word("secretAccessKey")).location();
    let answer = browser.post(&question.action(), &[]);
    assert_eq!(answer.status, 403);
    answer.says("Nothing was done");
    assert!(events(&world, "LoginRevoked").is_empty());
    // The path of each page names its region.
    let root = Browser::signed_in(&world);
    let elsewhere = question.action().replace("us-east-1", "eu-west-1");
    assert_eq!(root.post(&elsewhere, &[]).status, 404);
    assert_eq!(root.post(&question.action(), &[]).status, 303);
}

#[test]
fn names_that_are_html_are_shown_and_not_run() {
    const EVIL: &str = "<img src=x onerror=alert(1)>\"'";
    let world = World::configured(|_| ());
    world.make_service(1);
    let key = make_key(&world, &json!({ "description": EVIL }));
    let api = world.api().as_key(&key);
    let registry = Registry::new(&format!("http://{}", world.address()), Some(api.push_login()));
    let digest = registry.push_image("sr", "new", &Image::unique(1));
    api.register("web", "app", &digest);
    let browser = Browser::signed_in(&world);
    let mut pages = vec![browser.get(&format!("{PLACE}/services/web"))];
    pages[0].says(EVIL);
    let escaped = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%22%27";
    for path in [
        format!("services/{escaped}"),
        format!("services/web?container={escaped}"),
        format!("services/web/delete-image?image={escaped}"),
        format!("services/{escaped}/delete-image?image=x"),
        format!("logins/revoke?id={escaped}"),
        format!("logins/revoke-all?key={escaped}"),
        format!("logins?done={escaped}&n={escaped}"),
        format!("logins?after={escaped}"),
        format!("access-keys?after={escaped}"),
        format!("access-keys/delete?id={escaped}"),
        format!("access-keys/{escaped}?id={escaped}"),
        format!("audit?subject={escaped}&repository={escaped}&kind={escaped}"),
        format!("audit?subject={escaped}&digest={escaped}&repository={escaped}"),
        format!("audit?since={escaped}"),
        format!("audit/export?since={escaped}"),
        format!("repositories?prefix={escaped}&after={escaped}"),
        format!("repositories/show?name={escaped}&prefix={escaped}"),
        format!("repositories/show?name=sr&prefix={escaped}"),
        format!("repositories/manifest?name={escaped}&ref={escaped}"),
        format!("repositories/manifest?name=sr&ref={escaped}"),
        format!("roles?after={escaped}"),
        format!("roles/show?name={escaped}"),
        format!("roles/disable?name={escaped}"),
        format!("roles/revoke-session?name={escaped}&key={escaped}"),
        format!("{escaped}/{escaped}"),
    ] {
        pages.push(browser.get(&format!("{PLACE}/{path}")));
        pages.push(browser.post(&format!("{PLACE}/{path}"), &[]));
    }
    pages.push(browser.get(&format!("/console/{escaped}/{escaped}/logins")));
    pages.push(browser.get(&format!("/console/in?t={escaped}")));
    pages.push(browser.sign_in(EVIL, EVIL));
    pages.push(browser.post("/console/in", &[("link", EVIL)]));
    for page in pages {
        assert!(page.status < 500, "{page:?}");
        assert!(!page.html.contains("<img src=x") && !page.html.contains("onerror=alert(1)>\"'"), "{page:?}");
    }
}

#[test]
fn what_containers_print_is_shown_and_not_run() {
    const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>";
    let world = World::configured(|_| ());
    world.make_service(1);
    world.deploy_and_wait();
    world.machine.print(&world.nodes()[0].name, "app", EVIL);
    let browser = Browser::signed_in(&world);
    let page = || browser.get(&format!("{PLACE}/services/web"));
    until("the line is shown", || page().text().contains(EVIL));
    assert_eq!(page().html.matches("<script").count(), 1, "that of the page");
    assert!(!page().html.contains("<img src=x"));
}

#[test]
fn secrets_are_not_shown_again_and_not_kept_in_clear() {
    let mut world = World::configured(|_| ());
    let link = make_link(&world);
    let browser = Browser::signed_in(&world);
    let cookie = browser.cookie().unwrap();
    let (_, secret) = cookie.split_once('=').unwrap();
    let page = browser.get(&format!("{PLACE}/services"));
    assert!(!page.html.contains(secret));
    world.stop();
    for entry in std::fs::read_dir(world.home.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if let Ok(bytes) = std::fs::read(&path) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(secret) && !text.contains(secret_of(&link)), "{}", path.display());
        }
    }
}

#[test]
fn over_plain_http_nobody_signs_in_from_elsewhere() {
    let proxies = |config: &mut gangplank_server::Config| {
        config.proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let world = World::configured(proxies);
    let link = make_link(&world);
    let come = |browser: &Browser, forwarded: &[(&str, &str)], form: &[(&str, &str)]| {
        let request = browser.request("POST", "/console/in").header("sec-fetch-site", "same-origin");
        let mut request = filled(request, form);
        for (name, value) in forwarded {
            request = request.header(*name, *value);
        }
        browser.send(request)
    };
    let key = [("key-id", KEY), ("secret", SECRET)];
    let by_link = [("link", secret_of(&link))];
    let plain = [("x-forwarded-for", "192.0.2.7")];
    for form in [&key[..], &by_link[..]] {
        let browser = Browser::new(&world);
        let page = come(&browser, &plain, form);
        assert_eq!(page.status, 403);
        page.says("closed over plain HTTP").says("X-Forwarded-Proto");
        assert!(browser.cookie().is_none());
    }
    // Behind a proxy with TLS, the browser sends the cookie over TLS only.
    let browser = Browser::new(&world);
    let secure = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")];
    let entered = come(&browser, &secure, &by_link);
    assert_eq!(entered.status, 303);
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-gangplank="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    assert_eq!(browser.get("/console/").location(), "/console/in", "it is no good over plain HTTP");
    let request = browser.request("GET", "/console/");
    let page = browser.send(request.header("x-forwarded-proto", "https"));
    assert_eq!(page.location(), format!("{PLACE}/services"));

    let world = World::configured(move |config| {
        proxies(config);
        config.insecure_http = true;
    });
    let browser = Browser::new(&world);
    assert_eq!(come(&browser, &plain, &key).status, 303, "whoever runs it has asked for that");
}

#[test]
fn over_tls_the_cookie_is_of_this_host_and_of_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path(), "localhost");
    let tls = files.clone();
    let world = World::configured(move |config| config.tls = Some(tls.clone()));
    let browser = Browser::over_tls(&world, &files.certificate);
    let entered = browser.sign_in(KEY, SECRET);
    assert_eq!(entered.location(), format!("{PLACE}/services"));
    assert!(entered.header("set-cookie").starts_with("__Host-gangplank="), "{entered:?}");
    browser.get(entered.location()).says("gangplank configure --endpoint-url https://localhost:");
    // The browser only sends Origin. Its URL has to begin with `https`, too.
    for (scheme, status) in [("http", 403), ("https", 200)] {
        let origin = browser.origin().replace("https", scheme);
        let request = browser.request("POST", "/console/out").header("origin", origin);
        assert_eq!(browser.send(request).status, status, "{scheme}");
    }
}

#[test]
fn what_was_pushed_is_never_taken_for_a_page() {
    let world = World::configured(|_| ());
    world.make_service(1);
    let blob = gangplank_testkit::Blob::new(b"<script>alert(1)</script>".to_vec());
    let login = world.api().registry_login(&json!({ "scope": ["push", "pull"] }));
    let registry = Registry::new(&format!("http://{}", world.address()), Some(login));
    registry.push_blob("sr", &blob);
    let answer = registry.send("GET", &format!("/v2/sr/blobs/{}", blob.digest));
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(answer.status(), 200);
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("x-content-type-options"), "nosniff");
}

#[test]
fn forms_are_forms_and_short() {
    let world = World::configured(|_| ());
    let browser = Browser::signed_in(&world);
    let send = |kind: &str, body: Vec<u8>| {
        let request = browser.request("POST", &revoke("1")).header("sec-fetch-site", "same-origin");
        browser.send(request.header("content-type", kind).body(body)).status
    };
    assert_eq!(send("application/json", b"{}".to_vec()), 415);
    assert_eq!(send("text/plain", b"a=b".to_vec()), 415);
    assert_eq!(send("application/x-www-form-urlencoded", vec![b'a'; (64 << 10) + 1]), 413);
}
