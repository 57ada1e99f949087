//! Open redirects: nobody is sent to an address that a request made up.

use url::form_urlencoded::byte_serialize;

use super::{Target, wire};

#[tokio::test]
async fn a_callback_address_is_one_of_ours_letter_by_letter() {
    let target = Target::new().await;
    let (own, start) = (format!("{}/auth/callback", target.origin()), target.path(&target.start));
    let refused = wire::notice("400 Bad Request", &[], "This callback address is not allowed");
    for elsewhere in [
        "https://evil.example/",
        "http://127.0.0.1:1/auth/callback",
        "//evil.example",
        "\\\\evil.example",
        "/auth/callback",
        "javascript:alert(1)",
        "",
        &format!("{own}/"),
        &format!("{own}?"),
        &format!("{own}#"),
        &format!(" {own}"),
        &format!("{own}@evil.example"),
        &format!("{own}.evil.example"),
        &own.replace("127.0.0.1", "localhost"),
        &own.replace("http://", "https://"),
        &own.replace("127.0.0.1", "127.0.0.1@evil.example"),
        &format!("https://evil.example/?{own}"),
        &format!("{own}\r\nLocation: https://evil.example"),
    ] {
        let encoded: String = byte_serialize(elsewhere.as_bytes()).collect();
        assert_eq!(target.get(&format!("{start}&callback_url={encoded}")).await, refused, "{elsewhere}");
    }
    let evil = format!("{start}&callback_url=https://evil.example&callback_url={own}");
    assert_eq!(target.get(&evil).await, refused);
    target.stands().await;
}

#[tokio::test]
async fn a_browser_is_sent_to_the_platform_alone() {
    let target = Target::new().await;
    let (own, start) = (format!("{}/auth/callback", target.origin()), target.path(&target.start));
    let back: String = byte_serialize(own.as_bytes()).collect();
    let place = format!(
        "{}/oauth/authorize?response_type=code&client_id=switchboard&state=*&code_challenge=*\
         &code_challenge_method=S256&redirect_uri={back}&scope=chat%3Aread",
        target.world.origin
    );
    let cookie = format!("switchboard_sign_in_{}=*; Path=/; HttpOnly; SameSite=Lax; Max-Age=600", target.port());
    let sent = wire::redirect(&place, &[&format!("set-cookie: {cookie}")]);
    for more in [
        String::new(),
        format!("&callback_url={own}"),
        "&redirect_uri=https://evil.example&next=//evil.example&url=https://evil.example".into(),
        format!("&callback_url={own}&callback_url=https://evil.example"),
    ] {
        assert_eq!(target.get(&format!("{start}{more}")).await, sent, "{more}");
    }
    target.stands().await;
}

#[tokio::test]
async fn the_last_page_is_ours_whatever_the_platform_adds() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let more = "&next=https://evil.example&redirect_uri=https://evil.example&return_to=//evil.example";
    let headers = ["Referer: https://evil.example/", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"];
    let cookies = format!("Cookie: {}", browser.cookies("127.0.0.1"));
    let headers = [&headers[..], &[&cookies]].concat();
    let answer = target.ask(&format!("GET {callback}{more} HTTP/1.1"), &headers).await;
    assert_eq!(answer, wire::redirect("/auth/done", &[]));
    target.running.abort();
}

#[tokio::test]
async fn a_path_that_looks_like_a_host_leads_nowhere() {
    let target = Target::new().await;
    let nowhere = wire::notice("404 Not Found", &[], "There is no such page");
    for path in [
        "//evil.example",
        "//evil.example/auth",
        "/\\evil.example",
        "/auth/https://evil.example",
        "/?https://evil.example",
    ] {
        assert_eq!(target.get(path).await, nowhere, "{path}");
    }
    target.stands().await;
}
