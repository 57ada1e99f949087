//! From Markdown to the content of a message: plain text, HTML where there is something to format, and who is meant.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
use switchboard_kit::serde_json::{Value, json};

use crate::references;

/// Most bytes of a content. An event has at most 65,536, with what the homeserver adds to it:
/// <https://spec.matrix.org/latest/client-server-api/#size-limits>.
const LARGEST: usize = 56_000;

/// What bundles previews of links with a message.
pub(crate) const PREVIEWS: &str = "com.beeper.linkpreviews";

/// Returns the content of a text message. Nobody is notified but those whose full ids stand in it. HTML that is too much
/// is left out: the body is the text as it was written. The empty list asks clients for no preview of a link, where they know it:
/// <https://github.com/matrix-org/matrix-spec-proposals/pull/4095>; the specification has nothing for that yet.
pub(crate) fn content(text: &str) -> Value {
    let mut content = json!({ "msgtype": "m.text", "body": text, "m.mentions": {}, PREVIEWS: [] });
    let people = people(text);
    if !people.is_empty() {
        content["m.mentions"]["user_ids"] = json!(people);
    }
    if let Some(formatted) = formatted(text) {
        content["format"] = "org.matrix.custom.html".into();
        content["formatted_body"] = formatted.into();
    }
    if is_too_large(&content) {
        unformat(&mut content);
    }
    content
}

/// Returns whether a content is more than an event can hold.
pub(crate) fn is_too_large(content: &Value) -> bool {
    content.to_string().len() > LARGEST
}

/// Leaves a content with its body only.
pub(crate) fn unformat(content: &mut Value) {
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|name, _| name != "format" && name != "formatted_body");
    }
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

/// Returns whether a text says `@room`, as a word: so clients call everybody in a room.
pub(crate) fn calls_room(text: &str) -> bool {
    let inner = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices('@').any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let Some((name, after)) = text[at + 1..].split_at_checked(4) else { return false };
        let mut after = after.chars();
        let ends = match after.next() {
            // Somebody may be called so.
            Some(':') => !after.next().is_some_and(char::is_alphanumeric),
            next => !next.is_some_and(inner),
        };
        name.eq_ignore_ascii_case("room") && ends && !before.is_some_and(inner)
    })
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
    use crate::posts::LONGEST;

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
    fn a_room_is_called_by_a_word_of_its_own() {
        for (text, calls) in [
            ("@room", true),
            ("hey @Room, lunch", true),
            ("**@room**: now", true),
            ("@room:", true),
            ("@room:example.org", false),
            ("@rooms @room2 @room_ mail@room.example", false),
            ("@roo", false),
            ("@röom room", false),
        ] {
            assert_eq!(calls_room(text), calls, "{text}");
        }
    }

    #[test]
    fn no_text_of_the_greatest_length_is_too_large() {
        for pattern in
            ["&", "\"", "> ", ">", "*a*", "- a\n", "|a", "&**b**", "@b:c ", "[a](b)", "# a\n", "`a`", "\n\nb", "**&**"]
        {
            let text = pattern.repeat(LONGEST / pattern.len());
            let content = content(&text);
            assert!(!is_too_large(&content), "{pattern}: {}", content.to_string().len());
            assert_eq!(content["body"], text, "{pattern}");
        }
        let usual = content(&"Some **bold** & \"plain\" words, `code` too.\n\n".repeat(LONGEST / 46));
        assert!(usual.get("formatted_body").is_some());
    }

    fn back(text: &str) -> String {
        let page = formatted(text).unwrap_or_else(|| escaped(text).replace('\n', "<br>"));
        crate::html::to_markdown(&page)
    }

    #[test]
    fn markdown_survives_the_way_there_and_back() {
        let within_a_line = [
            "hello",
            "**zebra**",
            "*world*",
            "***both***",
            "**bold *both* bold**",
            "~~gone~~",
            "`x < y && z`",
            "``a ` b``",
            "`` `c` ``",
            "[here](https://a.example/x?y=1&z=2)",
            "[**loud**](https://b.example/)",
            "https://a.example/x_y_z",
            "@bob:example.org",
            "@room",
            "snake_case_name",
            "a < b > c & d",
            "<b>no html</b>",
            "é 日本 👩‍💻",
        ];
        let alone = [
            "one\n**two**",
            "# Title",
            "### *Lower*",
            "- a\n- b\n  - c\n- d",
            "- **a**: `b`\n- [c](https://c.example/)",
            "- a\n  ```\n  x\n  ```\n- b",
            "1. a\n2. b",
            "3. c\n4. d\n   - e",
            "> a\n> b\n>\n> c",
            "> - a\n> - b",
            "```\nx < y\n```",
            "```rust\nfn a() {\n    b();\n}\n```",
            "```c++\nint a;\n\nint b;\n```",
            "````\n```\ninner\n```\n````",
            "```\n~~~~\n**no bold**\n```",
            "---",
            "a | b\n1 | 2",
        ];
        for first in within_a_line {
            for second in within_a_line {
                for text in
                    [format!("{first} {second}"), format!("{first}\n{second}"), format!("- {first}\n- {second}")]
                {
                    assert_eq!(back(&text), text);
                }
            }
            for block in alone {
                for text in [format!("{first}\n\n{block}"), format!("{block}\n\n{first}")] {
                    assert_eq!(back(&text), text);
                }
            }
        }
        let is_list = |block: &str| block.starts_with(['-', '1', '3']);
        for first in alone {
            // Two lists are one.
            for second in alone.into_iter().filter(|second| !(is_list(first) && is_list(second))) {
                let text = format!("{first}\n\n{second}");
                assert_eq!(back(&text), text);
            }
        }
    }
}
