//! A renewal in a process of its own, and what takes its place when that breaks off.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{Error, ErrorKind};

use super::machine::Machine;
use crate::{
    credentials::{Cause, DetachedError, DetachedRenewal},
    tokens::TokenKey,
};

/// Stands for the process that renews.
struct Elsewhere(Mutex<Vec<Result<(), DetachedError>>>);

#[async_trait]
impl DetachedRenewal for Elsewhere {
    async fn renew(&self, _: &TokenKey, _: &Cause, _: Stdio, _: Duration) -> Result<(), DetachedError> {
        self.0.lock().unwrap().pop().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_breaks_off_is_replaced_here() {
    let machine = Machine::expired();
    let broken = DetachedError::Broken(Error::new(ErrorKind::Unavailable, "it crashed"));
    let process = machine.process_with(Arc::new(Elsewhere(Mutex::new(vec![Err(broken)]))));
    assert_eq!("a2", process.fresh().await.unwrap());
    assert_eq!(vec!["r1"], machine.platform.spent());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_renewed_while_this_one_slept_is_no_trouble() {
    let machine = Machine::expired();
    let process = machine.process_with(Arc::new(Elsewhere(Mutex::new(vec![Ok(())]))));
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_command_to_sign_in_with_is_this_processs_own() {
    let machine = Machine::expired();
    let failed =
        DetachedError::Failed(Error::new(ErrorKind::SignInRequired, "it is over").hint("run `another command`"));
    let process = machine.process_with(Arc::new(Elsewhere(Mutex::new(vec![Err(failed)]))));
    let error = process.fresh().await.unwrap_err();
    assert_eq!(ErrorKind::SignInRequired, error.kind());
    assert_eq!(Some("run `switchboard --provider matrix --local-auth`"), error.hint_text());
    assert!(machine.platform.spent().is_empty());
}
