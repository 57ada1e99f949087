//! The question to the user: what exactly is about to be done, and why it is asked. The answer is good for nothing else.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use switchboard_kit::{Ask, Error, ErrorKind, Medium, Result};

use super::{
    Deed,
    judgement::{Judgement, Reason},
    note::hex,
};
use crate::chat::{find::Place, sanitise, served::Chats, transcript::bytes};

/// What stands before each line that others, or the model, have written.
const BAR: &str = "│ ";

/// The user's word.
pub(super) enum Word {
    /// Agreed to all that was asked.
    Given,
    /// Something else than that.
    Refused(ErrorKind, String),
    /// Nobody can be asked.
    Unasked,
}

impl Word {
    /// Returns what the user has agreed to, if anything had to be.
    pub(super) fn on(&self, place: &Place<'_>, reasons: &[Reason]) -> Result<Option<String>> {
        self.given(&place.target(), reasons)
    }

    /// Returns the same for something that is no conversation.
    pub(super) fn given(&self, target: &str, reasons: &[Reason]) -> Result<Option<String>> {
        let whys: Vec<_> = reasons.iter().map(|reason| reason.why.as_str()).collect();
        let whys = whys.join("; ");
        match self {
            _ if reasons.is_empty() => Ok(None),
            Self::Given => Ok(Some(whys)),
            Self::Refused(kind, message) => {
                let error = Error::new(*kind, format!("nothing was done in `{target}`: {message}"));
                Err(error.hint("ask the user what to do instead; do not try another way"))
            }
            Self::Unasked => {
                let remedies: Vec<_> = reasons.iter().map(|reason| reason.remedy.as_str()).collect();
                let message = format!("nothing was done in `{target}`: the user has to agree first, as {whys}");
                Err(Error::new(ErrorKind::Unconfirmed, message).hint(format!(
                    "this client cannot show the question (MCP elicitation): ask the user to {} and to start the server anew, to \
                     use a client that can, or to do it by hand",
                    remedies.join(" and to ")
                )))
            }
        }
    }
}

impl Chats {
    /// Asks the user about all writes that need it, at once.
    pub(super) async fn word(&self, judged: &[Judgement<'_, '_>]) -> Word {
        let open = |judged: &&Judgement<'_, '_>| judged.verdict.as_ref().is_ok_and(|reasons| !reasons.is_empty());
        let previews: Vec<_> = judged.iter().filter(open).map(preview).collect();
        let contents: String = judged.iter().filter(open).map(|judged| judged.note.content()).collect();
        self.agreement(&previews.join("\n\n"), &contents).await
    }

    /// Asks the user whether this may be done; `contents` is what of it the question does not show, hashed.
    pub(super) async fn agreement(&self, question: &str, contents: &str) -> Word {
        if question.is_empty() {
            return Word::Given;
        }
        if !self.call.can_ask(Medium::Form) {
            return Word::Unasked;
        }
        // Where a client answers by asking again, another preview is another question, and so is another file under the same
        // name: the answer to this one is not taken for it.
        let key = format!("confirm-{}", hex(&Sha256::digest(format!("{question}\0{contents}"))[..8]));
        let form = Ask::form(question, serde_json::json!({ "type": "object", "properties": {} }));
        match self.call.ask(&key, &form).await.and_then(switchboard_kit::Answer::accepted) {
            Ok(_) => Word::Given,
            Err(error) => Word::Refused(error.kind(), error.message().to_owned()),
        }
    }
}

/// Says what is about to be done.
fn preview(judged: &Judgement<'_, '_>) -> String {
    let Judgement { place, deed, before, verdict, .. } = judged;
    let mut text = match deed {
        Deed::Send { .. } => "Send to ",
        Deed::Edit { .. } => "Change a message in ",
        Deed::Delete { .. } => "Delete, for everyone, a message in ",
        Deed::React { remove: false, .. } => "React to a message in ",
        Deed::React { .. } => "Take back a reaction in ",
        Deed::MarkRead => "Mark as read ",
    }
    .to_owned();
    let _ = write!(text, "{}{}", place.title(), company(place));
    if let Deed::Send { thread: Some(thread), .. } = deed {
        let _ = write!(text, ", in the thread of {}", sanitise::line(thread));
    }
    text.push_str(":\n");
    if let Some(before) = before {
        quote(&mut text, &before.text);
        if matches!(deed, Deed::Edit { .. }) {
            text.push_str("will say:\n");
        }
    }
    if let Some(said) = deed.text() {
        quote(&mut text, said);
    }
    match deed {
        Deed::React { id, emoji, .. } => {
            let _ = writeln!(text, "{BAR}{} under {}", sanitise::name(emoji), sanitise::line(id));
        }
        Deed::Send { uploads, pieces, .. } => {
            for upload in *uploads {
                let _ = writeln!(
                    text,
                    "with the file {} ({})",
                    sanitise::name(&upload.name),
                    bytes(upload.bytes.len() as u64)
                );
            }
            if *pieces > 1 {
                let _ = writeln!(text, "as {pieces} messages");
            }
        }
        _ => {}
    }
    text + &asked_because(verdict.as_deref().unwrap_or_default())
}

/// Says why the user is asked.
pub(super) fn asked_because(reasons: &[Reason]) -> String {
    let whys: Vec<_> = reasons.iter().map(|reason| reason.why.as_str()).collect();
    format!("You are asked because {}.", whys.join("; "))
}

/// Says who will see it.
fn company(place: &Place<'_>) -> String {
    let mut company = match place.conversation.members {
        _ if place.unopened => ", a new direct chat".to_owned(),
        Some(1) => ", 1 person".to_owned(),
        Some(members) => format!(", {members} people"),
        None => String::new(),
    };
    if place.conversation.outsiders == Some(true) {
        company.push_str(", people from outside among them");
    }
    company
}

/// Writes a text so that none of its lines can be taken for one of ours. All of it: what is not shown would not be agreed to.
pub(super) fn quote(out: &mut String, text: &str) {
    for line in text.lines() {
        let _ = writeln!(out, "{BAR}{line}");
    }
}
