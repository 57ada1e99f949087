//! What is said about a mistake in the configuration: file, line, account, key, and what would be right.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use serde_json::Value;
use switchboard_kit::{Error, ErrorKind, host};
use url::Url;

use super::Source;

/// Where in the file a mistake is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a Source,
    pub(super) account: &'a str,
    pub(super) line: u64,
}

impl Place<'_> {
    pub(super) fn at(self, line: Option<u64>) -> Self {
        Self { line: line.unwrap_or(self.line), ..self }
    }

    pub(super) fn error(&self, what: &str) -> Error {
        error(self.source, self.line, &format!("account `{}`: {what}", self.account))
    }

    pub(super) fn wrap(&self, cause: &Error) -> Error {
        let error = self.error(cause.message());
        match cause.hint_text() {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    pub(super) fn unknown_platform(&self, platform: &str) -> Error {
        let known: Vec<_> = host::platforms().iter().map(|def| def.key).collect();
        let error =
            self.error(&format!("no platform `{platform}` in this build, which has {}", listed(known.iter().copied())));
        match host::nearest(platform, known) {
            Some(near) => error.hint(format!("say `platform: {near}`")),
            None => error.hint("say with `platform:` which one it is"),
        }
    }

    /// Points at the setting that the platform refused: one that its schema does not have, or one that does not fit.
    pub(super) fn settings_error(&self, cause: &Error, schema: &Value, lines: &BTreeMap<String, u64>) -> Error {
        let known = schema["properties"].as_object();
        let names = known.into_iter().flat_map(|known| known.keys()).map(String::as_str);
        if let Some((key, line)) = lines.iter().find(|(key, _)| !names.clone().any(|name| name == *key)) {
            return suggest(self.at(Some(*line)).error(&format!("unknown key `settings.{key}`")), key, names);
        }
        let key = lines.iter().find(|(key, _)| cause.message().contains(&format!("`settings.{key}")));
        self.at(key.map(|(_, line)| *line)).wrap(cause)
    }

    /// Refuses variables: an address must be readable in the file.
    pub(super) fn literal(&self, key: &str, text: &str) -> Result<(), Error> {
        if text.contains("${") {
            return Err(self
                .error(&format!("`{key}` holds `${{`, which does not expand in addresses"))
                .hint("write the address out"));
        }
        Ok(())
    }

    /// Reads where a platform may send the browser, with the code that signs in.
    pub(super) fn callback(&self, key: &str, text: &str) -> Result<Url, Error> {
        self.literal(key, text)?;
        let wrong = |why: &str| {
            self.error(&format!("`{key}` {why}")).hint("write it out, such as `http://127.0.0.1:8000/auth/callback`")
        };
        let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
        if !(url.scheme() == "https" || url.scheme() == "http" && host::is_loopback(&url)) {
            return Err(wrong("is neither https nor at a loopback address"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(wrong("holds more than an address, a path and a query"));
        }
        Ok(url)
    }

    /// Expands `${VARIABLE}` and resolves against the file.
    pub(super) fn path(&self, key: &str, path: &Path) -> Result<PathBuf, Error> {
        expanded(self.source, path).map_err(|why| self.error(&format!("`{key}` {why}")))
    }
}

/// Expands `${VARIABLE}` in a path and resolves it against the file.
pub(super) fn expanded(source: &Source, path: &Path) -> Result<PathBuf, String> {
    let (mut rest, mut expanded) = (path.to_string_lossy().into_owned(), String::new());
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("opens `${` and never closes it")?;
        expanded += before;
        expanded += &env::var(name).map_err(|_| format!("names `${{{name}}}`, which is not set"))?;
        rest = after.to_owned();
    }
    Ok(source.resolve(&PathBuf::from(expanded + &rest)))
}

/// Says what the parser found, in the words of the file.
pub(super) fn yaml(source: &Source, text: &str, cause: &serde_saphyr::Error) -> Error {
    let cause = cause.without_snippet();
    let line = cause.location().map_or(1, |location| location.line());
    let message = cause.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let account = account_at(text, line);
    let within = |what: &str| match &account {
        Some(account) => format!("account `{account}`: {what}"),
        None => what.to_owned(),
    };
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (key, expected) = rest.split_once("`, expected ").unwrap_or((rest, ""));
        let names = expected.trim_start_matches("one of ").split(", ");
        return suggest(error(source, line, &within(&format!("unknown key `{key}`"))), key, names);
    }
    if let Some((word, words)) =
        message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected "))
    {
        let words = words.trim_start_matches("one of ").split(", ");
        let key = key_at(text, line).filter(|key| account.as_deref() != Some(key));
        let key = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
        let error = error(source, line, &within(&format!("{key}there is no `{word}`")));
        return match host::nearest(word, words.clone()) {
            Some(near) => error.hint(format!("say `{near}`")),
            None => error.hint(format!("choose from {}", listed(words))),
        };
    }
    if let Some(rest) = message.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or(rest);
        if account.as_deref() == Some(key) {
            return error(source, line, &format!("account `{key}` stands there twice"));
        }
        return error(source, line, &within(&format!("`{key}` stands there twice")));
    }
    match key_at(text, line) {
        Some(key) if account.as_deref() != Some(key) => error(source, line, &within(&format!("`{key}`: {message}"))),
        _ => error(source, line, &within(message)),
    }
}

fn suggest<'a>(error: Error, wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> Error {
    match host::nearest(wrong, names.clone()) {
        Some(near) => error.hint(format!("say `{near}`")),
        None => error.hint(format!("valid keys are {}", listed(names))),
    }
}

pub(super) fn error(source: &Source, line: u64, what: &str) -> Error {
    let file = match source {
        Source::File(path) => path.display().to_string(),
        Source::BuiltIn => "built-in provider-config.yaml".into(),
    };
    Error::new(ErrorKind::Config, format!("{file}:{line}: {what}"))
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the key that a line begins with.
fn key_at(text: &str, line: u64) -> Option<&str> {
    let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let key = line.split_once(':')?.0.trim().trim_start_matches("- ");
    (!key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')).then_some(key)
}

/// Returns the account whose block a line is in: the nearest key above that is indented once, below `providers:`.
fn account_at(text: &str, line: u64) -> Option<String> {
    let above: Vec<&str> = text.lines().take(usize::try_from(line).ok()?).collect();
    let start = above.iter().position(|line| line.starts_with("providers:"))?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let keys =
        || above[start + 1..].iter().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    if keys().any(|line| indent(line) == 0) {
        return None;
    }
    let first = keys().map(|line| indent(line)).next()?;
    let key = keys().rfind(|line| indent(line) == first)?.trim().split(':').next()?;
    Some(key.trim_matches(['"', '\'']).to_owned())
}
