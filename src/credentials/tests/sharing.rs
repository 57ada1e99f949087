//! Many callers and many processes, one sign-in.

use std::time::Duration;

use futures::future::join_all;
use switchboard_kit::{ErrorKind, Principal, host::CredentialSource as _};
use tokio::time::timeout;

use super::machine::{LIFE, Machine, Plan, Process};
use crate::tokens::Method;

#[tokio::test(start_paused = true)]
async fn a_fresh_token_is_not_renewed() {
    let machine = Machine::signed_in();
    assert_eq!("a1", machine.process().fresh().await.unwrap());
    assert!(machine.platform.spent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_renewal_serves_many_callers_and_processes() {
    let machine = Machine::expired();
    let (one, two) = (machine.process(), machine.process());
    let calls = (0..40).map(|call| if call % 2 == 0 { one.fresh() } else { two.fresh() });
    for token in join_all(calls).await {
        assert_eq!("a2", token.unwrap());
    }
    assert_eq!(vec!["r1"], machine.platform.spent());
    let stored = machine.read();
    assert_eq!((2, Some(LIFE)), (stored.generation, stored.expires_in));
}

#[tokio::test(start_paused = true)]
async fn each_expiry_costs_one_renewal() {
    let machine = Machine::signed_in();
    let processes = [machine.process(), machine.process(), machine.process()];
    for round in 2..6 {
        machine.wait(LIFE - 59.0);
        for token in join_all(processes.iter().map(Process::fresh)).await {
            assert_eq!(format!("a{round}"), token.unwrap());
        }
    }
    assert_eq!(vec!["r1", "r2", "r3", "r4"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_lock_adopts_without_it() {
    let machine = Machine::expired();
    let held = machine.store().lock(&Machine::key()).await.unwrap();
    let process = machine.process();
    let sign_in = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        machine.write(&machine.record(7));
    };
    let (token, ()) = tokio::join!(process.fresh(), sign_in);
    assert_eq!("a7", token.unwrap());
    drop(held);
    assert!(machine.platform.spent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_released_ends_the_wait() {
    let machine = Machine::expired();
    let held = machine.store().lock(&Machine::key()).await.unwrap();
    let error = machine.process().fresh().await.unwrap_err();
    assert_eq!(ErrorKind::StoreLocked, error.kind());
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_does_not_lose_the_rotation() {
    let machine = Machine::expired();
    let process = machine.process();
    timeout(Duration::from_millis(50), process.fresh()).await.unwrap_err();
    machine.tasks.close();
    machine.tasks.wait().await;
    assert_eq!(vec!["r1"], machine.platform.spent());
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_by_a_newer_one_without_network() {
    let machine = Machine::signed_in();
    machine.write(&machine.record(2));
    assert_eq!("a2", machine.process().refused("a1").await.unwrap());
    assert!(machine.platform.spent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_although_it_looks_fresh() {
    let machine = Machine::signed_in();
    let (one, two) = (machine.process(), machine.process());
    let calls = (0..20).map(|call| if call % 2 == 0 { one.refused("a1") } else { two.refused("a1") });
    for token in join_all(calls).await {
        assert_eq!("a2", token.unwrap());
    }
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn a_static_token_is_never_renewed() {
    let machine = Machine::new();
    let mut record = machine.record(1);
    (record.method, record.expiry, record.expires_in) = (Method::Static, None, None);
    machine.write(&record);
    let process = machine.process();
    assert_eq!("a1", process.fresh().await.unwrap());
    assert_eq!("a1", process.refused("a0").await.unwrap());
    let error = process.refused("a1").await.unwrap_err();
    assert_eq!(ErrorKind::SignInRequired, error.kind());
    assert_eq!(Some("run `switchboard --provider matrix --local-auth`"), error.hint_text());
    assert!(machine.platform.spent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_signed_in_is_said_so() {
    let error = Machine::new().process().fresh().await.unwrap_err();
    assert_eq!((ErrorKind::SignInRequired, "not signed in to `matrix`"), (error.kind(), error.message()));
    assert_eq!(Some("run `switchboard --provider matrix --local-auth`"), error.hint_text());
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_to_no_other_host() {
    let machine = Machine::expired();
    let error = machine.process().0.fresh(&Principal::local(), "https://evil.example").await.unwrap_err();
    assert_eq!(ErrorKind::Forbidden, error.kind());
    for host in ["`https://evil.example`", "`https://chat.example`"] {
        assert!(error.message().contains(host), "{error}");
    }
    assert!(machine.platform.spent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tokens_that_pin_no_host_go_nowhere() {
    let machine = Machine::signed_in();
    let mut record = machine.record(1);
    record.api_hosts.clear();
    machine.write(&record);
    assert_eq!(ErrorKind::Forbidden, machine.process().fresh().await.unwrap_err().kind());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_ahead_while_it_is_used() {
    let machine = Machine::signed_in();
    machine.wait(LIFE - 90.0);
    let process = machine.process();
    for _ in 0..10 {
        assert_eq!("a1", process.fresh().await.unwrap());
    }
    assert!(machine.platform.spent().len() <= 1);
    machine.tasks.close();
    machine.tasks.wait().await;
    assert_eq!("a2", process.fresh().await.unwrap());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn an_idle_refresh_token_is_kept_alive_once_it_fades() {
    let machine = Machine::signed_in();
    let mut record = machine.record(1);
    record.good_for(record.obtained_at.unwrap(), Some(1e9), Some(1e6));
    machine.write(&record);
    let process = machine.process();
    machine.wait(0.7e6);
    assert_eq!("a1", process.fresh().await.unwrap());
    assert!(machine.platform.spent().is_empty() && machine.tasks.is_empty());
    machine.wait(0.1e6);
    assert_eq!("a1", process.fresh().await.unwrap());
    machine.tasks.close();
    machine.tasks.wait().await;
    assert_eq!("a2", process.fresh().await.unwrap());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn the_user_renews_whatever_the_clock_says_and_loses_nothing_by_it() {
    let machine = Machine::signed_in();
    let process = machine.process();
    assert_eq!(2, process.0.renew_now(&Principal::local()).await.unwrap().generation);
    machine.platform.plan([Plan::Refuses]);
    let error = process.0.renew_now(&Principal::local()).await.unwrap_err();
    assert_eq!(ErrorKind::Unavailable, error.kind());
    assert_eq!("a2", process.fresh().await.unwrap());
    assert_eq!(vec!["r1", "r2"], machine.platform.spent());
}
