//! What a message says: its text in Markdown, and the file that it is.

use switchboard_kit::{chat::File, serde_json::Value};

use crate::html;

/// Stands for a text that only the members' devices can read.
pub(crate) const ENCRYPTED: &str = "[end-to-end encrypted message: Switchboard cannot read it]";

/// Returns a content's text, which says something unless the message is a file. `answers` says that it may begin with a
/// quotation of what it answers.
///
/// What the sender's client calls the message decides nothing but its form: anybody may call theirs a server's notice.
pub(crate) fn text(content: &Value, answers: bool) -> String {
    if let Some(poll) = poll(content) {
        return poll;
    }
    let said = said(content, answers);
    let kind = content["msgtype"].as_str();
    let text = match kind {
        Some("m.emote") => format!("/me {said}"),
        Some("m.location") => match content["geo_uri"].as_str() {
            Some(place) => format!("{said}\n{place}").trim().to_owned(),
            None => said,
        },
        Some("m.file" | "m.image" | "m.audio" | "m.video") => match (file(content), has_caption(content)) {
            (Some(_), false) => String::new(),
            (Some(_), true) => said,
            // Encrypted ones have a `file` with a key instead of a `url`.
            (None, _) => format!("[{said}: this file cannot be fetched here]"),
        },
        None if content["url"].is_string() => format!("[sticker: {said}]"),
        _ => said,
    };
    match kind {
        _ if !text.trim().is_empty() || file(content).is_some() => text,
        Some("m.text" | "m.notice") => "[empty message]".to_owned(),
        kind => format!("[unsupported message of type {}]", kind.unwrap_or("unknown")),
    }
}

/// Returns a poll's question and answers: <https://github.com/matrix-org/matrix-spec-proposals/pull/3381>, as it is and as
/// clients sent it before.
fn poll(content: &Value) -> Option<String> {
    let poll =
        [&content["m.poll"], &content["org.matrix.msc3381.poll.start"]].into_iter().find(|poll| poll.is_object())?;
    let answers = poll["answers"].as_array().into_iter().flatten().map(|answer| format!("\n- {}", extensible(answer)));
    Some(format!("[poll: {}]{}", extensible(&poll["question"]), answers.collect::<String>()))
}

/// Returns the plain text of a part in extensible form.
fn extensible(part: &Value) -> &str {
    let forms = part["m.text"].as_array().into_iter().flatten();
    let mut plain = forms.filter(|form| form["mimetype"].as_str().is_none_or(|kind| kind == "text/plain"));
    let text = plain.find_map(|form| form["body"].as_str());
    text.or_else(|| part["org.matrix.msc1767.text"].as_str()).or_else(|| part["body"].as_str()).unwrap_or("?")
}

/// Returns the file that a message is.
pub(crate) fn file(content: &Value) -> Option<File> {
    let id = content["url"].as_str().filter(|url| url.starts_with("mxc://"))?;
    let name = content["filename"].as_str().or_else(|| content["body"].as_str()).unwrap_or("file");
    let info = &content["info"];
    Some(File {
        id: id.into(),
        name: name.into(),
        media_type: info["mimetype"].as_str().map(Into::into),
        size: info["size"].as_u64(),
    })
}

/// A file's `body` is its name, unless there is a `filename` besides (Matrix 1.10).
fn has_caption(content: &Value) -> bool {
    content["filename"].as_str().is_some_and(|name| content["body"] != name)
}

fn said(content: &Value, answers: bool) -> String {
    if content["format"] == "org.matrix.custom.html"
        && let Some(formatted) = content["formatted_body"].as_str()
    {
        let text = html::to_markdown(formatted);
        if !text.is_empty() {
            return text;
        }
    }
    let body = content["body"].as_str().unwrap_or_default();
    if answers { without_fallback(body) } else { body }.to_owned()
}

