//! A sign-in that a call lacks: the client offers its page to the user, and the call waits for it.

use std::{
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{
    Answer, Ask, Call, Error, ErrorKind, Medium, Result,
    host::{Secret, in_time},
};
use tokio::{
    sync::{Mutex, oneshot, watch},
    task::AbortHandle,
    time::timeout,
};
use tracing::{debug, info};
use url::Url;

use super::{SignIn, Terminal, sign_in};

/// How long a sign-in stays open once it was offered.
const LIFETIME: Duration = Duration::from_mins(15);
/// How long the platform may take to say how one signs in.
const PATIENCE: Duration = Duration::from_secs(10);

type Prepare = dyn Fn(Arc<dyn Terminal>) -> Result<SignIn> + Send + Sync;

/// Offers sign-ins to one account, one at a time.
pub struct Invitations {
    prepare: Box<Prepare>,
    open: Mutex<Option<Invitation>>,
}

/// A sign-in whose page is there to be opened.
#[derive(Clone)]
struct Invitation {
    page: Url,
    ended: Ended,
    /// Ends it when nobody is left who could open its page.
    running: Arc<Running>,
}

type Ended = watch::Receiver<Option<Result<(), Arc<Error>>>>;

struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Invitation {
    fn is_open(&self) -> bool {
        // Whoever tells is gone if that panicked.
        self.ended.borrow().is_none() && self.ended.has_changed().is_ok()
    }
}

impl Invitations {
    /// Offers the sign-in that `prepare` makes for a terminal.
    pub fn new(prepare: impl Fn(Arc<dyn Terminal>) -> Result<SignIn> + Send + Sync + 'static) -> Self {
        Self { prepare: Box::new(prepare), open: Mutex::new(None) }
    }

    /// Asks the user to sign in to what `name` says, and waits for that. Tells whether somebody has; if not, the client or its
    /// user does without.
    pub async fn invite(&self, call: &Call, name: &str) -> Result<bool> {
        if !call.can_ask(Medium::Url) {
            return Ok(false);
        }
        let Some(mut invitation) = self.invitation().await else { return Ok(false) };
        let page = invitation.page.as_str().to_owned();
        let question = Ask::url(format!("Sign in to {name}, so that Switchboard can go on."), &page);
        // The page is part of the key: who agreed to an earlier one has not seen this one.
        match call.ask(&format!("sign_in {page}"), &question).await {
            Ok(Answer::Accept(_)) => {}
            // Clients say that they can, and then cannot.
            Err(error) if !matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::TimedOut) => return Err(error),
            _ => {
                self.withdraw(invitation).await;
                return Ok(false);
            }
        }
        call.step("waiting for the sign-in in the browser");
        let ended = call.while_the_user_acts(async { invitation.ended.wait_for(Option::is_some).await.ok()?.clone() });
        match ended.await? {
            Some(Ok(())) => Ok(true),
            Some(Err(error)) => Err(Error::new(error.kind(), format!("the sign-in to {name} failed: {error}"))),
            None => Err(Error::new(ErrorKind::SignInRequired, format!("nobody signed in to {name} in time"))),
        }
    }

    /// Returns the sign-in under way, or begins one; nothing if it needs more than a browser.
    async fn invitation(&self) -> Option<Invitation> {
        let mut open = self.open.lock().await;
        if let Some(invitation) = open.as_ref().filter(|invitation| invitation.is_open()) {
            return Some(invitation.clone());
        }
        let (page, offered) = oneshot::channel();
        let request = (self.prepare)(Arc::new(Offer { page: StdMutex::new(Some(page)) }));
        let request = request.inspect_err(|error| debug!(%error, "No sign-in can be offered")).ok()?;
        let (tell, ended) = watch::channel(None);
        let task = tokio::spawn(async move {
            let outcome = match timeout(LIFETIME, sign_in(request)).await {
                Ok(outcome) => outcome.map(|linked| info!(account = %linked.account, "Signed in on invitation")),
                Err(_) => Err(Error::new(ErrorKind::TimedOut, "nobody opened its page to the end")),
            };
            if let Err(error) = &outcome {
                debug!(%error, "A sign-in by invitation did not complete");
            }
            // No call may be waiting any more.
            drop(tell.send(Some(outcome.map_err(Arc::new))));
        });
        // Ends it, too, when the call is given up while the platform is asked what it offers.
        let running = Arc::new(Running(task.abort_handle()));
        // A sign-in that ends without having offered a page drops the sender.
        let page = in_time(PATIENCE, offered).await?.ok()?;
        *open = Some(Invitation { page, ended, running });
        open.clone()
    }

    /// Ends a sign-in that its user does not want, unless another call waits for it.
    async fn withdraw(&self, invitation: Invitation) {
        let mut open = self.open.lock().await;
        let kept = open.as_ref().is_some_and(|open| Arc::ptr_eq(&open.running, &invitation.running));
        if kept && Arc::strong_count(&invitation.running) == 2 {
            *open = None;
        }
    }
}

/// In place of a terminal: keeps the page that would be opened, and has nobody who types.
struct Offer {
    page: StdMutex<Option<oneshot::Sender<Url>>>,
}

#[async_trait]
impl Terminal for Offer {
    fn say(&self, _: &str) {}

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    async fn line(&self) -> Option<String> {
        None
    }

    async fn secret_line(&self, _: &str) -> Option<Secret> {
        None
    }

    fn open(&self, page: &Url) -> bool {
        let offer = self.page.lock().unwrap_or_else(PoisonError::into_inner).take();
        offer.is_some_and(|offer| offer.send(page.clone()).is_ok())
    }
}
