//! Many callers, many processes, and platforms and disks that fail half way.

use std::{
    fs, io,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use switchboard_kit::{Error, ErrorKind, Principal, Result, host::CredentialSource as _};
use tokio::time::{Instant, timeout};

use super::{
    Apart, Cause, Parted,
    fake::{LIFE, Machine, Plan, Process},
};
use crate::tokens::{Method, TokenKey, faulty::Step};

const DOWN: Plan = Plan::Fails { retry_after: None, ambiguous: false };

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

/// Stands for the process that renews.
struct Elsewhere(Mutex<Vec<Result<(), Parted>>>);

#[async_trait]
impl Apart for Elsewhere {
    async fn renew(&self, _: &TokenKey, _: &Cause, _: Stdio, _: Duration) -> Result<(), Parted> {
        self.0.lock().unwrap().pop().unwrap()
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_process_that_breaks_off_is_replaced_here() {
    let machine = Machine::expired();
    let broken = Parted::Broken(Error::new(ErrorKind::Unavailable, "it crashed"));
    let process = machine.process_with(Arc::new(Elsewhere(Mutex::new(vec![Err(broken)]))));
    assert_eq!("a2", process.fresh().await.unwrap());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_process_that_renewed_while_this_one_slept_is_no_trouble() {
    let machine = Machine::expired();
    let process = machine.process_with(Arc::new(Elsewhere(Mutex::new(vec![Ok(())]))));
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn the_command_to_sign_in_with_is_this_processs_own() {
    let machine = Machine::expired();
    let failed = Parted::Failed(Error::new(ErrorKind::SignInRequired, "it is over").hint("run `another command`"));
    let process = machine.process_with(Arc::new(Elsewhere(Mutex::new(vec![Err(failed)]))));
    let error = process.fresh().await.unwrap_err();
    assert_eq!(ErrorKind::SignInRequired, error.kind());
    assert_eq!(Some("run `switchboard --provider matrix --local-auth`"), error.hint_text());
    assert!(machine.platform.spent().is_empty());
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
async fn a_full_disk_is_noticed_before_the_refresh_token_is_spent() {
    let machine = Machine::expired();
    machine.disk.fail(Step::Reserve, io::ErrorKind::StorageFull);
    let process = machine.process();
    assert_eq!(ErrorKind::StoreWriteFailed, process.fresh().await.unwrap_err().kind());
    assert!(machine.platform.spent().is_empty());
    machine.disk.heal();
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_used_here_and_written_as_soon_as_it_can_be() {
    for step in [Step::Fill, Step::Rename] {
        let machine = Machine::expired();
        machine.disk.fail(step, io::ErrorKind::Other);
        let process = machine.process();
        for _ in 0..2 {
            assert_eq!("a2", process.fresh().await.unwrap());
            assert_eq!(1, machine.read().generation);
        }
        machine.disk.heal();
        while machine.read().generation == 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!("a2", machine.process().fresh().await.unwrap());
        assert_eq!(vec!["r1"], machine.platform.spent());
        assert_eq!(2, machine.read().generation);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_yields_to_a_new_sign_in() {
    let machine = Machine::expired();
    machine.disk.fail(Step::Rename, io::ErrorKind::Other);
    let process = machine.process();
    assert_eq!("a2", process.fresh().await.unwrap());
    machine.write(&machine.record(9));
    machine.disk.heal();
    assert_eq!("a9", process.fresh().await.unwrap());
    machine.tasks.close();
    machine.tasks.wait().await;
    assert_eq!(9, machine.read().generation);
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

#[tokio::test(start_paused = true)]
async fn a_corrupt_file_is_left_alone() {
    let machine = Machine::new();
    fs::write(&machine.path, "{").unwrap();
    let error = machine.process().fresh().await.unwrap_err();
    assert_eq!(ErrorKind::StoreCorrupt, error.kind());
    assert!(error.hint_text().unwrap().contains("--local-auth"));
    assert_eq!("{", fs::read_to_string(&machine.path).unwrap());
}

#[tokio::test(start_paused = true)]
async fn no_log_line_and_no_error_holds_a_token() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let machine = Machine::new();
    let mut record = machine.record(1);
    (record.token, record.refresh_token) = ("CANARY-a".into(), Some("CANARY-r".into()));
    machine.write(&record);
    machine.wait(LIFE - 30.0);
    let process = machine.process();
    process.fresh().await.unwrap();
    machine.wait(LIFE);
    let error = process.fresh().await.unwrap_err();
    drop(guard);
    let shown = format!("{}{error:?}{record:?}", String::from_utf8_lossy(&log.0.lock().unwrap()));
    assert!(!shown.contains("CANARY"), "{shown}");
}
