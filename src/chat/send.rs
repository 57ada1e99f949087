//! `send_message`: text, files, or both.

use switchboard_kit::{
    Error, Result, Text,
    chat::{Draft, Upload},
    tool,
};

use super::{
    find::{Place, Purpose},
    read::Format,
    sanitise,
    served::Chats,
    transcript::bytes,
};

/// Sends a message as the user, in a thread if one is named, and answers with its ref. Files follow as messages of
/// their own.
#[tool(write)]
async fn send_message(
    chats: &Chats,
    /// Conversation, such as `#general`, `@mara` or `account:id`.
    target: String,
    /// Markdown.
    text: String,
    /// Message id or ref to answer in a thread.
    thread: Option<String>,
    /// Paths under the user's upload folders.
    files: Option<Vec<String>>,
    /// Any word; sending again with the same one does not post the text twice.
    idempotency_key: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let text = sanitise::outgoing(&text)?;
    let files = files.unwrap_or_default();
    if text.trim().is_empty() && files.is_empty() {
        return Err(Error::invalid("argument `text` is empty").hint("write something, or name `files`"));
    }
    let place = chats.place(&target, Purpose::Write).await?;
    let account = place.opened.account;
    let chat = place.opened.chat()?;
    let thread = match thread {
        Some(thread) => Some(place.id_of(chats, "thread", &thread)?),
        None => place.message.clone(),
    };
    if !files.is_empty() && chat.uploads().is_none() {
        return Err(place.opened.lacks("way to send files"));
    }
    let uploads: Vec<Upload> = files.iter().map(|path| chats.served.files.read(path)).collect::<Result<_>>()?;
    let mut sent = Vec::new();
    if !text.trim().is_empty() {
        let posts = chat.posts().ok_or_else(|| place.opened.lacks("way to send messages"))?;
        let key = idempotency_key.map(|key| format!("{}-{key}", account.key()));
        let draft = Draft { text, thread: thread.clone(), key };
        sent.push(place.opened.run(posts.send(&place.conversation.id, &draft)).await?.id);
    }
    for upload in &uploads {
        let Some(facet) = chat.uploads() else { break };
        let file = place.opened.run(facet.send_file(&place.conversation.id, thread.as_deref(), upload)).await;
        sent.push(file.map_err(|error| partly(&place, &sent, upload, error))?.id);
    }
    Ok(Text(answer(&place, &sent, &uploads, matches!(format, Some(Format::Json)))))
}

/// Says what was sent before a file failed, so that it is not sent again.
fn partly(place: &Place<'_>, sent: &[String], upload: &Upload, error: Error) -> Error {
    let error = error.context(format!("file `{}` was not sent", upload.name));
    if sent.is_empty() {
        return error;
    }
    let sent: Vec<_> = sent.iter().map(|id| format!("`{}`", place.reference(id))).collect();
    error.context(format!("sent {}, but", sent.join(", ")))
}

fn answer(place: &Place<'_>, sent: &[String], uploads: &[Upload], json: bool) -> String {
    let references: Vec<_> = sent.iter().map(|id| place.reference(id)).collect();
    let (texts, files) = references.split_at(references.len() - uploads.len());
    if json {
        let first = references.first();
        return serde_json::json!({ "ref": first, "target": place.target(), "files": files }).to_string();
    }
    let files = files.iter().zip(uploads).map(|(reference, upload)| {
        format!("file {} {}: ref {reference}", upload.name, bytes(upload.bytes.len() as u64))
    });
    let lines: Vec<_> = texts.iter().map(|reference| format!("ref {reference}")).chain(files).collect();
    format!("sent to {}\n{}", place.title(), lines.join("\n"))
}
