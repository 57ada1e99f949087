//! From Markdown to the content of a message: plain text, HTML where there is something to format, and who is meant.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
use switchboard_kit::serde_json::{Value, json};

use crate::references;

/// Returns the content of a text message. Nobody is notified but those whose full ids stand in it.
pub(crate) fn content(text: &str) -> Value {
    let mut content = json!({ "msgtype": "m.text", "body": text, "m.mentions": {} });
    let people = people(text);
    if !people.is_empty() {
        content["m.mentions"]["user_ids"] = json!(people);
    }
    if let Some(formatted) = formatted(text) {
        content["format"] = "org.matrix.custom.html".into();
        content["formatted_body"] = formatted.into();
    }
    content
}

/// Returns the HTML, unless it would say no more than the text itself.
fn formatted(text: &str) -> Option<String> {
    let parser = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES);
    let mut page = String::new();
    html::push_html(&mut page, parser.map(chatty));
    let page = page.trim();
    let page = match page.strip_prefix("<p>").and_then(|inner| inner.strip_suffix("</p>")) {
        Some(inner) if !inner.contains("<p>") => inner,
        _ => page,
    };
    (page.replace("<br />\n", "\n") != escaped(text.trim())).then(|| page.to_owned())
}

/// A line break counts in a chat; HTML is text; a picture from elsewhere, which no client shows, is a link.
fn chatty(event: Event<'_>) -> Event<'_> {
    match event {
        Event::SoftBreak => Event::HardBreak,
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        event => event,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Finds the user ids in a text.
fn people(text: &str) -> BTreeSet<&str> {
    let part = |letter: char| letter.is_alphanumeric() || "@:._=/+-".contains(letter);
    let words = text.split(|letter| !part(letter)).map(|word| word.trim_end_matches([':', '.', '-', '/']));
    words.filter(|word| references::is_user(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_plain() {
        for text in ["Lunch at noon?", "a < b & c", "one\ntwo", "It's \"fine\""] {
            assert_eq!(formatted(text), None, "{text}");
        }
    }

    #[test]
    fn formatting_becomes_html_and_html_becomes_text() {
        assert_eq!(formatted("hello **zebra**").unwrap(), "hello <strong>zebra</strong>");
        assert_eq!(formatted("a\n\nb").unwrap(), "<p>a</p>\n<p>b</p>");
        assert_eq!(formatted("~~x~~ `y`").unwrap(), "<del>x</del> <code>y</code>");
        let page = formatted("**a** <img src=x onerror=y> ![cat](https://a.example/c.png)").unwrap();
        assert!(!page.contains("<img") && page.contains("&lt;img"), "{page}");
        assert!(page.contains("<a href=\"https://a.example/c.png\">cat</a>"), "{page}");
        assert!(!formatted("<script>alert(1)</script>").unwrap_or_default().contains("<script"));
    }

    #[test]
    fn only_full_ids_notify_anyone() {
        assert_eq!(content("@room look")["m.mentions"], json!({}));
        let content = content("ping @bob:example.org, @room and @bob (@amy:localhost:8448).");
        assert_eq!(content["m.mentions"], json!({ "user_ids": ["@amy:localhost:8448", "@bob:example.org"] }));
        assert!(people("mail@bob:example.org").is_empty());
    }

    #[test]
    fn markdown_survives_the_way_there_and_back() {
        for text in
            ["hello **zebra** *world*", "- a\n- b\n  - c", "1. a\n2. b", "> a\n\nb", "```\nx < y\n```", "one\n**two**"]
        {
            assert_eq!(crate::html::to_markdown(&formatted(text).unwrap()), text);
        }
    }
}
