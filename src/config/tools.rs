//! The `tools` key: which tools clients are offered, by globs of their names.

use serde::Deserialize;
use serde_saphyr::Spanned;
use switchboard_kit::{Result, ToolHost as _, host};

use super::{Source, complaint};
use crate::{
    chat::Chats,
    glob::{self, Filter},
};

/// The key as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tools {
    #[serde(default)]
    only: Vec<Spanned<String>>,
    #[serde(default)]
    hide: Vec<Spanned<String>>,
}

impl Tools {
    /// Refuses globs that no linked tool matches, whether it is offered now or not: a misspelt one would hide nothing.
    pub(super) fn read(self, source: &Source) -> Result<Filter> {
        let linked: Vec<_> =
            host::tools()
                .iter()
                .map(|tool| {
                    if tool.host == Chats::KEY { tool.name.to_owned() } else { format!("{}_{}", tool.host, tool.name) }
                })
                .collect();
        let globs = |key: &str, globs: Vec<Spanned<String>>| {
            let check = |glob: Spanned<String>| {
                if linked.iter().any(|name| glob::matches(&glob.value, name)) {
                    return Ok(glob.value);
                }
                let what = format!("`tools.{key}`: no tool in this build matches `{}`", glob.value);
                let error = complaint::error(source, glob.referenced.line(), &what);
                Err(match host::nearest(&glob.value, linked.iter().map(String::as_str)) {
                    Some(near) => error.hint(format!("say `{near}`")),
                    None => error.hint("name tools as clients see them, or many at once as in `read_*`"),
                })
            };
            globs.into_iter().map(check).collect::<Result<_>>()
        };
        Ok(Filter { only: globs("only", self.only)?, hide: globs("hide", self.hide)? })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Source};

    fn parsed(text: &str) -> Result<Config, String> {
        let parsed =
            Config::parse(Source::File("/etc/switchboard.yaml".into()), &format!("providers:\n  matrix: {{}}\n{text}"));
        parsed.map_err(|error| format!("{error} | {}", error.hint_text().unwrap_or_default()))
    }

    #[test]
    fn tools_are_chosen_by_globs() {
        let tools = parsed("tools: { only: [read_*, get_file, matrix_*], hide: [get_file] }\n").unwrap().tools;
        for (name, expected) in [("read_messages", true), ("get_file", false), ("react", false)] {
            assert_eq!(tools.passes(name), expected, "{name}");
        }
        assert!(parsed("").unwrap().tools.passes("react"));
    }

    #[test]
    fn a_mistake_is_shown_with_its_line_and_what_would_be_right() {
        for (text, expected) in [
            (
                "tools:\n  hide:\n  - react\n  - send_mesage\n",
                "/etc/switchboard.yaml:6: `tools.hide`: no tool in this build matches `send_mesage` | say `send_message`",
            ),
            (
                "tools: { only: [\"slack_*\"] }\n",
                "/etc/switchboard.yaml:3: `tools.only`: no tool in this build matches `slack_*` | name tools as",
            ),
            ("tools:\n  onyl: []\n", "/etc/switchboard.yaml:4: unknown key `onyl` | say `only`"),
            ("tools:\n  only: react\n", "/etc/switchboard.yaml:4: `only`: "),
            ("tools: [react]\n", "/etc/switchboard.yaml:3: `tools`: "),
            ("tool: {}\n", "/etc/switchboard.yaml:3: unknown key `tool` | say `tools`"),
        ] {
            let refusal = parsed(text).unwrap_err();
            assert!(refusal.starts_with(expected), "for {text:?}\n  expected {expected}\n  but got  {refusal}");
        }
    }
}
