//! Reads the token file all the time: at every instant it must be whole, closed to others and never older than before.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use switchboard_kit::host::ExposeSecret as _;

use crate::{trial::Trial, world::World};

/// Sets a flag when it goes, so that threads which wait for the end see it even after a panic.
pub(crate) struct Ending<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Watches until `done`.
pub(crate) fn observe(trial: &Trial<'_>, world: &World, done: &AtomicBool) {
    let (mut reads, mut unreadable, mut last) = (0, 0, None);
    while !done.load(Ordering::Relaxed) {
        match world.record() {
            Ok(record) => {
                let seen = (record.generation, record.token.expose_secret().to_owned());
                if let Some(before) = last.replace(seen.clone()).filter(|before| *before != seen) {
                    trial.law(before.0 < seen.0, || format!("generation {} came after {}", seen.0, before.0));
                }
            }
            Err(error) => {
                unreadable += 1;
                trial.law(false, || format!("the token file could not be read: {error}"));
            }
        }
        if reads % 64 == 0 {
            let open = world.open_to_others();
            trial.law(open.is_empty(), || format!("open to others: {open:?}"));
        }
        reads += 1;
        thread::sleep(Duration::from_micros(500)); // leaves the processor to those who are watched
    }
    trial.count("reads of the token file by an observer", reads);
    trial.count("unreadable files", unreadable);
}
