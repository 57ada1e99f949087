//! A workspace of 50,000 people and 20,000 conversations: what names cost there, in requests and in memory.

use serde_json::json;

use crate::{
    service::{Service, sign_in},
    switchboard::{Home, Session},
};

const PEOPLE: &str = "50000";
const CONVERSATIONS: &str = "20000";
/// Most memory that a server may take for itself, in kB.
#[cfg(target_os = "linux")]
const MOST: u64 = 40_000;

/// Returns how many requests `work` takes.
fn cost<T>(service: &Service, work: impl FnOnce() -> T) -> (u64, T) {
    let calls = || service.counters()["api_calls"].as_u64().unwrap();
    let before = calls();
    let done = work();
    (calls() - before, done)
}

fn read(session: &mut Session, target: &str) {
    let text = session.call("read_messages", json!({ "target": target, "limit": 1 }));
    assert!(text.is_ok(), "{target}: {text:?}");
}

/// Returns how much memory the server takes for itself, in kB: the most that it has mapped less what is in files.
#[cfg(target_os = "linux")]
fn memory(session: &Session) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", session.process.id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    field("VmHWM") - field("RssFile") - field("RssShmem")
}

fn is_small(session: &Session, after: &str) {
    #[cfg(target_os = "linux")]
    {
        let taken = memory(session);
        assert!(taken < MOST, "{taken} kB {after}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (session, after);
}

#[test]
fn a_name_in_a_large_workspace_costs_few_requests_and_little_memory() {
    let home = Home::new();
    let service = Service::started(&home, &["--people", PEOPLE, "--conversations", CONVERSATIONS, "--no-lookup"]);
    let config = service.configure(&home);
    sign_in(&home, &config);
    let start = |config: &str| home.session(&["--config", config, "--provider", "sandbox"]);
    let find = |session: &mut Session| session.call("find_people", json!({ "query": "p49999" })).unwrap();

    let mut listed = start(&config);
    // A refusal to look the name up, a page per thousand, and the messages.
    assert_eq!(cost(&service, || read(&mut listed, "#project-19981")).0, 1 + 20 + 1);
    assert_eq!(cost(&service, || read(&mut listed, "#team-19995")).0, 1);
    is_small(&listed, "after a list of conversations");
    let (requests, found) = cost(&service, || find(&mut listed));
    assert!(requests == 50 && found.contains("p49999@crowd.example"), "{requests} {found}");
    is_small(&listed, "after a list of people");
    listed.end();

    let mut warm = start(&config);
    assert_eq!(cost(&service, || read(&mut warm, "#team-19995")).0, 1, "another process");
    assert_eq!(cost(&service, || find(&mut warm)).0, 0, "another process");
    is_small(&warm, "with names on disk");
    warm.end();
}

#[test]
fn a_name_that_is_looked_up_in_a_large_workspace_takes_two_requests_at_most() {
    let home = Home::new();
    let service = Service::started(&home, &["--people", PEOPLE, "--conversations", CONVERSATIONS]);
    let config = service.configure(&home);
    sign_in(&home, &config);
    let mut lookup = home.session(&["--config", &config, "--provider", "sandbox"]);
    for (target, most) in [("#project-19981", 2), ("@mara", 2), ("@Kenji Watanabe", 2), ("lea@kestrel.example", 2)] {
        let (requests, ()) = cost(&service, || read_or_refused(&mut lookup, target));
        assert!(requests <= most + 1, "{target}: {requests}");
    }
    is_small(&lookup, "with lookups");
    lookup.end();
}

/// Reads what may be a person with whom there is no direct chat.
fn read_or_refused(session: &mut Session, target: &str) {
    if let Err(error) = session.call("read_messages", json!({ "target": target, "limit": 1 })) {
        assert!(error.contains("no direct chat"), "{target}: {error}");
    }
}
