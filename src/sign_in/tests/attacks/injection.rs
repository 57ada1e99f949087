//! What is written by others and shown to people: nothing of a request, and of a platform only plain text.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::json;
use switchboard_kit::Auth;
use tokio::net::TcpListener;

use super::{FOREIGN, ISSUER, Target, UNKNOWN, changed, wire};
use crate::sign_in::tests::{
    by_session::{homeserver, session},
    world::{Browser, FakeTerminal, World, start},
};

const SCRIPT: &str = "\"'><script>alert(1)</script>\u{202e}\r\nX-Evil: 1\u{1b}[31m{title}{body}";

fn failed() -> String {
    wire::refusal("502 Bad Gateway", "The sign-in did not work", "Nothing was linked. The terminal says more.")
}

#[tokio::test]
async fn what_a_platform_says_went_wrong_reaches_no_page() {
    for (code, shown) in
        [(SCRIPT, "unknown"), ("server_error", "server_error"), ("", "unknown"), (&"a".repeat(65), "unknown")]
    {
        let target = Target::new().await;
        let (browser, callback) = target.begun().await;
        let mut forged = changed(&changed(&callback, "code", &[]), "error", &[code]);
        for name in ["error_description", "error_uri", SCRIPT] {
            forged = changed(&forged, name, &[SCRIPT]);
        }
        assert_eq!(target.get_as(&browser, &forged).await, failed());
        let error = target.running.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), format!("the authorization server refused to sign you in (`{shown}`)"));
        assert!(!target.terminal.said().contains(['<', '\u{1b}', '\u{202e}']), "{}", target.terminal.said());
    }
}

#[tokio::test]
async fn a_no_is_a_no_in_our_own_words() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let declined = changed(&changed(&callback, "error", &["access_denied"]), "error_description", &[SCRIPT]);
    let page =
        wire::refusal("403 Forbidden", "The sign-in was declined", "Nothing was linked. The terminal says more.");
    assert_eq!(target.get_as(&browser, &declined).await, page);
    assert_eq!(target.running.await.unwrap().unwrap_err().to_string(), "the sign-in was declined");
}

#[tokio::test]
async fn a_code_that_is_markup_stays_between_us_and_the_platform() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    assert_eq!(target.get_as(&browser, &changed(&callback, "code", &[SCRIPT])).await, failed());
    let error = target.running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the authorization server refused the sign-in (`invalid_grant`)");
}

#[tokio::test]
async fn nothing_of_a_request_comes_back() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let state = changed(&callback, "state", &[SCRIPT]);
    assert_eq!(target.get_as(&browser, &state).await, wire::stray("400 Bad Request", UNKNOWN));
    assert_eq!(target.get_as(&Browser::new(), &callback).await, wire::stray("403 Forbidden", FOREIGN));
    let issuer = changed(&callback, "iss", &[SCRIPT]);
    assert_eq!(target.get_as(&browser, &issuer).await, wire::stray("400 Bad Request", ISSUER));
    let nowhere = wire::notice("404 Not Found", &[], "There is no such page");
    assert_eq!(target.get("/%3Cscript%3Ealert(1)%3C/script%3E?<b>").await, wire::bare("400 Bad Request"));
    assert_eq!(target.get("/%3Cscript%3Ealert(1)%3C/script%3E?%3Cb%3E").await, nowhere);
    assert_eq!(target.get("/{title}{body}").await, nowhere);
    let headers = ["Referer: <script>", "User-Agent: <script>", "Cookie: <script>=<script>", "Origin: {body}"];
    assert_eq!(target.ask("GET /nothing HTTP/1.1", &headers).await, nowhere);
    target.stands().await;
}

#[tokio::test]
async fn a_persons_name_is_text_on_the_page_and_in_the_terminal() {
    let (id, home) = ("P1\u{202e}<i>", "ho\u{7}me\"'&");
    for (name, shown, said) in [
        (
            "Paula\n\u{1b}[31m<script>x</script>",
            "Paula [31m&lt;script&gt;x&lt;/script&gt;",
            "Paula [31m<script>x</script>",
        ),
        ("\u{202e}alu\u{200b}aP\u{2066}", "aluaP", "aluaP"),
        ("{title}{body}{style}", "&#123;title}&#123;body}&#123;style}", "{title}{body}{style}"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;", "&lt;b&gt;"),
    ] {
        let world =
            homeserver(&["m.login.sso"], json!({ "id": id, "name": name, "workspace": { "name": home } })).await;
        let terminal = FakeTerminal::new(&[]);
        let running = start(world.request(Auth::from(session()), &terminal));
        let address = terminal.start().await;
        let (origin, _) = address.split_once("/auth").unwrap();
        let browser = Browser::new();
        browser.visit_until(&address, |url| url.ends_with("/auth/done")).await;
        let authority = origin.strip_prefix("http://").unwrap();
        let request = format!("GET /auth/done HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let below = "<p>P1&lt;i&gt; in home&quot;&#39;&amp;, on sandbox.</p>\n\
             <p>Switchboard now uses this sign-in for the account test.</p>\n\
             <p class=\"quiet\">You can close this tab.</p>";
        let page = wire::page("200 OK", &[], &format!("Signed in as {shown}"), below);
        assert_eq!(wire::send(authority, request.as_bytes()).await, page);
        running.await.unwrap().unwrap();
        let last = terminal.said().lines().last().unwrap().to_owned();
        assert_eq!(last, format!("Signed in as {said} to test."));
    }
}

#[tokio::test]
async fn a_device_code_is_text_in_the_terminal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::around(format!("http://{}", listener.local_addr().unwrap()));
    let at = |path| format!("{}/{path}", world.origin);
    let metadata = json!({
        "issuer": world.origin, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "device_authorization_endpoint": at("device"), "code_challenge_methods_supported": ["S256"],
    });
    let codes = json!({
        "device_code": "d", "user_code": "\u{1b}[2JAB\u{202e}CD\nSigned in as Robin.", "expires_in": 600, "interval": 0,
        "verification_uri": at("\u{1b}[8mdevice"),
    });
    let no = (StatusCode::BAD_REQUEST, Json(json!({ "error": "access_denied" })));
    let router = Router::new()
        .route("/.well-known/oauth-authorization-server", get(async || Json(metadata)))
        .route("/device", post(async || Json(codes)))
        .route("/token", post(async || no));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().client("switchboard"), &terminal);
    request.device = true;
    assert_eq!(start(request).await.unwrap().unwrap_err().to_string(), "the sign-in was declined");
    let said = terminal.said();
    let shown: Vec<_> = said.lines().rev().take(2).collect();
    assert_eq!(shown, ["[2JABCD Signed in as Robin.", &at("[8mdevice")]);
}
