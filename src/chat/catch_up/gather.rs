//! The news of one account: which conversations have some, and what it is.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, History, Message},
};

use super::{
    look::{Look, Looked, Section},
    threads::{self, Threads},
};
use crate::{
    chat::{
        names::is_gone,
        policy::title,
        served::{Chats, Opened},
    },
    state::marks,
};

/// How far the very first look goes back.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(24);
/// Most conversations that are read.
const CONVERSATIONS: usize = 30;
/// Most pages of each.
const PAGES: usize = 3;
/// Messages on a page.
const PAGE: usize = 50;
/// What is asked for at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Messages of a conversation that are shown of the rest.
const REST: usize = 5;
/// Most conversations that are named without being read.
const NAMED: usize = 10;

/// What is asked for.
pub(super) struct Wanted {
    pub(super) since: Option<Timestamp>,
    pub(super) conversation: Option<Conversation>,
    pub(super) mentions_only: bool,
}

/// What is new in one account.
pub(super) struct News {
    pub(super) look: Look,
    /// From when on, in words.
    pub(super) from: &'static str,
    /// Those that were read.
    pub(super) rooms: Vec<Room>,
    /// Encrypted ones with news.
    pub(super) sealed: Vec<Conversation>,
    /// How much of it was read.
    pub(super) coverage: String,
}

/// A conversation that was read.
pub(super) struct Room {
    pub(super) conversation: Conversation,
    /// What is new, each message where it belongs.
    pub(super) news: Vec<(Section, Message)>,
    /// How many more are new, before those.
    pub(super) earlier: usize,
    /// Whether older ones that are new may not have been read.
    pub(super) is_cut: bool,
    looked: Looked,
    /// All that was read, by id.
    pub(super) messages: BTreeMap<String, Message>,
}

impl News {
    /// Reads what is new, or the same once more for another page.
    pub(super) async fn gather(
        chats: &Chats,
        opened: &Opened<'_>,
        wanted: &Wanted,
        before: Option<&Look>,
    ) -> Result<Self> {
        // Taken before anything is read: what comes meanwhile is for the next look.
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or_default();
        let me = &opened.myself().await?.id;
        let (mut look, from, chosen, sealed) = match before {
            Some(before) => (before.clone(), "", again(opened, before).await?, Vec::new()),
            None => begin(chats, opened, wanted, now).await?,
        };
        let had = chosen.len();
        let fixed = before.is_some();
        let (mut rooms, left_out) = read(chats, opened, &look, chosen, fixed).await?;
        if look.since.is_none() && before.is_none() {
            // The platform counts by a clock of its own, which may be ahead.
            let newest = rooms.iter().flat_map(|room| room.messages.values()).map(|message| message.time).max();
            let newest = newest.map(|newest| newest + SignedDuration::from_millis(1));
            look.until = newest.map_or(now, |newest| newest.max(now));
        }
        let Threads { mine, unseen } = threads::read(chats, opened, me, &look, &mut rooms, fixed).await?;
        if fixed && !(left_out.is_empty() && unseen == 0) {
            // What is missing would be passed over for good.
            return Err(
                Error::new(ErrorKind::TimedOut, "there was no time to read on").hint("use the same cursor again")
            );
        }
        for room in &mut rooms {
            room.sort_out(me, &look, &mine, wanted.mentions_only);
        }
        look.conversations = rooms
            .iter()
            .filter(|room| !room.news.is_empty())
            .map(|room| (room.conversation.id.clone(), room.looked.clone()))
            .collect();
        let coverage = coverage(opened, had, &rooms, &left_out, unseen);
        Ok(Self { look, from, rooms, sealed, coverage })
    }
}

type Chosen = Vec<(Conversation, Looked)>;

