//! From the HTML of messages to Markdown: <https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes>.
//!
//! What is not known to be harmless leaves its text and nothing else.

mod tokens;

use switchboard_kit::chat::Reference;

use crate::references;
use tokens::{Tag, Token, tokens};

/// Deeper nesting than this is ignored, as the specification advises.
const DEPTH: usize = 100;

/// Where a link may lead.
const SCHEMES: [&str; 6] = ["https:", "http:", "mailto:", "ftp:", "magnet:", "matrix:"];

/// Turns a message's HTML into Markdown.
pub(crate) fn to_markdown(html: &str) -> String {
    let mut page = Page { open: vec![Element::default()] };
    for token in tokens(html) {
        match token {
            Token::Text(text) => page.text(&text),
            Token::Open(tag) => page.start(tag),
            Token::Close(name) => page.end(&name),
        }
    }
    while page.open.len() > 1 {
        page.close();
    }
    page.open.pop().unwrap_or_default().text.trim().to_owned()
}

/// Returns the people whom a message links to, but for those that only its quotation links to.
pub(crate) fn mentioned(html: &str) -> Vec<String> {
    let (mut people, mut quoted) = (Vec::new(), 0_u32);
    for token in tokens(html) {
        match token {
            Token::Open(tag) if tag.name == "mx-reply" => quoted += 1,
            Token::Close(name) if name == "mx-reply" => quoted = quoted.saturating_sub(1),
            Token::Open(tag) if tag.name == "a" && quoted == 0 => {
                let href = tag.attribute("href").unwrap_or_default().trim();
                if let Some(Reference::Person(id)) =
                    references::reference(href).filter(|_| href.starts_with("https:") || href.starts_with("matrix:"))
                    && !people.contains(&id)
                {
                    people.push(id);
                }
            }
            _ => {}
        }
    }
    people
}

/// The elements that are open, outermost first; each gathers its Markdown.
struct Page {
    open: Vec<Element>,
}

#[derive(Default)]
struct Element {
    tag: Tag,
    text: String,
    items: u32,
    language: String,
}

impl Page {
    fn text(&mut self, text: &str) {
        let verbatim = self.within("pre");
        let Some(element) = self.open.last_mut() else { return };
        if verbatim {
            return element.text.push_str(text);
        }
        for (number, word) in text.split([' ', '\n', '\t', '\r']).enumerate() {
            if number > 0 && !element.text.ends_with([' ', '\n']) {
                element.text.push(' ');
            }
            element.text.push_str(word);
        }
    }

    fn start(&mut self, tag: Tag) {
        let Some(element) = self.open.last_mut() else { return };
        match tag.name.as_str() {
            "br" => {
                element.text.truncate(element.text.trim_end_matches(' ').len());
                element.text.push('\n');
            }
            "hr" => block(&mut element.text, "---"),
            "img" => element.text.push_str(tag.attribute("alt").or(tag.attribute("title")).unwrap_or("[image]")),
            "p" | "li" | "td" | "th" | "tr" if element.tag.name == tag.name => {
                self.close();
                self.open.push(Element { tag, ..Element::default() });
            }
            _ if self.open.len() < DEPTH => self.open.push(Element { tag, ..Element::default() }),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        let Some(depth) = self.open.iter().rposition(|element| element.tag.name == name) else { return };
        while self.open.len() > depth.max(1) {
            self.close();
        }
    }

    fn within(&self, name: &str) -> bool {
        self.open.iter().any(|element| element.tag.name == name)
    }

    /// Closes the innermost element and adds its Markdown to the one around it.
    fn close(&mut self) {
        let Some(Element { tag, text, language, .. }) = self.open.pop() else { return };
        let (verbatim, nested) = (self.within("pre"), self.within("li"));
        let Some(outer) = self.open.last_mut() else { return };
        match tag.name.as_str() {
            "mx-reply" | "script" | "style" | "head" | "title" => {}
            "pre" if outer.tag.name == "li" && !outer.text.ends_with("\n\n") => {
                outer.text.truncate(outer.text.trim_end().len());
                outer.text.extend(["\n", &fenced(&text, &language), "\n"]);
            }
            "pre" => block(&mut outer.text, &fenced(&text, &language)),
            "code" if verbatim => {
                outer.text.push_str(&text);
                outer.language = tag.attribute("class").and_then(language_of).unwrap_or_default();
            }
            "code" => {
                let mark = "`".repeat(ticks(&text).map_or(1, |most| most + 1));
                // Those of the code stay apart from those around it.
                let space = if text.trim().starts_with('`') || text.trim().ends_with('`') { " " } else { "" };
                between(&mut outer.text, &text, &format!("{mark}{space}"), &format!("{space}{mark}"));
            }
            "b" | "strong" => around(&mut outer.text, &text, "**"),
            "i" | "em" => around(&mut outer.text, &text, "*"),
            "s" | "del" | "strike" => around(&mut outer.text, &text, "~~"),
            "span" if tag.attribute("data-mx-spoiler").is_some() => around(&mut outer.text, &text, "||"),
            "a" => outer.text.push_str(&linked(&tag, &text)),
            "blockquote" => block(&mut outer.text, &prefixed(text.trim(), "> ", "> ")),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = usize::from(tag.name.as_bytes()[1] - b'0');
                block(&mut outer.text, &format!("{} {}", "#".repeat(level), text.trim()));
            }
            "li" => {
                outer.items += 1;
                let first = outer.tag.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1u32);
                let mark = match outer.tag.name.as_str() {
                    "ol" => format!("{}. ", first.saturating_add(outer.items - 1)),
                    _ => "- ".into(),
                };
                outer.text.truncate(outer.text.trim_end().len());
                outer.text.push('\n');
                outer.text.push_str(&prefixed(text.trim(), &mark, &" ".repeat(mark.len())));
            }
            "ul" | "ol" if nested => {
                outer.text.truncate(outer.text.trim_end().len());
                outer.text.push('\n');
                outer.text.push_str(text.trim_matches('\n'));
            }
            "td" | "th" => outer.text.extend([text.trim(), " | "]),
            "tr" => outer.text.extend([text.trim().trim_end_matches('|').trim_end(), "\n"]),
            "p" | "div" | "ul" | "ol" | "table" | "details" => block(&mut outer.text, text.trim_matches([' ', '\n'])),
            _ => outer.text.push_str(&text),
        }
    }
}

