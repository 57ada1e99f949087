//! What is served: the accounts, and the same for one call.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use switchboard_kit::{
    AccountKey, Call, Error, ErrorKind, Identity, Result, ToolHost,
    chat::{Conversation, Facets, Listing},
    host::{Account, Bound},
};
use tokio::time::Instant;

use super::{
    answers::Answers,
    names::{Memory, Remembered, is_gone},
    policy::{Line, Reads, Rules, Session, Sessions},
    roots::FileRoots,
    sanitise,
};
use crate::{
    audit::Audit,
    sign_in::Invitations,
    state::{Owner, State},
};

/// How long one account may take where several are asked.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much time answers need at the end.
pub(super) const HURRY: Duration = Duration::from_secs(3);
/// How much of that is left when work is broken off.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// How long a list of conversations with all that is known of them is believed.
const LIST_LASTS: Duration = Duration::from_mins(1);
/// Conversations on a page of such a list, and most pages.
const PAGE: usize = 1_000;
const PAGES: usize = 20;

/// Tells whether somebody has signed in to an account, without asking the platform.
pub type SignedIn = Arc<dyn Fn() -> bool + Send + Sync>;

/// One account, as its configuration has it.
pub struct ServedAccount {
    /// The account.
    pub account: Arc<Account>,
    /// Its platform.
    pub bound: Arc<dyn Bound>,
    /// The name to show.
    pub name: String,
    /// What the user says of it.
    pub description: Option<String>,
    /// What the user lets be done in it.
    pub rules: Rules,
    /// Where the sign-in is kept.
    pub sign_in_place: Arc<str>,
    /// The exact command that signs in.
    pub sign_in_command: String,
    /// Whether somebody has signed in, or need not.
    pub signed_in: SignedIn,
    /// What offers a sign-in to the user in mid-call, where that can be.
    pub invitations: Option<Invitations>,
}

impl ServedAccount {
    /// Returns the account's key.
    pub fn key(&self) -> &AccountKey {
        &self.account.key
    }

    /// Adds the account, and the command that signs in, to an error that asks for it.
    pub(crate) fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::SignInRequired {
            return error;
        }
        let error = error.about(self.key().clone());
        if error.hint_text().is_some_and(|hint| hint.contains(&self.sign_in_command)) {
            return error;
        }
        error.hint(format!("run `{}`", self.sign_in_command))
    }
}

/// Conversations with all that is known of them.
struct Listed {
    conversations: Arc<Vec<Conversation>>,
    read: Instant,
}

/// All that is served, made once at start and shared by all calls.
pub struct Served {
    pub(super) accounts: Vec<ServedAccount>,
    pub(super) files: FileRoots,
    pub(super) audit: Audit,
    sessions: Sessions,
    memory: Arc<Memory>,
    facets: Vec<Facets>,
    listed: Mutex<HashMap<Owner, Listed>>,
}

impl Served {
    /// Serves `accounts`, in this order, with files under these roots, what is remembered in `state`, and notes of what is done in
    /// `audit`.
    pub fn new(accounts: Vec<ServedAccount>, files: FileRoots, state: State, audit: Audit) -> Self {
        let facets = accounts.iter().map(|account| account.bound.facets()).collect();
        let memory = Memory::new(state);
        Self { accounts, files, audit, sessions: Sessions::default(), memory, facets, listed: Mutex::default() }
    }

    /// Returns the accounts, each with the facets of its platform.
    pub(super) fn with_facets(&self) -> impl Iterator<Item = (&ServedAccount, &Facets)> {
        self.accounts.iter().zip(&self.facets)
    }

    /// Returns the accounts, in the order of the configuration.
    pub fn accounts(&self) -> &[ServedAccount] {
        &self.accounts
    }

    /// Returns what is remembered between runs.
    pub fn state(&self) -> &State {
        self.memory.state()
    }

    /// Returns the account of that key.
    pub(super) fn account(&self, key: &str) -> Option<&ServedAccount> {
        self.accounts.iter().find(|account| account.key().as_str() == key)
    }

    /// Returns the account of that key, which must be there.
    pub(super) fn known(&self, key: &str) -> Result<&ServedAccount> {
        self.account(key.trim_end_matches(':')).ok_or_else(|| {
            let keys: Vec<_> = self.accounts.iter().map(|account| format!("`{}`", account.key())).collect();
            Error::invalid(format!("unknown account `{key}`, expected {}", keys.join(" or ")))
        })
    }
}

/// The chats that one call acts on: what is served, to one caller.
pub struct Chats {
    pub(super) served: Arc<Served>,
    pub(super) call: Call,
}

impl ToolHost for Chats {
    const KEY: &'static str = "chat";
}

impl Chats {
    /// Acts on what is served, for `call`.
    pub fn new(served: Arc<Served>, call: Call) -> Self {
        Self { served, call }
    }

    /// Returns whose everything is that is remembered of an account.
    pub(super) fn owner(&self, account: &ServedAccount) -> Owner {
        Owner { principal: self.call.principal().clone(), sign_in: account.sign_in_place.clone() }
    }

    /// Returns what was shown in the session that the call is in.
    pub(super) fn session(&self) -> Arc<Session> {
        self.served.sessions.of(&self.call)
    }

