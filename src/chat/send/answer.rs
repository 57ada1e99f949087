//! What `send_message` answers.

use serde_json::{Value, json};
use switchboard_kit::Error;

use super::{
    delivery::{Letter, Sent},
    several::Fate,
};
use crate::chat::{find::Place, sanitise, transcript::bytes};

/// Tells where one letter is now.
pub(super) fn one(place: &Place<'_>, sent: &Sent, letter: &Letter) -> String {
    format!("{}\n{}", opening(place, sent), references(place, sent, letter).join("\n"))
}

/// Tells the same as JSON.
pub(super) fn one_as_json(place: &Place<'_>, sent: &Sent) -> Value {
    let references: Vec<_> = sent.ids.iter().map(|id| place.reference(id)).collect();
    let (texts, files) = references.split_at(references.len().saturating_sub(sent.files));
    let mut answer = json!({ "ref": references.first(), "target": place.target(), "files": files });
    if texts.len() > 1 {
        answer["parts"] = json!(texts);
    }
    if sent.earlier {
        answer["already_sent"] = true.into();
    }
    answer
}

/// Tells on a line for each target what became of it.
pub(super) fn several(targets: &[String], fates: &[Fate<'_>], letter: &Letter) -> Vec<String> {
    let line = |(target, fate): (&String, &Fate<'_>)| match fate {
        Fate::Sent(place, sent) => format!("{}: {}", opening(place, sent), references(place, sent, letter).join(", ")),
        Fate::Same(first) => {
            let once = if matches!(fates[*first], Fate::Sent(..)) { ": sent once" } else { "" };
            format!("{} is the same as {}{once}", sanitise::name(target), sanitise::name(&targets[*first]))
        }
        Fate::Failed(title, error) => {
            let target = title.clone().unwrap_or_else(|| sanitise::name(target));
            format!("not sent to {target}: {}", reason(error))
        }
    };
    targets.iter().zip(fates).map(line).collect()
}

/// Tells the same as JSON.
pub(super) fn several_as_json(targets: &[String], fates: &[Fate<'_>]) -> Value {
    let result = |(asked, fate): (&String, &Fate<'_>)| {
        let mut result = match fate {
            Fate::Sent(place, sent) => one_as_json(place, sent),
            Fate::Same(first) => json!({ "same_as": targets[*first] }),
            Fate::Failed(_, error) => {
                json!({ "error": error.message(), "code": error.kind().code(), "hint": error.hint_text() })
            }
        };
        result["asked"] = asked.as_str().into();
        result
    };
    json!({ "results": targets.iter().zip(fates).map(result).collect::<Vec<_>>() })
}

fn opening(place: &Place<'_>, sent: &Sent) -> String {
    let parts = sent.ids.len().saturating_sub(sent.files);
    let earlier = if sent.earlier { "already " } else { "" };
    let parts = if parts > 1 { format!(" in {parts} parts") } else { String::new() };
    format!("{earlier}sent to {}{parts}", place.title())
}

fn references(place: &Place<'_>, sent: &Sent, letter: &Letter) -> Vec<String> {
    let (texts, files) = sent.ids.split_at(sent.ids.len().saturating_sub(sent.files));
    let files = files.iter().zip(&letter.uploads).map(|(id, upload)| {
        format!("file {} {}: ref {}", upload.name, bytes(upload.bytes.len() as u64), place.reference(id))
    });
    texts.iter().map(|id| format!("ref {}", place.reference(id))).chain(files).collect()
}

/// Says in one line what went wrong and what to do; all of it, as it may hold references.
fn reason(error: &Error) -> String {
    let hint = error.hint_text().map(|hint| format!(": {hint}")).unwrap_or_default();
    sanitise::line(&format!("{}{hint}", error.message()))
}