/// Adds a paragraph of its own.
fn block(out: &mut String, text: &str) {
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(text);
    out.push_str("\n\n");
}

/// Adds `text` with a mark on either side, which must touch its first and last letter.
fn around(out: &mut String, text: &str, mark: &str) {
    between(out, text, mark, mark);
}

fn between(out: &mut String, text: &str, opening: &str, closing: &str) {
    let inner = text.trim();
    if inner.is_empty() {
        return out.push_str(text);
    }
    let lead = &text[..text.len() - text.trim_start().len()];
    let trail = &text[text.trim_end().len()..];
    out.extend([lead, opening, inner, closing, trail]);
}

/// Reads the language of code, such as `language-rust`.
fn language_of(class: &str) -> Option<String> {
    let language = class.split_whitespace().find_map(|class| class.strip_prefix("language-"))?;
    Some(language.chars().filter(|letter| letter.is_alphanumeric() || "+-#_".contains(*letter)).collect())
}

/// Returns how many backticks there are side by side at most, if there is one at all.
fn ticks(code: &str) -> Option<usize> {
    let runs = code.split(|letter| letter != '`').map(str::len);
    runs.max().filter(|&most| most > 0)
}

fn fenced(code: &str, language: &str) -> String {
    let code = code.trim_matches('\n');
    let fence = "`".repeat(ticks(code).map_or(3, |most| most + 1).max(3));
    format!("{fence}{language}\n{code}\n{fence}")
}

fn prefixed(text: &str, first: &str, other: &str) -> String {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(number, line)| format!("{}{line}", if number == 0 { first } else { other }));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A link to a person is a mention; a link to nowhere safe is its text.
fn linked(tag: &Tag, text: &str) -> String {
    let href = tag.attribute("href").unwrap_or_default().trim();
    if let Some(Reference::Person(_)) = references::reference(href).filter(|_| href.contains(':')) {
        return format!("@{}", text.trim().trim_start_matches('@'));
    }
    let scheme = href.get(..=href.find(':').unwrap_or(0)).unwrap_or_default().to_ascii_lowercase();
    let target: String = href.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()).collect();
    let target = target.replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E");
    match text.trim() {
        _ if !SCHEMES.contains(&scheme.as_str()) => text.to_owned(),
        shown if shown.is_empty() || shown == href || shown == target => target,
        shown => format!("[{shown}]({target})"),
    }
}

#[cfg(test)]
mod tests {
    use super::to_markdown;

    #[test]
    fn the_allowed_tags_become_markdown() {
        for (html, markdown) in [
            ("hello <b>zebra</b> <em>world</em>", "hello **zebra** *world*"),
            ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
            ("<del>a</del><strike>b</strike> <code>x &lt; y</code>", "~~a~~~~b~~ `x < y`"),
            (
                "<pre><code class=\"language-rust\">fn a() {\n    b()\n}\n</code></pre>",
                "```rust\nfn a() {\n    b()\n}\n```",
            ),
            ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c"),
            ("<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>", "3. a\n4. b"),
            ("<blockquote><p>a</p><p>b</p></blockquote>c", "> a\n>\n> b\n\nc"),
            ("<h2>Plan</h2>text", "## Plan\n\ntext"),
            ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2"),
            ("<span data-mx-spoiler>secret</span>", "||secret||"),
        ] {
            assert_eq!(to_markdown(html), markdown, "{html}");
        }
    }

    #[test]
    fn links_lead_to_known_schemes_and_people_are_mentioned() {
        for (html, markdown) in [
            ("<a href=\"https://a.example/x\">here</a>", "[here](https://a.example/x)"),
            ("<a href='https://a.example/'>https://a.example/</a>", "https://a.example/"),
            ("<a href=\"javascript:alert(1)\">here</a>", "here"),
            (
                "<a href=\"https://a.example/) [x](http://evil.example\">a</a>",
                "[a](https://a.example/%29[x]%28http://evil.example)",
            ),
            ("<a href=\"https://matrix.to/#/@bob:example.org\">Bob</a>: hi", "@Bob: hi"),
            ("<a href=\"https://matrix.to/#/%40bob%3Aexample.org\">@Bob</a>", "@Bob"),
        ] {
            assert_eq!(to_markdown(html), markdown, "{html}");
        }
    }

    #[test]
    fn what_is_unknown_or_broken_leaves_its_text() {
        for (html, markdown) in [
            ("<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"),
            ("<script>alert(1)</script>text<style>p{}</style>", "text"),
            ("<marquee>x</marquee> <b>unclosed", "x **unclosed**"),
            ("a < b &amp;&amp; c > d &#x41;&#66; &unknown; &", "a < b && c > d AB &unknown; &"),
            ("<b><i>x</b></i>y", "***x***y"),
            ("</b><!-- gone -->z<", "z<"),
            ("<img src=\"mxc://a/b\" alt=\":cat:\">", ":cat:"),
        ] {
            assert_eq!(to_markdown(html), markdown, "{html}");
        }
        let deep = "<div>".repeat(10_000);
        assert_eq!(to_markdown(&format!("{deep}bottom")), "bottom");
    }
}
