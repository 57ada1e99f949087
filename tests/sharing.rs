//! Several processes over one token file, while the server takes back every refresh token that was used.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    service::{Service, ask, sign_in},
    switchboard::{Home, Session},
};

#[test]
fn four_processes_share_a_sign_in_and_never_use_a_refresh_token_twice() {
    let home = Home::new();
    let service = Service::start(&home);
    let config = service.configure(&home);
    let config = config.as_str();
    sign_in(&home, config);
    let token = home.path().join("token.json");
    assert!(fs::metadata(&token).is_ok(), "the token file is where the configuration says");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let enough = |service: &Service| service.counters()["refreshes"].as_u64().unwrap() >= 4;
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut session = home.session(&["--config", config, "--provider", "sandbox"]);
                while !enough(&service) && started.elapsed() < Duration::from_mins(1) {
                    session.call("list_conversations", json!({})).unwrap_or_else(|error| panic!("{error}"));
                    thread::sleep(Duration::from_millis(50)); // paces the load: an expiry is a second away
                }
                session.end();
            });
        }
    });
    let counters = service.counters();
    assert!(enough(&service), "too few refreshes: {counters}");
    assert_eq!(counters["reuses"], 0, "{counters}");
    assert!(counters["most_uses_of_one_refresh_token"].as_u64().unwrap() <= 1, "{counters}");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_terminated_while_it_renews_loses_no_sign_in() {
    ends_while_it_renews(Session::terminate);
}

#[cfg(unix)]
#[test]
fn a_server_that_is_killed_while_it_renews_loses_no_sign_in() {
    ends_while_it_renews(drop);
}

#[cfg(unix)]
fn ends_while_it_renews(end: impl FnOnce(Session)) {
    let home = Home::new();
    let service = Service::start(&home);
    let config = service.configure(&home);
    sign_in(&home, &config);
    let renewals = || service.counters()["refreshes"].as_u64().unwrap();
    let set = |faults: Value| ask("PUT", &format!("{}/control/faults", service.url), "", &faults.to_string());
    set(json!({ "rotation": "strict", "access_lifetime": 60, "delay_after_commit_ms": 1500 }));
    let mut session = home.session(&["--config", &config, "--provider", "sandbox"]);
    let before = renewals();
    while renewals() == before {
        session.begin("list_conversations");
        thread::sleep(Duration::from_millis(50)); // paces the calls until one of them renews
    }
    end(session);
    set(json!({ "rotation": "strict" }));
    let mut session = home.session(&["--config", &config, "--provider", "sandbox"]);
    let started = Instant::now();
    // The first token, good for a second, must not hide what was lost.
    while started.elapsed() < Duration::from_secs(2) {
        session.call("list_conversations", json!({})).unwrap();
        thread::sleep(Duration::from_millis(50)); // paces the calls
    }
    session.end();
}
