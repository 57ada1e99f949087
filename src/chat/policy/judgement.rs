//! What the rules say of one write: whether it may be, and what the user has to be asked for.

use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Message, Upload},
};

use super::{
    Confirm, Deed, encrypted, links,
    names::{Listing, Names, Sharing, denied},
    note::Note,
    off, secrets,
};
use crate::chat::{
    find::Place,
    sanitise,
    served::{Chats, Opened, ServedAccount},
};

/// Something that the user has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// Why.
    pub(super) why: String,
    /// What the user can do to be asked no more; an order.
    pub(super) remedy: String,
}

/// What the rules say of one write.
pub(super) struct Judgement<'a, 'd> {
    pub(super) place: Place<'a>,
    pub(super) deed: Deed<'d>,
    /// The message that is changed or deleted.
    pub(super) before: Option<Message>,
    /// What to ask the user for; nothing if it may be as it is.
    pub(super) verdict: Result<Vec<Reason>>,
    pub(super) note: Note,
}

impl<'a, 'd> Judgement<'a, 'd> {
    /// Goes through the rules.
    pub(super) async fn of(chats: &Chats, place: Place<'a>, deed: Deed<'d>) -> Self {
        let note = Note::of_deed(chats, &place, &deed);
        let mut before = None;
        let verdict = judge(chats, &place, &deed, &mut before).await;
        Self { place, deed, before, verdict, note }
    }
}

async fn judge(chats: &Chats, place: &Place<'_>, deed: &Deed<'_>, before: &mut Option<Message>) -> Result<Vec<Reason>> {
    let (opened, conversation) = (&place.opened, &place.conversation);
    let (account, rules) = (opened.account, &opened.account.rules);
    let mut reasons = standing(opened, &Names::of(place)).await?;
    if conversation.encrypted {
        return Err(encrypted(conversation));
    }
    for (facet, what) in deed.needs() {
        if !opened.chat()?.has(facet) {
            return Err(opened.lacks(what));
        }
    }
    let session = chats.session();
    let shown = |id: &str| session.has_shown(account.key(), &conversation.id, id);
    let answers = match deed {
        Deed::Send { thread, .. } => thread.is_some_and(shown),
        Deed::React { id, .. } | Deed::Edit { id, .. } => shown(id),
        Deed::Delete { .. } | Deed::MarkRead => true,
    };
    if rules.reply_only && !answers {
        return Err(only_answers(account));
    }
    if let Deed::Edit { id, .. } | Deed::Delete { id } = deed {
        *before = Some(own(opened, &conversation.id, id).await?);
    }
    if matches!(deed, Deed::MarkRead) {
        if !rules.mark_read {
            let key = account.key();
            let error = Error::new(ErrorKind::Forbidden, format!("marking as read is off in `{key}`"));
            return Err(
                error.hint(format!("ask the user to set `mark_read: true` for `{key}` in provider-config.yaml"))
            );
        }
        // The user's leave to move marks is the agreement, and nobody reads anything by them.
        return Ok(Vec::new());
    }
    if let Some(text) = deed.words() {
        reasons.extend(leaving(chats, opened, &conversation.id));
        // A new text of an old message calls nobody.
        if rules.call_everyone && matches!(deed, Deed::Send { .. }) && opened.chat()?.calls_everyone(text) {
            let remedy = "leave the call to everyone out".into();
            reasons.push(Reason { why: "it notifies everybody in the conversation".into(), remedy });
        }
        reasons.extend(carried(chats, opened, text));
    }
    if let Deed::Send { uploads, .. } = deed {
        reasons.extend(uploads.iter().filter_map(|upload| within(opened, upload)));
    }
    settled(opened, reasons)
}

/// Says what `access`, `deny` and `allow` say of something by its names.
pub(super) async fn standing(opened: &Opened<'_>, names: &Names) -> Result<Vec<Reason>> {
    let (account, rules) = (opened.account, &opened.account.rules);
    if !rules.write {
        return Err(off(account));
    }
    if let Some(pattern) = names.denied_by(account, &rules.deny.write) {
        return Err(denied(account, names, pattern));
    }
    let target = format!("{}:{}", account.key(), names.shown());
    let remedy = format!("add `{target}` to `allow` in provider-config.yaml");
    let listing = names.listing(opened, &rules.allow.write, Sharing::Asked).await?;
    let why = match (rules.confirm, listing) {
        (Confirm::Always, _) => {
            let why = format!("everything that is written in `{}` has to be agreed to", account.key());
            let remedy = format!("set `confirm: unlisted` for `{}`", account.key());
            return Ok(vec![Reason { why, remedy }]);
        }
        (Confirm::Unlisted, Listing::On) | (Confirm::Never, Listing::On | Listing::None) => return Ok(Vec::new()),
        (Confirm::Unlisted, Listing::None) => format!("`{target}` is not on an `allow` list"),
        (Confirm::Unlisted, Listing::Off(why)) => why,
        (Confirm::Never, Listing::Off(why)) => {
            return Err(Error::new(ErrorKind::Forbidden, why).hint(format!("ask the user to {remedy}")));
        }
    };
    Ok(vec![Reason { why, remedy }])
}

