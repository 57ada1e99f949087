//! Who is let in.

use serde_json::json;

use super::server::{Server, embedded};
use crate::switchboard::{Home, printed};

const TOKEN: &str = "4f0c1d6a9b8e7f3a2d5c4f0c1d6a9b8e";

#[test]
fn other_names_and_other_pages_are_refused() {
    let home = Home::new();
    let server =
        embedded(&home, &["--allowed-host", "chat.example.com", "--allowed-origin", "https://chat.example.com"]);
    let port = server.authority.rsplit(':').next().unwrap();
    let status = |headers: &str| server.client().post(headers, "{}").status;
    for good in [
        format!("Host: localhost:{port}\r\n"),
        "Host: chat.example.com\r\nOrigin: https://chat.example.com\r\n".into(),
        "Origin: http://localhost:6274\r\n".into(),
    ] {
        assert_eq!(status(&good), 400, "{good}");
    }
    for bad in [
        "Host: evil.example\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: https://chat.example.com:8443\r\n",
    ] {
        assert_eq!(status(bad), 403, "{bad}");
    }
}

#[test]
fn a_token_is_asked_for_once_there_is_one() {
    let home = Home::new();
    let mut command = home.command(&["--debug", "--provider", "sandbox", "serve", "--http", "127.0.0.1:0"]);
    let server = Server::of(command.env("SWITCHBOARD_HTTP_TOKEN", TOKEN).env("RUST_LOG", "trace"));
    let mut client = server.client();
    for wrong in ["", "Authorization: Bearer \r\n", "Authorization: Bearer 4f0c1d6a9b8e7f3a2d5c4f0c1d6a9b8f\r\n"] {
        let refused = server.client().post(wrong, "{}");
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("bearer")), "{wrong}");
        assert_eq!(refused.body, "Unauthorized");
    }
    assert_eq!(server.client().ask("GET /health", "", "").status, 200);
    client.headers = format!("Authorization: Bearer {TOKEN}\r\n");
    assert!(client.call("whoami", &json!({})).text().contains("Robin"));
    server.process.kill();
    let (_, said) = server.end();
    assert!(!said.contains(&TOKEN[..8]), "{said}");
}

#[test]
fn a_token_may_come_from_a_file_of_the_user_alone() {
    let home = Home::new();
    let file = home.write("token", &format!("{TOKEN}\n"));
    let file = file.to_str().unwrap();
    #[cfg(unix)]
    {
        use std::{fs, os::unix::fs::PermissionsExt as _};
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
        let output = home.run(&["--provider", "sandbox", "serve", "--http", "127.0.0.1:0", "--bearer-file", file]);
        let (code, _, err) = printed(&output);
        assert!(code == 2 && err.contains("other users") && !err.contains(TOKEN), "{code}: {err}");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let server = embedded(&home, &["--bearer-file", file]);
    assert_eq!(server.client().post("", "{}").status, 401);
    assert_eq!(server.client().post(&format!("Authorization: Bearer {TOKEN}\r\n"), "{}").status, 400);
    let mut both = home.command(&["--provider", "sandbox", "serve", "--http", "127.0.0.1:0", "--bearer-file", file]);
    let (code, _, err) = printed(&both.env("SWITCHBOARD_HTTP_TOKEN", TOKEN).output().unwrap());
    assert!(code == 2 && err.contains("keep one of them"), "{code}: {err}");
}

#[test]
fn what_other_machines_can_reach_needs_a_token() {
    let home = Home::new();
    let expected = [
        (&["--http", "0.0.0.0:0"][..], "SWITCHBOARD_HTTP_TOKEN"),
        (&["--http", "[::]:0"], "SWITCHBOARD_HTTP_TOKEN"),
        (&["--http", "8080"], "127.0.0.1:8080"),
        (&["--http", "127.0.0.1:0", "--allowed-host", "http://a"], "no host"),
        (&["--http", "127.0.0.1:0", "--allowed-origin", "a.example"], "no origin"),
        (&["--allowed-host", "a.example"], "--http"),
    ];
    for (arguments, hint) in expected {
        let (code, out, err) = printed(&home.run(&[&["--provider", "sandbox", "serve"], arguments].concat()));
        assert!(code == 2 && out.is_empty() && err.contains(hint), "{arguments:?}: {code}: {err}");
    }
    let mut short = home.command(&["--provider", "sandbox", "serve", "--http", "0.0.0.0:0"]);
    let (code, _, err) = printed(&short.env("SWITCHBOARD_HTTP_TOKEN", "tooshort").output().unwrap());
    assert!(code == 2 && err.contains("fewer than 32") && !err.contains("tooshort"), "{code}: {err}");
    let mut command = home.command(&["--provider", "sandbox", "serve", "--http", "0.0.0.0:0"]);
    let server = Server::of(command.env("SWITCHBOARD_HTTP_TOKEN", TOKEN));
    assert!(server.authority.starts_with("0.0.0.0:"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let home = Home::new();
    let server = embedded(&home, &[]);
    let output = home.run(&["--provider", "sandbox", "serve", "--http", &server.authority]);
    let (code, _, err) = printed(&output);
    assert!(code == 2 && err.contains(&server.authority) && err.contains("hint: end what listens there"), "{err}");
}
