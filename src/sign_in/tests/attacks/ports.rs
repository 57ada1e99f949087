//! Ports that something else listens on.

use switchboard_kit::ErrorKind;
use tokio::net::TcpListener;

use super::Target;
use crate::sign_in::{
    SignIn, sign_in,
    tests::world::{FakeTerminal, World},
};

/// Listeners that hold a port each, and the ports.
async fn taken<const COUNT: usize>() -> ([TcpListener; COUNT], [u16; COUNT]) {
    let mut held = Vec::new();
    for _ in 0..COUNT {
        held.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let held: [TcpListener; COUNT] = held.try_into().unwrap();
    let ports = held.each_ref().map(|listener| listener.local_addr().unwrap().port());
    (held, ports)
}

/// A port that was free a moment ago.
async fn free() -> u16 {
    taken::<1>().await.1[0]
}

/// What a sign-in says that finds no port.
async fn refusal(change: impl FnOnce(&mut SignIn)) -> String {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().client("switchboard"), &terminal);
    change(&mut request);
    let error = tokio::select! {
        outcome = sign_in(request) => outcome.unwrap_err(),
        started = terminal.start() => panic!("{started}"),
    };
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.hint_text(), Some("end what listens there, or choose another with `--port`"));
    // Nobody is asked to open an address that somebody else serves.
    assert!(!terminal.said().contains("/auth"), "{}", terminal.said());
    error.to_string()
}

#[tokio::test]
async fn the_next_configured_port_is_tried() {
    let (_held, [one, two]) = taken().await;
    let free = free().await;
    let target = Target::with(|request| request.ports = vec![one, two, free]).await;
    assert_eq!(target.port(), free.to_string());
    target.stands().await;
}

#[tokio::test]
async fn when_all_are_taken_all_are_named() {
    let (_held, [one, two]) = taken().await;
    let said = refusal(|request| request.ports = vec![one, two]).await;
    assert_eq!(said, format!("ports `{one}`, `{two}` are taken on 127.0.0.1"));
}

#[tokio::test]
async fn a_port_of_the_command_is_the_only_one() {
    let (_held, [one]) = taken().await;
    let free = free().await;
    let said = refusal(|request| (request.port, request.ports) = (Some(one), vec![free])).await;
    assert_eq!(said, format!("port `{one}` is taken on 127.0.0.1"));
    let target = Target::with(|request| (request.port, request.ports) = (Some(free), vec![one])).await;
    assert_eq!(target.port(), free.to_string());
    target.stands().await;
}

#[tokio::test]
async fn a_registered_callback_is_served_at_its_own_port_or_not_at_all() {
    let (_held, [one]) = taken().await;
    let callback = |port| Some(format!("http://127.0.0.1:{port}/auth/callback").parse().unwrap());
    let free = free().await;
    let said = refusal(|request| (request.callback_url, request.ports) = (callback(one), vec![free])).await;
    assert_eq!(said, format!("port `{one}` is taken on 127.0.0.1"));
    let target = Target::with(|request| request.callback_url = callback(free)).await;
    assert_eq!(target.port(), free.to_string());
    target.stands().await;
}

#[tokio::test]
async fn a_port_is_free_again_when_the_sign_in_is_over() {
    let port = free().await;
    for _ in 0..2 {
        Target::with(|request| request.port = Some(port)).await.stands().await;
    }
}
