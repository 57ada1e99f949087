//! Who has room, and who has to make some.

use std::time::Duration;

use super::*;

/// As many sessions as there may be, each idle for a second less than the one before.
fn full() -> Places {
    let places = Places::default();
    let now = Instant::now();
    for number in 0..MOST {
        let id: SessionId = number.to_string().into();
        places.open(id.clone());
        drop(places.opening(&id));
        places.with(&id, |place| place.last = now + Duration::from_secs(number as u64));
    }
    places
}

fn evicted(places: &Places) -> Option<String> {
    places.make_room().unwrap().map(|(id, _)| id.to_string())
}

fn request(places: &Places, session: &str, id: i64) -> Result<Option<Listener>, Refused> {
    let admitted = places.admit(session, RequestId::Number(id), true)?;
    Ok(admitted.and_then(|_| places.begin(&session.into(), &RequestId::Number(id))))
}

fn question() -> ServerSseMessage {
    let question = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "roots/list" });
    ServerSseMessage::new("1/0", serde_json::from_value(question).unwrap())
}

#[test]
fn the_session_idle_for_longest_gives_way() {
    let places = full();
    assert_eq!(evicted(&places).as_deref(), Some("0"));
    assert_eq!(evicted(&places), None);
}

#[test]
fn one_with_a_stream_goes_last_and_one_with_a_call_never() {
    let places = full();
    let call = request(&places, "0", 1).unwrap();
    let mut uses: Vec<_> = (1..MOST).map(|number| places.listening(&number.to_string().into())).collect();
    let freed = uses.remove(7);
    assert_eq!(evicted(&places).as_deref(), Some("1"));
    places.open("1".into());
    drop(places.opening(&"1".into()));
    drop(freed);
    assert_eq!(evicted(&places).as_deref(), Some("1"), "`8` was used later");
    uses.clear();
    drop(call);
    places.open("new".into());
    places.lock().values_mut().for_each(|place| place.opening = true);
    assert_eq!(places.make_room().unwrap_err().kind(), io::ErrorKind::ResourceBusy);
}

#[test]
fn a_session_whose_calls_all_wait_for_a_client_that_is_gone_is_idle() {
    let places = full();
    let mut calls: Vec<_> =
        (0..MOST).map(|number| request(&places, &number.to_string(), 1).unwrap().unwrap()).collect();
    calls[1].note(&question());
    calls[2].note(&question());
    let _at_work = calls.remove(3).hung_up();
    let _asks = calls.remove(1).hung_up();
    assert_eq!(evicted(&places).as_deref(), Some("1"));
    places.open("new".into());
    assert!(places.make_room().is_err(), "a client waits for `2`, and `3` is at work");
    let _asks = calls.remove(1).hung_up();
    places.answered(&"2".into(), &RequestId::Number(1));
    assert!(places.make_room().is_err(), "`2` has been answered");
}

#[test]
fn a_request_that_is_under_way_is_not_let_in_again() {
    let places = full();
    let admitted = places.admit("0", RequestId::Number(1), true).unwrap();
    assert_eq!(request(&places, "0", 1).err(), Some(Refused::Twice));
    drop(admitted);
    let call = request(&places, "0", 1).unwrap();
    assert_eq!(request(&places, "0", 1).err(), Some(Refused::Twice));
    assert!(places.begin(&"0".into(), &RequestId::Number(1)).is_none());
    drop(call);
    assert!(request(&places, "0", 1).is_ok());
}

#[test]
fn every_session_has_its_share() {
    let places = full();
    let most = i64::try_from(MOST_IN_SESSION).unwrap();
    let mut calls = Vec::new();
    for session in 0..MOST_REQUESTS / MOST_IN_SESSION {
        calls.extend((0..most).map(|id| request(&places, &session.to_string(), id).unwrap()));
        assert_eq!(request(&places, &session.to_string(), most).err(), Some(Refused::TooMany));
    }
    let share = i64::try_from(SHARE).unwrap();
    calls.extend((0..share).map(|id| request(&places, "63", id).unwrap()));
    assert_eq!(request(&places, "63", share).err(), Some(Refused::TooMany));
    assert!(places.admit("63", RequestId::Number(share), false).is_ok(), "a ping always is");
}

#[test]
fn whoever_comes_back_for_an_answer_finds_its_call() {
    let places = full();
    let call = request(&places, "0", 1).unwrap().unwrap();
    call.note(&ServerSseMessage::priming("0/7", Duration::ZERO));
    call.note(&question());
    let call = call.hung_up();
    assert!(call.is_deserted() && places.resume(&"0".into(), "0/8").is_none());
    let again = places.resume(&"0".into(), "0/7").unwrap();
    assert!(!call.is_deserted());
    drop(call);
    assert_eq!(request(&places, "0", 1).err(), Some(Refused::Twice));
    drop(again);
    assert!(request(&places, "0", 1).is_ok());
}
