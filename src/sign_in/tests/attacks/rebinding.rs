//! Names that their owners have bound to this machine, and other ways of naming it: only our own are served.

use super::{Target, wire};

const STATUS: &str = r#"{"account":"test","expires_in_s":null,"scopes":[],"state":"signed_out"}"#;

fn refused() -> String {
    wire::notice("403 Forbidden", &[], "This address is not served here")
}

#[tokio::test]
async fn a_name_that_is_bound_to_this_machine_is_not_served() {
    let target = Target::new().await;
    let (port, own) = (target.port(), target.path(&target.start));
    for path in ["/status", own, "/auth/callback?state=a&code=b", "/auth/done", "/nothing"] {
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example#127.0.0.1"] {
            let lines = [&format!("GET {path} HTTP/1.1"), &format!("Host: {host}:{port}")[..]];
            assert_eq!(target.say(&lines).await, refused(), "{lines:?}");
        }
    }
    let renewal = [
        "POST /auth/refresh HTTP/1.1",
        &format!("Host: evil.example:{port}"),
        &format!("X-Auth-Nonce: {}", target.nonce()),
    ];
    assert_eq!(target.say(&renewal).await, refused());
    target.stands().await;
}

#[tokio::test]
async fn other_names_of_this_machine_are_not_ours() {
    let target = Target::new().await;
    let port = target.port();
    let other = port.parse::<u16>().unwrap() - 1;
    for host in [
        "127.0.0.1".into(),
        "localhost".into(),
        "127.0.0.1:".into(),
        format!("127.0.0.1:{other}"),
        format!("127.0.0.1:0{port}"),
        format!("127.0.0.1:{port}:{port}"),
        format!("127.0.0.1:{port}."),
        format!("127.0.0.1.:{port}"),
        format!("localhost.:{port}"),
        format!("127.1:{port}"),
        format!("127.0.0.2:{port}"),
        format!("2130706433:{port}"),
        format!("0.0.0.0:{port}"),
        format!("0:{port}"),
        format!("user@127.0.0.1:{port}"),
        format!("127.0.0.1:{port}, 127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
    ] {
        assert_eq!(target.say(&["GET /status HTTP/1.1", &format!("Host: {host}")]).await, refused(), "{host}");
    }
    target.stands().await;
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let target = Target::new().await;
    let own = format!("Host: {}", target.authority());
    let evil = format!("Host: evil.example:{}", target.port());
    for lines in [
        &["GET /status HTTP/1.1"][..],
        &["GET /status HTTP/1.1", "Host:"],
        &["GET /status HTTP/1.1", &own, &evil],
        &["GET /status HTTP/1.1", &evil, &own],
        &["GET /status HTTP/1.1", &own, &own],
        &["GET /status HTTP/1.1", "X-Forwarded-Host: localhost", &evil],
        &["GET /status HTTP/1.1", &own.replace("Host", "X-Forwarded-Host")],
    ] {
        assert_eq!(target.say(lines).await, refused(), "{lines:?}");
    }
    // HTTP/1.0 knows no other end than the connection's, so its answer does not speak of it.
    let older = refused().replace("HTTP/1.1", "HTTP/1.0").replace("connection: close\n", "");
    assert_eq!(target.say(&["GET /status HTTP/1.0"]).await, older);
    target.stands().await;
}

#[tokio::test]
async fn a_whole_address_as_target_names_a_host_too() {
    let target = Target::new().await;
    let (own, evil) = (target.authority(), format!("evil.example:{}", target.port()));
    for (named, host) in
        [(&*evil, own), (own, &*evil), (&*evil, &*evil), (&format!("user@{own}"), own), ("localhost", own)]
    {
        let lines = [&format!("GET http://{named}/status HTTP/1.1"), &format!("Host: {host}")[..]];
        assert_eq!(target.say(&lines).await, refused(), "{lines:?}");
    }
    let served = wire::json("200 OK", STATUS);
    assert_eq!(target.ask(&format!("GET http://{own}/status HTTP/1.1"), &[]).await, served);
    target.stands().await;
}

#[tokio::test]
async fn our_own_names_are_served() {
    let target = Target::new().await;
    let port = target.port();
    for host in ["127.0.0.1", "localhost", "LocalHost", "[::1]"] {
        let answer = target.say(&["GET /status HTTP/1.1", &format!("Host:  {host}:{port} ")]).await;
        assert_eq!(answer, wire::json("200 OK", STATUS), "{host}");
    }
    target.stands().await;
}

#[tokio::test]
async fn other_spellings_of_version_six_are_not_ours() {
    let target = Target::new().await;
    let port = target.port();
    for host in ["[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::]", "::1", "[::1%25lo]", "[::1].evil.example"] {
        let answer = target.say(&["GET /status HTTP/1.1", &format!("Host: {host}:{port}")]).await;
        assert_eq!(answer, refused(), "{host}");
    }
    assert_eq!(target.say(&["GET /status HTTP/1.1", "Host: [::1]"]).await, refused());
    target.stands().await;
}
