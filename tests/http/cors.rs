//! What browsers are told before a page of another origin may use the server, and what they let the page read.

use serde_json::json;

use super::{
    client::message,
    server::{Server, hello},
};
use crate::switchboard::Home;

const TOKEN: &str = "4f0c1d6a9b8e7f3a2d5c4f0c1d6a9b8e";
const PREFLIGHT: &str = "Access-Control-Request-Method: POST\r\n\
    Access-Control-Request-Headers: authorization,content-type,mcp-session-id,x-other\r\n";

fn guarded(home: &Home) -> Server {
    let arguments =
        ["--provider", "sandbox", "serve", "--http", "127.0.0.1:0", "--allowed-origin", "https://a.example"];
    Server::of(home.command(&arguments).env("SWITCHBOARD_HTTP_TOKEN", TOKEN))
}

#[test]
fn a_browser_may_send_what_the_pages_that_are_named_ask_for() {
    let home = Home::new();
    let server = guarded(&home);
    for origin in ["https://a.example", "http://localhost:6274"] {
        let asked = format!("Origin: {origin}\r\nAccess-Control-Request-Private-Network: true\r\n{PREFLIGHT}");
        let answer = server.client().ask("OPTIONS /mcp", &asked, "");
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(origin)), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-methods"), Some("get, post, delete"));
        let headers = answer.header("access-control-allow-headers");
        assert_eq!(headers, Some("authorization, content-type, mcp-session-id"));
        assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
        assert!(answer.header("access-control-max-age").is_some());
        assert_eq!(answer.header("vary"), Some("origin"));
    }
    let refused = server.client().ask("OPTIONS /mcp", &format!("Origin: https://b.example\r\n{PREFLIGHT}"), "");
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None), "{refused:?}");
    let nobody = server.client().ask("OPTIONS /mcp", PREFLIGHT, "");
    assert_eq!((nobody.status, nobody.header("access-control-allow-methods")), (401, None), "{nobody:?}");
}

#[test]
fn the_pages_that_are_named_may_read_every_answer() {
    let home = Home::new();
    let server = guarded(&home);
    let page = "Origin: https://a.example\r\n";
    let hello = message("initialize", &hello());
    let mut client = server.client();
    let unknown = client.post(page, &hello);
    assert_eq!(unknown.status, 401);
    client.headers = format!("Authorization: Bearer {TOKEN}\r\n");
    let opened = client.post(page, &hello);
    assert_eq!(opened.status, 200);
    let health = client.ask("GET /health", page, "");
    for answer in [&unknown, &opened, &health] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"), "{answer:?}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("mcp-session-id, www-authenticate"));
        assert_eq!(answer.header("vary"), Some("origin"));
    }
    let bare = client.post("", &message("ping", &json!({})));
    assert_eq!(bare.header("access-control-allow-origin"), None, "{bare:?}");
    assert_eq!(client.post("Origin: https://b.example\r\n", &hello).header("access-control-allow-origin"), None);
}
