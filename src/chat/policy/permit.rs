//! What is handed out at the gate: the leave for one write, and with it the platform's share of the verbs that write.

use std::collections::BTreeMap;

use switchboard_kit::{
    Error, Result,
    chat::{Deletions, Edits, Posts, Reactions, ReadMarkers, Uploads},
};

use super::{
    Budget, encrypted,
    judgement::{Judgement, standing},
    names::Names,
    note::Note,
    question::Word,
};
use crate::{
    chat::{
        find::Place,
        sanitise,
        served::{Chats, Opened},
    },
    state::spent::{self, Demand},
};

/// The leave for one write.
pub(in crate::chat) struct Permit<'a> {
    pub(in crate::chat) place: Place<'a>,
    chats: &'a Chats,
    note: Note,
}

/// What does one thing of it.
pub(in crate::chat) struct Hand<'a>(Opened<'a>);

impl Chats {
    /// Hands out the leave for what was judged; a direct chat that is not there yet is opened now.
    pub(super) async fn hand_out<'a>(&'a self, judged: Judgement<'a, '_>, word: &Word) -> Result<Permit<'a>> {
        let Judgement { mut place, verdict, note, .. } = judged;
        let agreed = match verdict.and_then(|reasons| word.on(&place, &reasons)) {
            Ok(agreed) => agreed,
            Err(error) => return Err(note.refused(error).await),
        };
        note.passes(agreed).await?;
        if place.unopened
            && let Err(error) = open(self, &mut place).await
        {
            note.done(Vec::new(), Some(&error)).await;
            return Err(error);
        }
        Ok(Permit { place, chats: self, note })
    }

    /// Counts one write, if there is room for it.
    pub(super) async fn spend(&self, opened: &Opened<'_>) -> Result<()> {
        let (owner, budget) = (self.owner(opened.account), opened.account.rules.budget);
        let spent = self.served.state().write(move |state| spent::spend(state, &owner, budget.minute, budget.day));
        spent.await?.map_or(Ok(()), |full| Err(full.explain(opened.account.key())))
    }

    /// Refuses, of what was judged together, what there will be no room for: nobody is asked for it, and no half of it is sent.
    pub(super) async fn afford(&self, judged: &mut [Judgement<'_, '_>]) {
        let mut claimed = BTreeMap::new();
        for judged in judged.iter_mut().filter(|judged| judged.verdict.is_ok()) {
            let claimed: &mut usize = claimed.entry(judged.place.opened.account.key()).or_default();
            let writes = judged.deed.writes() + usize::from(judged.place.unopened);
            match self.room(&judged.place.opened, *claimed, writes).await {
                Ok(()) => *claimed += writes,
                Err(error) => judged.verdict = Err(error),
            }
        }
    }

    /// Tells whether there is room for so many writes, after others.
    pub(super) async fn room(&self, opened: &Opened<'_>, before: usize, writes: usize) -> Result<()> {
        let (owner, Budget { minute, day }) = (self.owner(opened.account), opened.account.rules.budget);
        if writes == 0 {
            return Ok(());
        }
        let demand = Demand { minute, day, before, writes };
        let full = self.served.state().read(move |state| spent::room(state, &owner, demand)).await?;
        full.map_or(Ok(()), |full| Err(full.explain(opened.account.key())))
    }
}

/// Opens the direct chat that the user has just been let write to; what it turns out to be is judged by its names once more.
async fn open(chats: &Chats, place: &mut Place<'_>) -> Result<()> {
    let opened = &place.opened;
    chats.spend(opened).await?;
    let whole = opened.line.whole().ok_or_else(|| opened.lacks("chat"))?;
    let direct = opened.run(whole.conversations().direct(&place.conversation.id, true)).await?;
    opened.remembered.keep(direct.as_slice()).await;
    let mut conversation = direct
        .ok_or_else(|| Error::not_found(format!("no direct chat with `{}`", super::title(&place.conversation))))?;
    if !sanitise::is_plain(&conversation.id) {
        return Err(Error::unsupported("the direct chat has an id of several lines").hint("use another conversation"));
    }
    sanitise::conversation(&mut conversation);
    if conversation.encrypted {
        return Err(encrypted(&conversation));
    }
    place.conversation = conversation;
    place.unopened = false;
    // Only `deny` can say anything new of it: whatever else had to be agreed to was.
    standing(&place.opened, &Names::of(place)).await.map(drop)
}

impl<'a> Permit<'a> {
    /// Returns what does one thing, which is counted.
    pub(in crate::chat) async fn hand(&self) -> Result<Hand<'a>> {
        let opened = self.chats.open(self.place.opened.account);
        self.chats.spend(&opened).await?;
        Ok(Hand(opened))
    }

    /// Returns what moves marks, which nobody reads and nobody counts.
    pub(in crate::chat) fn free_hand(&self) -> Hand<'a> {
        Hand(self.chats.open(self.place.opened.account))
    }

    /// Notes what came of it, with the ids of the messages that are there now.
    pub(in crate::chat) async fn note<T>(&self, ids: &[String], outcome: Result<T>) -> Result<T> {
        let (session, account) = (self.chats.session(), self.place.opened.account.key());
        // What the user has sent in a session is known there as well as what was read.
        for id in ids {
            session.shows(account, &self.place.conversation.id, id);
        }
        let messages = ids.iter().map(|id| self.place.reference(id)).collect();
        self.note.done(messages, outcome.as_ref().err()).await;
        outcome
    }
}

impl Hand<'_> {
    /// Sends messages.
    pub(in crate::chat) fn posts(&self) -> Result<&dyn Posts> {
        self.whole()?.posts().ok_or_else(|| self.0.lacks("way to send messages"))
    }

    /// Sends files.
    pub(in crate::chat) fn uploads(&self) -> Result<&dyn Uploads> {
        self.whole()?.uploads().ok_or_else(|| self.0.lacks("way to send files"))
    }

    /// Changes messages.
    pub(in crate::chat) fn edits(&self) -> Result<&dyn Edits> {
        self.whole()?.edits().ok_or_else(|| self.0.lacks("way to edit messages"))
    }

    /// Deletes messages.
    pub(in crate::chat) fn deletions(&self) -> Result<&dyn Deletions> {
        self.whole()?.deletions().ok_or_else(|| self.0.lacks("way to delete messages"))
    }

    /// Adds and removes reactions.
    pub(in crate::chat) fn reactions(&self) -> Result<&dyn Reactions> {
        self.whole()?.reactions().ok_or_else(|| self.0.lacks("reactions"))
    }

    /// Moves marks.
    pub(in crate::chat) fn read_markers(&self) -> Result<&dyn ReadMarkers> {
        self.whole()?.read_markers().ok_or_else(|| self.0.lacks("marks of what was read"))
    }

    /// Runs what one of these does, until the deadline.
    pub(in crate::chat) async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.0.run(work).await
    }

    fn whole(&self) -> Result<&dyn switchboard_kit::chat::Chat> {
        self.0.line.whole().ok_or_else(|| self.0.lacks("chat"))
    }
}
