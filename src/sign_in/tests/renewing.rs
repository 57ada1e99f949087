//! What was signed in is renewed, and every refusal of the OAuth server is judged.

use std::time::Duration;

use switchboard_kit::{ErrorKind, host::ExposeSecret as _};

use super::world::World;
use crate::{
    credentials::{Renewal as _, RenewalError},
    oauth::OAuthRenewal,
    tokens::Record,
};

pub(super) async fn signed_in() -> (World, OAuthRenewal, Record) {
    let world = World::new().await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    let bound = world.bound(World::oauth().into());
    let renewal = OAuthRenewal { http: world.http.clone(), bound, client_secret: None };
    let record = world.record().await.unwrap();
    (world, renewal, record)
}

#[tokio::test]
async fn a_refresh_token_is_traded_in_once() {
    let (_world, renewal, record) = signed_in().await;
    let renewed = renewal.renew(&record).await.unwrap();
    assert_ne!(renewed.access.expose_secret(), record.token.expose_secret());
    assert!(renewed.refresh.is_some());
    assert_eq!(renewed.expires_in, Some(3600.0));
    assert_eq!(renewed.scopes, Some(vec!["chat:read".to_owned()]));
    assert!(matches!(renewal.renew(&record).await, Err(RenewalError::Refused { code }) if code == "invalid_grant"));
}

#[tokio::test]
async fn how_long_an_idle_refresh_token_lives_is_the_documentations_word_where_the_server_has_none() {
    let (world, renewal, record) = signed_in().await;
    let renewed = renewal.renew(&record).await.unwrap();
    assert_eq!(renewed.refresh_expires_in, None);
    let mut record = record;
    record.refresh_token = renewed.refresh;
    let month = Duration::from_hours(30 * 24);
    let bound = world.bound(World::oauth().refresh_lifetime(month).into());
    let renewed = OAuthRenewal { bound, ..renewal }.renew(&record).await.unwrap();
    assert_eq!(renewed.refresh_expires_in, Some(month.as_secs_f64()));
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    let (world, renewal, mut record) = signed_in().await;
    for (misstep, expected) in [
        (r#"{"status":503}"#, true),
        (r#"{"status":502}"#, true),
        (r#"{"rate_limited":7}"#, false),
        (r#""error_in_200""#, true),
        (r#""truncated_json""#, true),
    ] {
        world.faults(&format!(r#"{{"rotation":"none","next":[{misstep}]}}"#)).await;
        match renewal.renew(&record).await {
            Err(RenewalError::Transient { ambiguous, retry_after, error }) => {
                assert_eq!(ambiguous, expected, "{misstep}: {error}");
                assert_eq!(retry_after.map(|wait| wait.as_secs()), (!expected).then_some(7), "{misstep}");
            }
            other => panic!("{misstep}: {other:?}"),
        }
    }
    record.client_id = Some("nobody".into());
    match renewal.renew(&record).await {
        Err(RenewalError::Config(error)) => {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.hint_text().unwrap().contains("credentials.json"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_was_never_reached_spent_nothing() {
    let (_world, renewal, mut record) = signed_in().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    record.token_uri = Some(format!("http://{closed}/oauth/token"));
    assert!(matches!(renewal.renew(&record).await, Err(RenewalError::Transient { ambiguous: false, .. })));
    record.token_uri = Some("http://chat.example.com/oauth/token".into());
    assert!(matches!(renewal.renew(&record).await, Err(RenewalError::Config(_))));
}
