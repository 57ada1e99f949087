//! What a message says: its text in Markdown, and the file that it is.

use switchboard_kit::{chat::File, serde_json::Value};

use crate::html;

/// Stands for a text that only the members' devices can read.
pub(crate) const ENCRYPTED: &str = "[end-to-end encrypted message: Switchboard cannot read it]";

/// Returns a content's text. `answers` says that it may begin with a quotation of what it answers.
pub(crate) fn text(content: &Value, answers: bool) -> String {
    let said = said(content, answers);
    match content["msgtype"].as_str() {
        Some("m.emote") => format!("/me {said}"),
        Some("m.location") => match content["geo_uri"].as_str() {
            Some(place) => format!("{said}\n{place}"),
            None => said,
        },
        Some("m.file" | "m.image" | "m.audio" | "m.video") if !has_caption(content) => String::new(),
        None if content["url"].is_string() => format!("[sticker: {said}]"),
        _ => said,
    }
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
        return html::to_markdown(formatted);
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
    fn an_action_reads_as_it_was_typed() {
        assert_eq!(text(&json!({ "msgtype": "m.emote", "body": "waves" }), false), "/me waves");
    }
}
