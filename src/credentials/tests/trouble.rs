//! Platforms that are down, slow, wrong, or done with the user.

use std::{fs, time::Duration};

use futures::future::join_all;
use switchboard_kit::ErrorKind;
use tokio::time::Instant;

use super::machine::{LIFE, Machine, Plan, Process};

const DOWN: Plan = Plan::Fails { retry_after: None, ambiguous: false };

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_down_is_asked_three_times_and_ends_no_sign_in() {
    let machine = Machine::expired();
    machine.platform.plan([DOWN, DOWN, DOWN]);
    let process = machine.process();
    for outcome in join_all((0..10).map(|_| process.fresh())).await {
        assert_eq!(ErrorKind::Unavailable, outcome.unwrap_err().kind());
    }
    assert_eq!(vec!["r1", "r1", "r1"], machine.platform.spent());
    let others = machine.process();
    assert_eq!(ErrorKind::Unavailable, others.fresh().await.unwrap_err().kind(), "one process tries for all");
    assert_eq!(3, machine.platform.spent().len());
    machine.wait(2.1);
    assert_eq!("a2", others.fresh().await.unwrap());
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_platform_says_how_long_to_wait() {
    let machine = Machine::expired();
    let (short, long) = (Duration::from_secs(4), Duration::from_mins(1));
    machine.platform.plan([short, long].map(|wait| Plan::Fails { retry_after: Some(wait), ambiguous: false }));
    let started = Instant::now();
    let error = machine.process().fresh().await.unwrap_err();
    assert_eq!(Some(long), error.retry_after());
    assert!(started.elapsed() >= short && started.elapsed() < long);
}

#[tokio::test(start_paused = true)]
async fn a_try_is_not_begun_when_there_is_no_time_to_hear_the_answer() {
    let machine = Machine::expired();
    let wait = Duration::from_secs(17);
    machine.platform.plan([Plan::Fails { retry_after: Some(wait), ambiguous: false }]);
    assert_eq!(Some(wait), machine.process().fresh().await.unwrap_err().retry_after());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_as_old_as_the_request_for_it() {
    let machine = Machine::expired();
    let asked = machine.record(1).obtained_at;
    let process = machine.process();
    let sleeps = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        machine.wait(30.0);
    };
    tokio::join!(process.fresh(), sleeps).0.unwrap();
    assert_eq!(asked, machine.read().obtained_at);
}

#[tokio::test(start_paused = true)]
async fn a_live_token_outlasts_every_failure() {
    let machine = Machine::signed_in();
    machine.wait(LIFE - 30.0);
    machine.platform.plan([DOWN, DOWN, DOWN]);
    let process = machine.process();
    assert_eq!("a1", process.fresh().await.unwrap());
    assert_eq!("a1", process.fresh().await.unwrap());
    assert_eq!(3, machine.platform.spent().len());
    machine.wait(6.0);
    machine.platform.plan([Plan::RefusesTheClient]);
    assert_eq!("a1", process.fresh().await.unwrap());
    machine.wait(6.0);
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_dies_while_its_renewal_takes_long_is_waited_for() {
    let machine = Machine::signed_in();
    machine.wait(LIFE - 0.2);
    machine.platform.plan([DOWN]);
    let process = machine.process();
    let dies = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        machine.wait(1.0);
    };
    let (token, ()) = tokio::join!(process.fresh(), dies);
    assert_eq!("a2", token.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_early_refusal_keeps_the_live_token_and_is_tried_again_at_expiry() {
    let machine = Machine::signed_in();
    machine.wait(LIFE - 30.0);
    machine.platform.plan([Plan::Refuses]);
    let process = machine.process();
    for _ in 0..3 {
        assert_eq!("a1", process.fresh().await.unwrap());
    }
    let others = machine.process();
    assert_eq!("a1", others.fresh().await.unwrap());
    assert_eq!(vec!["r1"], machine.platform.spent(), "the others need not be told again");
    assert!(machine.read().dead.unwrap().early);
    machine.wait(31.0);
    assert_eq!("a2", others.fresh().await.unwrap());
    assert_eq!("a2", process.fresh().await.unwrap());
    assert_eq!(None, machine.read().dead);
}

#[tokio::test(start_paused = true)]
async fn a_dead_refresh_token_is_sent_once_and_a_new_sign_in_revives() {
    let machine = Machine::expired();
    machine.platform.plan([Plan::Refuses]);
    let processes = [machine.process(), machine.process()];
    for _ in 0..3 {
        for process in &processes {
            let error = process.fresh().await.unwrap_err();
            assert_eq!(ErrorKind::SignInRequired, error.kind());
            assert!(error.message().contains("invalid_grant"), "{error}");
        }
    }
    assert_eq!(vec!["r1"], machine.platform.spent());
    let dead = machine.read();
    assert_eq!(2, dead.generation);
    let mut locked = machine.store().lock(&Machine::key()).await.unwrap();
    locked.replace(machine.record(3)).await.unwrap();
    drop(locked);
    for process in &processes {
        assert_eq!("a3", process.fresh().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_was_ended_early_is_over_although_its_token_looks_fresh() {
    let machine = Machine::signed_in();
    machine.platform.plan([Plan::Refuses]);
    let process = machine.process();
    assert_eq!(ErrorKind::SignInRequired, process.refused("a1").await.unwrap_err().kind());
    assert_eq!(ErrorKind::SignInRequired, process.fresh().await.unwrap_err().kind());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_yields_to_what_another_program_wrote() {
    let machine = Machine::expired();
    machine.platform.plan([Plan::IsOvertaken(Box::new(machine.record(8)), Box::new(Plan::Refuses))]);
    assert_eq!("a8", machine.process().fresh().await.unwrap());
    assert_eq!(None, machine.read().dead);
}

#[tokio::test(start_paused = true)]
async fn after_an_ambiguous_failure_the_file_is_read_before_the_token_is_sent_again() {
    let machine = Machine::expired();
    machine.platform.plan([Plan::IsOvertaken(Box::new(machine.record(8)), Box::new(Plan::Hangs))]);
    assert_eq!("a8", machine.process().fresh().await.unwrap());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_hangs_has_one_deadline_for_all_tries() {
    let machine = Machine::expired();
    machine.platform.plan([Plan::Hangs, Plan::Hangs, Plan::Hangs]);
    let started = Instant::now();
    assert_eq!(ErrorKind::Unavailable, machine.process().fresh().await.unwrap_err().kind());
    assert!(started.elapsed() < Duration::from_secs(19));
    machine.wait(2.1);
    assert_eq!("a2", machine.process().fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_client_leaves_the_tokens_alone() {
    let machine = Machine::expired();
    machine.platform.plan([Plan::RefusesTheClient]);
    let before = fs::read(&machine.path).unwrap();
    assert_eq!(ErrorKind::Config, machine.process().fresh().await.unwrap_err().kind());
    assert_eq!(before, fs::read(&machine.path).unwrap());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_twenty_seconds_behind_others_who_fail() {
    let machine = Machine::expired();
    machine.platform.plan((0..30).map(|_| Plan::Hangs));
    let started = Instant::now();
    let processes: Vec<_> = (0..4).map(|_| machine.process()).collect();
    for outcome in join_all(processes.iter().map(Process::fresh)).await {
        assert_eq!(ErrorKind::Unavailable, outcome.unwrap_err().kind());
    }
    assert!(started.elapsed() <= Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(3, machine.platform.spent().len());
}