/// Says that only answers are sent.
pub(super) fn only_answers(account: &ServedAccount) -> Error {
    let message = format!("only answers to what was read in this session are sent in `{}`", account.key());
    Error::new(ErrorKind::Forbidden, message).hint(
        "read the conversation, and give a message of it as `thread`; the user can end this by `reply_only: false`",
    )
}

/// Says whether something private that was read in the session could go elsewhere.
pub(super) fn leaving(chats: &Chats, opened: &Opened<'_>, conversation: &str) -> Option<Reason> {
    let account = opened.account;
    let (read_in, read) =
        chats.session().read_elsewhere(account.key(), conversation).filter(|_| account.rules.guards.private)?;
    let why = match read {
        Some(read) => {
            let read = sanitise::line(&read);
            format!("messages of the private conversation `{read_in}:{read}` were read in this session")
        }
        None => format!("a file of `{read_in}`, perhaps of a private conversation, was read in this session"),
    };
    Some(Reason { why, remedy: format!("set `guards: {{ private: false }}` for `{}`", account.key()) })
}

/// Says what in a text must not leave unseen.
pub(super) fn carried(chats: &Chats, opened: &Opened<'_>, text: &str) -> Vec<Reason> {
    let (account, guards) = (opened.account, opened.account.rules.guards);
    let mut reasons = Vec::new();
    if let Some(secret) = guards.secrets.then(|| secrets::found(text)).flatten() {
        let remedy = format!("set `guards: {{ secrets: false }}` for `{}`", account.key());
        reasons.push(Reason { why: format!("there seems to be {secret} in it"), remedy });
    }
    let (session, reads) = (chats.session(), opened.line.reads());
    let reference = |link: &str| reads.and_then(|reads| reads.reference(link));
    let (origins, hosts) = (account.account.endpoints.origins(), &account.rules.link_hosts);
    let known = links::Known { origins, hosts, session: &session, reference: &reference };
    if let Some(host) = guards.links.then(|| links::carrying(text, &known)).flatten() {
        let host = sanitise::name(&host);
        let remedy = format!("add `{host}` to `link_hosts` for `{}`", account.key());
        reasons.push(Reason { why: format!("a link to `{host}` in it carries data"), remedy });
    }
    reasons
}

/// Says what in a file must not leave unseen.
fn within(opened: &Opened<'_>, upload: &Upload) -> Option<Reason> {
    let guards = opened.account.rules.guards;
    let secret = guards.secrets.then(|| secrets::found_in_file(&upload.bytes)).flatten()?;
    let remedy = format!("set `guards: {{ secrets: false }}` for `{}`", opened.account.key());
    Some(Reason { why: format!("there seems to be {secret} in the file `{}`", sanitise::name(&upload.name)), remedy })
}

/// Refuses what would have to be asked where nothing is asked.
pub(super) fn settled(opened: &Opened<'_>, reasons: Vec<Reason>) -> Result<Vec<Reason>> {
    match reasons.first() {
        Some(Reason { why, remedy }) if opened.account.rules.confirm == Confirm::Never => {
            Err(Error::new(ErrorKind::Forbidden, format!("this is not sent, as {why}"))
                .hint(format!("leave that out, or ask the user to {remedy}; do not try another way")))
        }
        None if opened.account.rules.confirm_writes => {
            let why = "everything that is written has to be agreed to".into();
            Ok(vec![Reason { why, remedy: "start without `--confirm-writes`".into() }])
        }
        _ => Ok(reasons),
    }
}

/// Returns a message that the user sent.
async fn own(opened: &Opened<'_>, conversation: &str, id: &str) -> Result<Message> {
    let mut message = opened.run(opened.chat()?.messages().get(conversation, id)).await?;
    sanitise::message(&mut message);
    if message.author.id != opened.myself().await?.id {
        let message = format!("`{}` was sent by `{}`, not by the user", sanitise::line(id), message.author.name);
        return Err(Error::new(ErrorKind::Forbidden, message).hint("change only what the user sent"));
    }
    Ok(message)
}