/// Drops the quoted lines that older clients put in front of an answer.
fn without_fallback(body: &str) -> &str {
    let mut rest = body;
    while let Some(line) = rest.strip_prefix("> ") {
        rest = line.split_once('\n').map_or("", |(_, after)| after);
    }
    if rest.len() == body.len() { body } else { rest.strip_prefix('\n').unwrap_or(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_kit::serde_json::json;

    #[test]
    fn a_caption_is_text_and_a_name_is_not() {
        let picture = |body| json!({ "msgtype": "m.image", "body": body, "filename": "a.png", "url": "mxc://x/y" });
        assert_eq!(text(&picture("a.png"), false), "");
        assert_eq!(text(&picture("Our cat"), false), "Our cat");
        let old = json!({ "msgtype": "m.file", "body": "a.txt", "url": "mxc://x/y", "info": { "size": 3 } });
        assert_eq!(text(&old, false), "");
        assert_eq!(
            file(&old),
            Some(File { id: "mxc://x/y".into(), name: "a.txt".into(), media_type: None, size: Some(3) })
        );
        assert_eq!(file(&picture("Our cat")).unwrap().name, "a.png");
    }

    #[test]
    fn a_file_lies_only_in_the_homeservers_own_store() {
        assert_eq!(file(&json!({ "msgtype": "m.file", "body": "a", "url": "https://evil.example/" })), None);
    }

    #[test]
    fn a_quotation_in_front_of_an_answer_is_dropped() {
        let plain = json!({ "msgtype": "m.text", "body": "> <@a:x> one\n> two\n\nYes" });
        assert_eq!(text(&plain, true), "Yes");
        assert_eq!(text(&plain, false), "> <@a:x> one\n> two\n\nYes");
        let rich = json!({
            "msgtype": "m.text", "body": "", "format": "org.matrix.custom.html",
            "formatted_body": "<mx-reply><blockquote>one</blockquote></mx-reply><b>Yes</b>",
        });
        assert_eq!(text(&rich, true), "**Yes**");
    }

    #[test]
    fn no_message_says_nothing() {
        let poll = json!({ "m.poll": {
            "question": { "m.text": [{ "mimetype": "text/html", "body": "<b>Where?</b>" }, { "body": "Where?" }] },
            "answers": [{ "m.id": "1", "m.text": [{ "body": "Here" }] }, { "m.id": "2", "m.text": [{ "body": "There" }] }],
        } });
        let old = json!({ "org.matrix.msc3381.poll.start": {
            "question": { "org.matrix.msc1767.text": "Where?", "body": "x" },
            "answers": [{ "id": "1", "org.matrix.msc1767.text": "Here" }, { "id": "2", "org.matrix.msc1767.text": "There" }],
        } });
        let locked = json!({ "msgtype": "m.image", "body": "a.png", "file": { "url": "mxc://x/y", "key": {} } });
        for (content, shown) in [
            (poll, "[poll: Where?]\n- Here\n- There"),
            (old, "[poll: Where?]\n- Here\n- There"),
            (locked, "[a.png: this file cannot be fetched here]"),
            (json!({ "msgtype": "m.text", "body": "" }), "[empty message]"),
            (json!({ "msgtype": "m.location", "geo_uri": "geo:1,2" }), "geo:1,2"),
            (json!({ "msgtype": "org.example.dance" }), "[unsupported message of type org.example.dance]"),
            (json!({ "msgtype": "org.example.dance", "body": "dances" }), "dances"),
            (json!({ "body": "wave", "url": "mxc://x/y" }), "[sticker: wave]"),
            (json!(null), "[unsupported message of type unknown]"),
            (
                json!({ "msgtype": "m.text", "body": "plain", "format": "org.matrix.custom.html", "formatted_body": "<script>x</script>" }),
                "plain",
            ),
        ] {
            assert_eq!(text(&content, false), shown);
        }
    }

    #[test]
    fn an_action_reads_as_it_was_typed() {
        assert_eq!(text(&json!({ "msgtype": "m.emote", "body": "waves" }), false), "/me waves");
    }
}
