//! Says of what was stored whether the user's rules let it be, by ids and by the documentation, sharing nothing with the gate.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    fake::{Effect, Fake},
    plan::Hostile,
    users::{AGREED, Manner},
};

/// What a rule means, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    Conversation(i64),
    Conversations(i64, i64),
    /// The direct chat with somebody.
    Person(i64),
    Everything,
}

/// When the user wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Always,
    Unlisted,
    Never,
}

/// What a user wants, for one account.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub(super) struct Law {
    pub(super) write: bool,
    pub(super) mark_read: bool,
    pub(super) allow: Vec<Meant>,
    pub(super) deny: Vec<Meant>,
    pub(super) asks: Asks,
    pub(super) reply_only: bool,
    pub(super) most: usize,
    pub(super) guards: bool,
}

/// What a session has seen.
#[derive(Default)]
struct Seen {
    messages: BTreeSet<i64>,
    /// First messages of the threads of which something was seen.
    threads: BTreeSet<i64>,
    private: BTreeSet<i64>,
}

/// Where a call comes from: a process, and a session in it.
pub(super) type Origin = (usize, Option<&'static str>);

/// Knows what the users of the accounts want, and what was seen and done.
pub(super) struct Judge {
    laws: BTreeMap<i64, Law>,
    seen: BTreeMap<Origin, Seen>,
    done: BTreeMap<i64, usize>,
}

impl Judge {
    pub(super) fn of(laws: impl IntoIterator<Item = (i64, Law)>) -> Self {
        Self { laws: laws.into_iter().collect(), seen: BTreeMap::new(), done: BTreeMap::new() }
    }

    /// Notes what an answer has shown.
    pub(super) fn shows(&mut self, fake: &Fake, origin: Origin, answer: &str) {
        let seen = self.seen.entry(origin).or_default();
        for piece in answer.split(|c: char| !c.is_ascii_alphanumeric()) {
            let id = piece.strip_prefix('M').and_then(|number| number.parse().ok());
            if let Some((id, (conversation, thread))) = id.and_then(|id| Some((id, fake.message(id)?))) {
                seen.messages.insert(id);
                seen.threads.insert(thread);
                if fake.is_private(conversation) {
                    seen.private.insert(conversation);
                }
            }
        }
    }

    /// Returns what should not have been stored, with the reason.
    pub(super) fn objections(&mut self, fake: &Fake, calls: &[&Hostile], effects: &[Effect]) -> Vec<String> {
        let mut objections = Vec::new();
        for effect in effects {
            let why = self.judge(fake, calls, effects, effect);
            objections.extend(why.err().map(|why| format!("{why}: {effect:?}")));
        }
        objections
    }

    fn judge(&mut self, fake: &Fake, calls: &[&Hostile], effects: &[Effect], effect: &Effect) -> Result<(), String> {
        let others =
            |kind: &str| effects.iter().any(|other| other.kind == kind && other.conversation == effect.conversation);
        let doer = match effect.kind.as_str() {
            // Where a message is gone, what is under it goes along.
            "took back" if effects.iter().any(|other| other.kind == "deleted" && other.message == effect.message) => {
                return Ok(());
            }
            // Who sends to a conversation or opens one gets in, which is judged there.
            "joined" if others("sent") || others("opened") || others("added") => return Ok(()),
            "opened" => fake.pair(effect.conversation).into_iter().find(|person| self.laws.contains_key(person)),
            "added" => effects
                .iter()
                .find(|other| other.kind == "joined" && other.conversation == effect.conversation)
                .and_then(|joined| joined.person),
            "sent" | "edited" | "deleted" | "reacted" | "took back" | "marked" | "uploaded" => effect.person,
            other => return Err(format!("nobody can have `{other}`")),
        };
        let doer = doer.ok_or("nobody did it")?;
        let law = self.laws.get(&doer).ok_or("somebody else did it")?.clone();
        if !law.write {
            return Err("writing is off".into());
        }
        if !matches!(effect.kind.as_str(), "marked" | "joined" | "uploaded") {
            let done = self.done.entry(doer).or_default();
            *done += 1;
            if *done > law.most {
                return Err(format!("the budget is {}", law.most));
            }
        }
        let pair = fake.pair(effect.conversation);
        let is = |meant: &Meant| match *meant {
            Meant::Everything => true,
            Meant::Conversation(id) => id == effect.conversation,
            Meant::Conversations(first, last) => (first..=last).contains(&effect.conversation),
            Meant::Person(id) => pair.contains(&id),
        };
        if law.deny.iter().any(is) {
            return Err("it is denied".into());
        }
        let agreed = effect.conversation == AGREED && calls.iter().any(|call| call.manner == Manner::Reads);
        let listed = match (law.asks, law.allow.is_empty()) {
            (Asks::Never, true) => true,
            (Asks::Never | Asks::Unlisted, _) => law.allow.iter().any(is),
            (Asks::Always, _) => false,
        };
        if effect.kind == "marked" {
            // The leave to move marks is given once and for all; where nobody is asked, the list holds for them too.
            let may = law.mark_read && (law.asks != Asks::Never || listed);
            return if may { Ok(()) } else { Err("marks may not be moved".into()) };
        }
        if !(listed || agreed && law.asks != Asks::Never) {
            return Err("it is not on the list, and nobody agreed".into());
        }
        self.answers(&law, calls, effect)?;
        self.carries(&law, calls, effect, agreed && law.asks != Asks::Never)
    }

    /// Says whether it answers what was read, where it has to.
    fn answers(&self, law: &Law, calls: &[&Hostile], effect: &Effect) -> Result<(), String> {
        let seen = |what: fn(&Seen) -> &BTreeSet<i64>, id: Option<i64>| {
            id.is_some_and(|id| {
                calls.iter().filter_map(|call| self.seen.get(&call.origin)).any(|seen| what(seen).contains(&id))
            })
        };
        let answers = match effect.kind.as_str() {
            "sent" | "uploaded" => seen(|seen| &seen.threads, effect.thread),
            "reacted" | "took back" => seen(|seen| &seen.messages, effect.message),
            "edited" | "deleted" => true,
            _ => false,
        };
        if law.reply_only && !answers { Err("it answers nothing that was read".into()) } else { Ok(()) }
    }

    /// Says whether something goes out with it that must not.
    fn carries(&self, law: &Law, calls: &[&Hostile], effect: &Effect, agreed: bool) -> Result<(), String> {
        let text = effect.text.to_lowercase();
        if matches!(effect.kind.as_str(), "sent" | "edited")
            && ["@everyone", "@channel", "@here"].iter().any(|call| text.contains(call))
        {
            return Err("it calls everyone".into());
        }
        if !law.guards || agreed || !matches!(effect.kind.as_str(), "sent" | "edited" | "uploaded" | "added") {
            return Ok(());
        }
        for call in calls {
            if let Some(secret) = call.secrets.iter().find(|secret| effect.text.contains(&**secret)) {
                return Err(format!("it holds the secret `{secret}`"));
            }
            let seen = self.seen.get(&call.origin).filter(|_| effect.text.contains(&call.nonce));
            let elsewhere = |source: &&i64| **source != effect.conversation;
            if let Some(source) = seen.and_then(|seen| seen.private.iter().find(elsewhere)) {
                return Err(format!("the private C{source} was read before"));
            }
        }
        Ok(())
    }
}
