//! A token endpoint that keeps every rule of its rotation, loses answers when told to, and knows what it did.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use proptest::prelude::*;
use switchboard_kit::{Error, ErrorKind, host::ExposeSecret as _};
use tokio::time::{Instant, sleep};

use crate::{
    credentials::{Renewal, RenewalError, Renewed},
    tokens::{Method, Record},
};

/// Seconds that an access token lives.
pub(super) const LIFE: f64 = 60.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotation {
    /// A refresh token stays.
    None,
    /// The one before the last is good until the last is used.
    Grace,
    /// A second use ends the sign-in.
    Strict,
}

pub(super) fn rotation() -> impl Strategy<Value = Rotation> {
    prop_oneof![Just(Rotation::None), Just(Rotation::Grace), Just(Rotation::Strict)]
}

/// What the endpoint does with a request, in place of what it should.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Refuses to be bothered, for so many seconds.
    Busy(u64),
    /// Fails without acting.
    Fails,
    /// Never answers, without acting.
    Hangs,
    /// Acts, and the answer is lost.
    ActsAndIsLost,
    /// Acts, and leaves out the lifetime.
    SaysNoLifetime,
    /// Says that the refresh token is no good, which is not true.
    RefusesEarly,
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (0..30_u64).prop_map(Answer::Busy),
        Just(Answer::Fails),
        Just(Answer::Hangs),
        Just(Answer::ActsAndIsLost),
        Just(Answer::SaysNoLifetime),
        Just(Answer::RefusesEarly),
    ]
}

pub(super) struct Platform {
    rotation: Rotation,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Numbers of the sign-ins that were ended.
    ended: BTreeSet<u64>,
    sign_in: u64,
    /// The refresh token that is due, by sign-in; and the one before it.
    due: BTreeMap<u64, u64>,
    access: BTreeMap<String, Instant>,
    issued: u64,
    planned: VecDeque<Answer>,
    /// Whether anything went wrong since the beginning, or the last healing.
    trouble: bool,
    /// Whether an answer may have been lost: on its way, or with a process.
    excuse: bool,
    /// Whether the endpoint told an untruth about a refresh token.
    lied: bool,
    reuses_without_excuse: u32,
}

impl Platform {
    pub(super) fn new(rotation: Rotation) -> Self {
        Self { rotation, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn sign_in(&self, now: Timestamp) -> Record {
        let mut state = self.state();
        state.sign_in += 1;
        state.lied = false;
        let sign_in = state.sign_in;
        state.due.insert(sign_in, 1);
        let mut record = Record::new("test", Method::OAuth, state.issue(sign_in).into());
        record.refresh_token = Some(format!("r{sign_in}.1").into());
        record.good_for(now, Some(LIFE), None);
        record
    }

    pub(super) fn plan(&self, answers: Vec<Answer>) {
        self.state().planned.extend(answers);
    }

    pub(super) fn heal(&self) {
        let mut state = self.state();
        state.planned.clear();
        state.trouble = false;
    }

    /// Notes that a process may lose an answer.
    pub(super) fn killed(&self) {
        self.state().excuse = true;
    }

    pub(super) fn expire(&self) {
        self.state().access.clear();
    }

    pub(super) fn accepts(&self, token: &str) -> bool {
        let state = self.state();
        let sign_in: u64 = token[1..].split('.').next().unwrap().parse().unwrap();
        !state.ended.contains(&sign_in) && state.access.get(token).is_some_and(|expiry| Instant::now() < *expiry)
    }

    /// Whether the sign-in is over, or the endpoint has said so.
    pub(super) fn ended(&self) -> bool {
        let state = self.state();
        state.ended.contains(&state.sign_in) || state.lied
    }

    pub(super) fn in_trouble(&self) -> bool {
        let state = self.state();
        state.trouble || state.excuse
    }

    pub(super) fn reuses_without_excuse(&self) -> u32 {
        self.state().reuses_without_excuse
    }

    fn act(&self, sign_in: u64, number: u64) -> Result<Renewed, RenewalError> {
        let mut state = self.state();
        let refused = || Err(RenewalError::Refused { code: "invalid_grant".into() });
        if state.ended.contains(&sign_in) {
            return refused();
        }
        let due = state.due[&sign_in];
        let good = match self.rotation {
            Rotation::None => true,
            Rotation::Grace => number == due || number + 1 == due,
            Rotation::Strict => number == due,
        };
        if !good {
            state.ended.insert(sign_in);
            state.reuses_without_excuse += u32::from(!state.excuse);
            return refused();
        }
        let refresh = (self.rotation != Rotation::None).then(|| number + 1);
        if let Some(next) = refresh {
            state.due.insert(sign_in, next);
        }
        Ok(Renewed {
            access: state.issue(sign_in).into(),
            refresh: refresh.map(|number| format!("r{sign_in}.{number}").into()),
            expires_in: Some(LIFE),
            refresh_expires_in: None,
            scopes: None,
        })
    }
}

impl State {
    fn issue(&mut self, sign_in: u64) -> String {
        self.issued += 1;
        let token = format!("a{sign_in}.{}", self.issued);
        self.access.insert(token.clone(), Instant::now() + Duration::from_secs_f64(LIFE));
        token
    }
}

#[async_trait]
impl Renewal for Platform {
    async fn renew(&self, record: &Record) -> Result<Renewed, RenewalError> {
        let refresh = record.refresh_token.as_ref().unwrap().expose_secret()[1..].to_owned();
        let (sign_in, number) = refresh.split_once('.').unwrap();
        let (sign_in, number) = (sign_in.parse().unwrap(), number.parse().unwrap());
        let planned = {
            let mut state = self.state();
            let planned = state.planned.pop_front();
            state.trouble |= planned.is_some();
            planned
        };
        let transient = |retry_after, ambiguous| {
            let error = Error::new(ErrorKind::Unavailable, "told to fail");
            Err(RenewalError::Transient { error, retry_after, ambiguous })
        };
        sleep(Duration::from_millis(40)).await;
        let answer = match planned {
            Some(Answer::Busy(seconds)) => transient(Some(Duration::from_secs(seconds)), false),
            Some(Answer::Fails) => transient(None, true),
            Some(Answer::Hangs) => std::future::pending().await,
            Some(Answer::ActsAndIsLost) => {
                self.state().excuse = true;
                drop(self.act(sign_in, number));
                transient(None, true)
            }
            Some(Answer::RefusesEarly) => {
                self.state().lied = true;
                Err(RenewalError::Refused { code: "invalid_grant".into() })
            }
            Some(Answer::SaysNoLifetime) => {
                self.act(sign_in, number).map(|renewed| Renewed { expires_in: None, ..renewed })
            }
            None => self.act(sign_in, number),
        };
        sleep(Duration::from_millis(40)).await;
        answer
    }
}