    /// Opens an account.
    pub(super) fn open<'a>(&self, account: &'a ServedAccount) -> Opened<'a> {
        let several = self.served.accounts.len() > 1;
        self.opened(account, if several { self.call.clone().within(PATIENCE) } else { self.call.clone() })
    }

    /// Opens an account for as long as the call lasts, however many are asked.
    pub(super) fn open_to_the_end<'a>(&self, account: &'a ServedAccount) -> Opened<'a> {
        self.opened(account, self.call.clone())
    }

    fn opened<'a>(&self, account: &'a ServedAccount, call: Call) -> Opened<'a> {
        let owner = self.owner(account);
        let line = Line::open(&*account.bound, &account.account, &call);
        Opened { account, line, remembered: self.served.memory.of(owner), call }
    }

    /// Asks several accounts at once, each until its own deadline.
    pub(super) async fn ask<'a, T, F: Future<Output = Result<T>>>(
        &'a self,
        accounts: &[&'a ServedAccount],
        question: impl Fn(Opened<'a>) -> F,
    ) -> Answers<'a, T> {
        let questions: Vec<_> = accounts
            .iter()
            .map(|account| {
                let opened = self.open(account);
                let (call, key) = (opened.call.clone(), account.key());
                let answer = question(opened);
                async move {
                    let answer = call.run(answer).await;
                    self.call
                        .step(&format!("`{key}` {}", if answer.is_ok() { "has answered" } else { "has not answered" }));
                    answer
                }
            })
            .collect();
        let mut answers = Answers::default();
        for (account, answer) in accounts.iter().zip(futures::future::join_all(questions).await) {
            match answer {
                Ok(answer) => answers.given.push((account, answer)),
                Err(error) => answers.missing.push((account, account.explain(error))),
            }
        }
        answers
    }

    /// Returns the conversations of an account that may be read, asked for anew if they are old or `anew` says so.
    pub(super) async fn conversations(&self, opened: &Opened<'_>, anew: bool) -> Result<Arc<Vec<Conversation>>> {
        let listed = self.listed(opened, anew).await?;
        if !opened.account.rules.restrict_reading() {
            return Ok(listed);
        }
        opened.keep_readable(listed.to_vec()).await.map(Arc::new)
    }

    async fn listed(&self, opened: &Opened<'_>, anew: bool) -> Result<Arc<Vec<Conversation>>> {
        let key = self.owner(opened.account);
        let kept = {
            let mut listed = self.served.listed.lock().unwrap_or_else(PoisonError::into_inner);
            listed.retain(|_, listed| listed.read.elapsed() < LIST_LASTS);
            listed.get(&key).map(|listed| listed.conversations.clone())
        };
        if let Some(conversations) = kept.filter(|_| !anew) {
            return Ok(conversations);
        }
        let (mut conversations, mut listing) = (Vec::new(), Listing { limit: PAGE, cursor: None });
        let begun = Timestamp::now();
        for _ in 0..PAGES {
            let page = opened.run(opened.chat()?.conversations(&listing)).await?;
            // Names are found again by it; here they are at hand even if that fails.
            let _ = opened.remembered.turn(&page, begun).await;
            conversations.extend(page.items.into_iter().filter(|conversation| sanitise::is_plain(&conversation.id)));
            listing.cursor = page.next;
            if listing.cursor.is_none() {
                break;
            }
            self.call.step(&format!("listed {} conversations of `{}`", conversations.len(), opened.account.key()));
        }
        let conversations = Arc::new(conversations);
        let listed = Listed { conversations: conversations.clone(), read: Instant::now() };
        self.served.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, listed);
        Ok(conversations)
    }
}

/// An account, opened for one call.
pub(super) struct Opened<'a> {
    pub(super) account: &'a ServedAccount,
    /// Writing by it is for the gate alone.
    pub(super) line: Line,
    pub(super) remembered: Remembered,
    call: Call,
}

impl Opened<'_> {
    /// Returns who is signed in.
    pub(super) async fn myself(&self) -> Result<Arc<Identity>> {
        self.run(self.line.myself(&self.account.account, &self.call)).await
    }

    /// Returns the platform's share of the verbs that read.
    pub(super) fn chat(&self) -> Result<Reads<'_>> {
        self.line.reads().ok_or_else(|| self.lacks("chat"))
    }

    /// Returns whether the deadline is near, so that what is there must do.
    pub(super) fn is_hurried(&self) -> bool {
        self.call.remaining() < HURRY
    }

    /// Runs `work` until an answer must be made of what is there; none if it is not done by then.
    pub(super) async fn in_good_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.call.remaining().saturating_sub(LAST_MOMENT), work).await.ok()
    }

    /// Tells the caller that work has come one step further.
    pub(super) fn step(&self, message: &str) {
        self.call.step(message);
    }

    /// Says that the platform has no such thing.
    pub(super) fn lacks(&self, what: &str) -> Error {
        Error::unsupported(format!("`{}` has no {what}", self.account.key()))
    }

    /// Runs `work` until the deadline, and says what to do if a sign-in is missing.
    pub(super) async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = self.call.run(work).await;
        if done.as_ref().err().is_some_and(is_gone) {
            self.remembered.doubt().await;
        }
        done.map_err(|error| self.account.explain(error))
    }
}