/// Decides from when on to look, and where.
async fn begin(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<(Look, &'static str, Chosen, Vec<Conversation>)> {
    let listed = chats.conversations(opened, true).await?;
    let mut conversations: Vec<_> = match &wanted.conversation {
        Some(one) => vec![listed.iter().find(|known| known.id == one.id).unwrap_or(one).clone()],
        None => listed.to_vec(),
    };
    let owner = chats.owner(opened.account);
    // Without what is remembered, it is a first look.
    let mark = chats.served.state().read(move |state| marks::looked(state, &owner)).await.unwrap_or_default();
    let told = conversations.iter().any(|conversation| conversation.unread.is_some());
    let (since, from) = match (wanted.since, mark) {
        (Some(since), _) => (Some(since), ""),
        (None, _) if told => (None, "unread"),
        (None, Some(mark)) => (Some(mark), " (your last look)"),
        (None, None) => (Some(now - FIRST_LOOK), " (one day, as nothing was looked at before)"),
    };
    // A look that begins after the last one ended leaves a gap, which a later look is to fill.
    let moves_mark = wanted.since.is_none_or(|since| mark.is_none_or(|mark| since <= mark));
    // Where some say when something last happened, nothing ever did in those that say nothing.
    let dated = listed.iter().any(|conversation| conversation.last_activity.is_some());
    conversations.retain(|conversation| match since {
        None => conversation.unread.is_some_and(|unread| unread > 0),
        Some(since) => conversation.last_activity.map_or(!dated, |last| last >= since),
    });
    let (sealed, mut open): (Vec<_>, Vec<_>) = conversations.into_iter().partition(|one| one.encrypted);
    open.sort_by_key(|one| (one.kind == ConversationKind::Channel, Reverse(one.last_activity), one.id.clone()));
    let looked = |one: &Conversation| Looked { unread: one.unread.filter(|_| since.is_none()), threads: Vec::new() };
    let chosen = open.into_iter().map(|one| (one.clone(), looked(&one))).collect();
    let look = Look { until: now, since, moves_mark, shown: None, conversations: BTreeMap::new() };
    Ok((look, from, chosen, sealed))
}

/// Finds the conversations of an earlier look again.
async fn again(opened: &Opened<'_>, look: &Look) -> Result<Chosen> {
    let mut chosen = Vec::new();
    for (id, looked) in &look.conversations {
        match opened.conversation(id).await {
            Ok(conversation) => chosen.push((conversation, looked.clone())),
            // The user has left it meanwhile.
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(chosen)
}

/// Reads conversations, some at a time; returns the names of those for which there was no time.
async fn read(
    chats: &Chats,
    opened: &Opened<'_>,
    look: &Look,
    mut chosen: Chosen,
    again: bool,
) -> Result<(Vec<Room>, Vec<String>)> {
    let beyond = chosen.split_off(chosen.len().min(CONVERSATIONS));
    let mut left_out: Vec<_> = beyond.iter().map(|(conversation, _)| title(conversation)).collect();
    let (mut rooms, mut failure) = (Vec::new(), None);
    for some in chosen.chunks(AT_ONCE) {
        if opened.is_hurried() {
            left_out.extend(some.iter().map(|(conversation, _)| title(conversation)));
            continue;
        }
        let reads = some.iter().map(|(conversation, looked)| Room::read(opened, look, conversation, looked, again));
        for ((conversation, _), room) in some.iter().zip(futures::future::join_all(reads).await) {
            match room {
                Ok(room) => rooms.push(room),
                Err(error) => {
                    left_out.push(title(conversation));
                    failure = Some(error);
                }
            }
        }
        chats.call.step(&format!("read {} conversations of `{}`", rooms.len(), opened.account.key()));
    }
    match failure {
        Some(error) if rooms.is_empty() || again => Err(error),
        _ => Ok((rooms, left_out)),
    }
}

fn coverage(opened: &Opened<'_>, had: usize, rooms: &[Room], left_out: &[String], unseen: usize) -> String {
    let mut words = format!("{}: read {} of {had} conversations with news", opened.account.key(), rooms.len());
    if !left_out.is_empty() {
        let named: Vec<_> = left_out.iter().take(NAMED).map(String::as_str).collect();
        words.push_str(&format!(", not {}", named.join(", ")));
        if left_out.len() > NAMED {
            words.push_str(&format!(" and {} more", left_out.len() - NAMED));
        }
    }
    match unseen {
        0 => {}
        1 => words.push_str("; 1 more thread may have new answers"),
        unseen => words.push_str(&format!("; {unseen} more threads may have new answers")),
    }
    words
}

impl Room {
    async fn read(
        opened: &Opened<'_>,
        look: &Look,
        conversation: &Conversation,
        looked: &Looked,
        again: bool,
    ) -> Result<Self> {
        let mut room = Self {
            conversation: conversation.clone(),
            news: Vec::new(),
            earlier: 0,
            is_cut: false,
            looked: looked.clone(),
            messages: BTreeMap::new(),
        };
        let mut history = History { limit: PAGE, until: again.then_some(look.until), ..History::default() };
        for _ in 0..PAGES {
            let page = opened.page(&conversation.id, &history).await?;
            let oldest = page.items.last().map(|message| message.time);
            room.learn(page.items);
            history.cursor = page.next;
            let enough = match (look.since, looked.unread) {
                (Some(since), _) => oldest.is_some_and(|oldest| oldest < since),
                (None, unread) => room.messages.len() >= unread.unwrap_or(0) as usize + PAGE / 2,
            };
            room.is_cut = look.since.is_some() && !enough && history.cursor.is_some();
            if enough || history.cursor.is_none() || opened.is_hurried() {
                break;
            }
        }
        Ok(room)
    }

    /// Adds messages to what is known.
    pub(super) fn learn(&mut self, messages: Vec<Message>) {
        self.messages.extend(messages.into_iter().map(|message| (message.at.id.clone(), message)));
    }

    /// Returns the threads that are to be read.
    pub(super) fn threads(&mut self) -> &mut Vec<String> {
        &mut self.looked.threads
    }

    /// Says of each message that is new where it belongs.
    fn sort_out(&mut self, me: &str, look: &Look, mine: &threads::Mine, mentions_only: bool) {
        let mut fresh: Vec<_> = std::mem::take(&mut self.messages).into_values().collect();
        fresh.retain(|message| message.author.id != me && !message.deleted && message.time < look.until);
        fresh.sort_by(|one, other| (other.time, &other.at.id).cmp(&(one.time, &one.at.id)));
        if let Some(since) = look.since {
            fresh.retain(|message| message.time >= since);
        } else {
            let unread = self.looked.unread.unwrap_or(0) as usize;
            fresh.truncate(unread);
            self.earlier = unread - fresh.len();
        }
        let direct = self.conversation.kind != ConversationKind::Channel;
        let mut rest = 0;
        for message in fresh {
            let thread = message.thread.as_ref().is_some_and(|thread| mine.has(&self.conversation.id, thread));
            let section = match () {
                () if message.mentions_everyone || message.mentions.iter().any(|id| id == me) => Section::Mentions,
                () if mentions_only => continue,
                () if direct => Section::Direct,
                () if thread => Section::Threads,
                () => Section::Rest,
            };
            rest += usize::from(section == Section::Rest);
            if section == Section::Rest && rest > REST {
                self.earlier += 1;
            } else {
                self.news.push((section, message));
            }
        }
    }
}
