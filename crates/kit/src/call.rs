//! One call: for whom it is made, until when, how to tell that it is no longer wanted, and how to ask its user.

use std::{
    any::Any,
    fmt,
    pin::pin,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, ErrorKind, Result,
    ask::{Answer, Ask, Medium},
};

/// How long a user may take to answer. The call's own time stands still meanwhile.
const THOUGHT: Duration = Duration::from_mins(10);

/// Whom a call acts for. Caches, cursors and tokens are kept apart by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// Who vouches for the subject; `local` for the person whose machine this is.
    pub issuer: Arc<str>,
    /// The caller's name with that issuer.
    pub subject: Arc<str>,
}

impl Principal {
    /// Returns the person whose machine this is.
    pub fn local() -> Self {
        static LOCAL: LazyLock<Principal> =
            LazyLock::new(|| Principal { issuer: "local".into(), subject: "local".into() });
        LOCAL.clone()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.issuer, self.subject)
    }
}

/// The other end of a call: who made it, and may be told and asked things while it is under way.
#[async_trait]
pub trait Caller: Any + Send + Sync {
    /// Hears how far the work has come.
    fn progress(&self, _done: f64, _total: Option<f64>, _message: &str) {}

    /// Returns the session that it is in, where the caller has several.
    fn session(&self) -> Option<&str> {
        None
    }

    /// Returns whether the user can be asked in this way.
    fn can_be_asked(&self, _: Medium) -> bool {
        false
    }

    /// Asks the user. It may never return: then the same call is made again, with the answer.
    async fn ask(&self, _key: &str, question: &Ask) -> Result<Answer> {
        Err(Error::unsupported(format!(
            "the user has to be asked, which this client cannot do: {}",
            question.message()
        )))
    }
}

/// A caller that hears nothing and cannot be asked.
struct Silent;

impl Caller for Silent {}

struct Origin {
    principal: Principal,
    cancellation: CancellationToken,
    caller: Arc<dyn Caller>,
    steps: AtomicU32,
    pauses: Mutex<Pauses>,
    /// Told when the clock runs again.
    resumed: Notify,
}

/// How long the clock has stood still.
#[derive(Default)]
struct Pauses {
    over: Duration,
    /// How many wait for the user, and since when at least one does.
    waiting: u32,
    since: Option<Instant>,
}

impl Pauses {
    fn until(&self, now: Instant) -> Duration {
        self.over + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

impl Origin {
    fn pauses(&self) -> MutexGuard<'_, Pauses> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the clock of a call while it is there.
struct Pause<'a>(&'a Origin);

impl<'a> Pause<'a> {
    fn of(origin: &'a Origin) -> Self {
        let mut pauses = origin.pauses();
        pauses.waiting += 1;
        pauses.since.get_or_insert_with(Instant::now);
        Self(origin)
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut pauses = self.0.pauses();
        pauses.waiting -= 1;
        if pauses.waiting == 0 {
            pauses.over = pauses.until(Instant::now());
            pauses.since = None;
            self.0.resumed.notify_waiters();
        }
    }
}

/// What goes along with every call. Cheap to clone.
#[derive(Clone)]
pub struct Call {
    origin: Arc<Origin>,
    /// By the call's own clock, which stands still while the user is asked.
    deadline: Instant,
}

impl Call {
    /// Starts a call of `principal` that may take `patience`.
    pub fn new(principal: Principal, patience: Duration) -> Self {
        Self::of(Arc::new(Silent), principal, patience, CancellationToken::new())
    }

    /// Starts a call that `caller` has made, and ends when `cancellation` does.
    pub fn of(
        caller: Arc<dyn Caller>,
        principal: Principal,
        patience: Duration,
        cancellation: CancellationToken,
    ) -> Self {
        let (steps, pauses, resumed) = (AtomicU32::new(0), Mutex::default(), Notify::new());
        let origin = Origin { principal, cancellation, caller, steps, pauses, resumed };
        Self { origin: Arc::new(origin), deadline: Instant::now() + patience }
    }

    /// Moves the deadline, but never beyond the caller's own.
    pub fn within(mut self, patience: Duration) -> Self {
        self.deadline = self.deadline.min(self.now() + patience);
        self
    }

    /// Returns whom the call acts for.
    pub fn principal(&self) -> &Principal {
        &self.origin.principal
    }

    /// Returns who made it.
    pub fn caller(&self) -> &dyn Caller {
        &*self.origin.caller
    }

    /// Returns how much time is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(self.now())
    }

    /// Returns the time by the call's own clock.
    fn now(&self) -> Instant {
        let now = Instant::now();
        now - self.origin.pauses().until(now)
    }

    /// Returns when the deadline comes, unless the clock stands still.
    fn limit(&self) -> Option<Instant> {
        let pauses = self.origin.pauses();
        (pauses.waiting == 0).then(|| self.deadline + pauses.over)
    }

    /// Tells the caller how far the work has come.
    pub fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        self.origin.caller.progress(done, total, message);
    }

    /// Tells the caller that work whose length nobody knows has come one step further.
    pub fn step(&self, message: &str) {
        let steps = self.origin.steps.fetch_add(1, Ordering::Relaxed) + 1;
        self.progress(f64::from(steps), None, message);
    }

    /// Returns whether the user can be asked in this way. Where not, the tool must do without an answer.
    pub fn can_ask(&self, medium: Medium) -> bool {
        self.origin.caller.can_be_asked(medium)
    }

    /// Asks the user, who may take ten minutes.
    ///
    /// `key` names the question within the tool. Where a client cannot be asked in mid-call, the call ends here and is made
    /// once more with the answer: what comes before must do no harm when it is repeated, and lead to the same question.
    pub async fn ask(&self, key: &str, question: &Ask) -> Result<Answer> {
        self.while_the_user_acts(self.origin.caller.ask(key, question)).await?
    }

    /// Waits for something that the user does, for ten minutes at most; the call's own clock stands still.
    pub async fn while_the_user_acts<T>(&self, act: impl Future<Output = T>) -> Result<T> {
        let _pause = Pause::of(&self.origin);
        let done = timeout(THOUGHT, act).await;
        done.map_err(|_| Error::new(ErrorKind::TimedOut, "the user did nothing within ten minutes"))
    }

    /// Runs `work`, unless the deadline passes or the caller gives up first; then `work` is dropped.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        let in_time = async {
            loop {
                let Some(limit) = self.limit() else {
                    let mut resumed = pin!(self.origin.resumed.notified());
                    resumed.as_mut().enable();
                    // It may have run on before anybody could hear of it.
                    if self.limit().is_none() {
                        tokio::select! {
                            biased;
                            result = &mut work => break result,
                            () = resumed => {}
                        }
                    }
                    continue;
                };
                match timeout_at(limit, &mut work).await {
                    Ok(result) => break result,
                    // The clock has stood still meanwhile.
                    Err(_) if self.limit() != Some(limit) => {}
                    Err(_) => break Err(Error::new(ErrorKind::TimedOut, "the platform did not answer in time")),
                }
            }
        };
        let cancelled = || Error::new(ErrorKind::Cancelled, "the caller no longer wants the answer");
        tokio::select! {
            biased;
            () = self.origin.cancellation.cancelled() => Err(cancelled()),
            result = in_time => result,
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("principal", self.principal())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user who thinks for so long.
    struct Thinker(Duration);

    #[async_trait]
    impl Caller for Thinker {
        async fn ask(&self, _: &str, _: &Ask) -> Result<Answer> {
            tokio::time::sleep(self.0).await;
            Ok(Answer::Decline)
        }
    }

    fn call(thought: Duration) -> Call {
        let caller = Arc::new(Thinker(thought));
        Call::of(caller, Principal::local(), Duration::from_mins(1), CancellationToken::new())
    }

    async fn ask(call: &Call) -> Result<Answer> {
        call.run(async { call.ask("sure", &Ask::form("Sure?", serde_json::json!({}))).await }).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_stands_still_while_the_user_thinks() {
        let call = call(Duration::from_mins(5));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(ask(&call).await.unwrap(), Answer::Decline);
        assert_eq!(call.remaining().as_secs(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_answer_that_came_late_the_clock_runs_on() {
        let (call, begun) = (call(Duration::from_mins(5)), Instant::now());
        let work = async {
            call.ask("sure", &Ask::form("Sure?", serde_json::json!({}))).await?;
            std::future::pending::<Result<()>>().await
        };
        assert_eq!(call.run(work).await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 360);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_of_a_call_has_its_own_time_after_a_question() {
        let call = call(Duration::from_mins(5));
        ask(&call).await.unwrap();
        assert_eq!(call.clone().within(Duration::from_secs(8)).remaining().as_secs(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn two_questions_at_once_and_one_that_is_dropped_stop_the_clock_once() {
        let call = call(Duration::from_mins(5));
        let question = Ask::form("Sure?", serde_json::json!({}));
        let (one, two) = tokio::join!(call.ask("one", &question), call.ask("two", &question));
        assert!(one.is_ok() && two.is_ok());
        assert!(timeout(Duration::from_secs(30), call.ask("three", &question)).await.is_err());
        assert_eq!(call.remaining().as_secs(), 60);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(call.remaining().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_the_user_for_ever() {
        let call = call(Duration::from_hours(1));
        assert_eq!(ask(&call).await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(call.remaining().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_at_the_deadline() {
        let work = std::future::pending::<Result<()>>();
        assert_eq!(call(THOUGHT).run(work).await.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_cannot_be_asked_is_not() {
        let call = Call::new(Principal::local(), Duration::from_secs(1));
        assert!(!call.can_ask(Medium::Form));
        assert_eq!(ask(&call).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
