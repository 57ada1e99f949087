//! provider-config.yaml as types; errors that show the line.

mod account;
mod complaint;
mod locate;
mod tools;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_saphyr::Spanned;
use switchboard_kit::{AccountKey, Error, ErrorKind, Result};

use self::account::Block;
use crate::glob::Filter;

pub use account::{Access, AccountConfig, Scopes};
pub use locate::{Source, locate};
pub(crate) use locate::{directories, own_file};

/// The configuration: what to serve, and from where.
#[derive(Debug)]
pub struct Config {
    /// Where it came from.
    pub source: Source,
    /// The accounts, by key.
    pub accounts: BTreeMap<AccountKey, AccountConfig>,
    /// Where files may come from and go to.
    pub files: Files,
    /// Which tools clients are offered.
    pub tools: Filter,
    /// Where it is noted what was done and refused; the default place if missing.
    pub audit: Option<PathBuf>,
}

/// Where files may come from and go to. Nowhere, unless it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Folders whose files may be sent.
    #[serde(default)]
    pub upload_roots: Vec<PathBuf>,
    /// Folder that fetched files are saved in.
    pub download_root: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    providers: BTreeMap<String, Spanned<Block>>,
    #[serde(default)]
    files: Files,
    #[serde(default)]
    tools: tools::Tools,
    audit: Option<Spanned<PathBuf>>,
}

impl Config {
    /// Reads the configuration from where it is found.
    pub fn load(source: Source) -> Result<Self> {
        let text = match &source {
            Source::BuiltIn => include_str!("../provider-config.yaml").to_owned(),
            Source::File(path) => fs::read_to_string(path).map_err(|error| {
                Error::new(ErrorKind::Config, format!("the configuration `{}` cannot be read: {error}", path.display()))
                    .hint("name a file that is there with `--config`, or leave it out for the built-in configuration")
            })?,
        };
        Self::parse(source, &text)
    }

    fn parse(source: Source, text: &str) -> Result<Self> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| complaint::yaml(&source, text, &error))?;
        let mut accounts = BTreeMap::new();
        for (key, block) in file.providers {
            let place = complaint::Place { source: &source, account: &key, line: block.referenced.line() };
            if let Some(account) = block.value.read(&place)? {
                accounts.insert(AccountKey::new(&key), account);
            }
        }
        let path = |key: &str, path: &Path| {
            let line =
                text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |line| line as u64 + 1);
            complaint::expanded(&source, path)
                .map_err(|why| complaint::error(&source, line, &format!("`files.{key}` {why}")))
        };
        let files = Files {
            upload_roots: file
                .files
                .upload_roots
                .iter()
                .map(|root| path("upload_roots", root))
                .collect::<Result<_>>()?,
            download_root: file.files.download_root.map(|root| path("download_root", &root)).transpose()?,
        };
        let tools = file.tools.read(&source)?;
        let audit = file.audit.map(|path| {
            complaint::expanded(&source, &path.value)
                .map_err(|why| complaint::error(&source, path.referenced.line(), &format!("`audit` {why}")))
        });
        Ok(Self { source, accounts, files, tools, audit: audit.transpose()? })
    }
}

/// Resolves `path` against the folder of `file`.
fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

#[cfg(test)]
mod tests {
    use switchboard_kit::host;

    use super::*;
    use crate::chat::{Confirm, Rules};

    fn refusal(text: &str) -> String {
        let error = Config::parse(Source::File("/etc/switchboard.yaml".into()), text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        format!("{error} | {}", error.hint_text().unwrap_or_default())
    }

    fn complained(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let refusal = refusal(text);
            assert!(refusal.contains(expected), "for {text:?}\n  expected {expected}\n  but got  {refusal}");
        }
    }

    #[test]
    fn the_built_in_configuration_is_sound() {
        let config = Config::load(Source::BuiltIn).unwrap();
        let keys: Vec<_> = config.accounts.keys().map(AccountKey::as_str).collect();
        let linked: Vec<_> = host::platforms().iter().map(|platform| platform.key).collect();
        assert_eq!(keys, linked);
    }

    #[test]
    fn in_the_built_in_sandbox_nothing_has_to_be_agreed_to_and_elsewhere_everything() {
        let config = Config::load(Source::BuiltIn).unwrap();
        let rules = |key| config.accounts[&AccountKey::new(key)].rules.clone();
        assert_eq!((rules("sandbox").confirm, rules("sandbox").guards.private), (Confirm::Never, false));
        assert_eq!(rules("matrix"), Rules::default());
    }

    #[test]
    fn a_mistake_is_shown_with_file_line_account_and_key() {
        let cases = [
            (
                "providers:\n  matrix:\n    nam: x\n",
                "/etc/switchboard.yaml:3: account `matrix`: unknown key `nam` | say `name`",
            ),
            (
                "providers:\n  matrix:\n    port: abc\n",
                "/etc/switchboard.yaml:3: account `matrix`: `port`: invalid u16",
            ),
            (
                "providers:\n  matrix:\n    port: 1\n    port: 2\n",
                "/etc/switchboard.yaml:4: account `matrix`: `port` stands there twice",
            ),
            (
                "providers:\n  matrix: {}\n  matrix: {}\n",
                "/etc/switchboard.yaml:3: account `matrix` stands there twice",
            ),
            ("providers:\n  slak:\n    name: x\n", "account `slak`: no platform `slak` in this build"),
            ("provider:\n  matrix: {}\n", "/etc/switchboard.yaml:1: unknown key `provider` | say `providers`"),
            (
                "providers:\n  matrix:\n    settings:\n      homesrver: https://a.example\n",
                "/etc/switchboard.yaml:4: account `matrix`: unknown key `settings.homesrver` | say `homeserver`",
            ),
            (
                "providers:\n  matrix:\n    settings:\n      homeserver: 3\n",
                "/etc/switchboard.yaml:4: account `matrix`: `settings.homeserver`",
            ),
            (
                "providers:\n  matrix:\n    endpoints: { apy: https://a.example }\n",
                "account `matrix`: unknown endpoint `apy`, expected `api`",
            ),
            (
                "providers:\n  matrix:\n    callback_url: nowhere\n",
                "/etc/switchboard.yaml:3: account `matrix`: `callback_url` is not a URL",
            ),
            (
                "providers:\n  matrix:\n    callback_url: javascript:alert(1)\n",
                "/etc/switchboard.yaml:3: account `matrix`: `callback_url` is neither https nor at a loopback address",
            ),
            (
                "providers:\n  matrix:\n    callback_url: http://a.example/auth/callback\n",
                "/etc/switchboard.yaml:3: account `matrix`: `callback_url` is neither https nor at a loopback address",
            ),
            (
                "providers:\n  matrix:\n    callback_url: https://u:p@a.example/auth/callback\n",
                "/etc/switchboard.yaml:3: account `matrix`: `callback_url` holds more than an address",
            ),
            (
                "providers:\n  matrix:\n    token_path: ${NO_SUCH_VARIABLE}/t\n",
                "/etc/switchboard.yaml:3: account `matrix`: `token_path` names `${NO_SUCH_VARIABLE}`, which is not set",
            ),
            (
                "providers:\n  matrix:\n    scopes: { reed: [x] }\n",
                "/etc/switchboard.yaml:3: account `matrix`: `scopes`: `scopes` takes a list, or lists under `read` and `write` only",
            ),
            (
                "providers:\n  matrix:\n    scopes:\n      reed: [x]\n",
                "/etc/switchboard.yaml:4: account `matrix`: `reed`: `scopes` takes a list, or lists under `read` and `write` only",
            ),
            (
                "providers:\n  matrix:\n    mark_raed: true\n",
                "/etc/switchboard.yaml:3: account `matrix`: unknown key `mark_raed` | say `mark_read`",
            ),
            ("providers: [\n", "/etc/switchboard.yaml:1: "),
            ("", "/etc/switchboard.yaml:1: "),
        ];
        complained(&cases);
    }

    #[test]
    fn a_mistake_in_the_rules_is_shown_with_what_would_be_right() {
        complained(&[
            (
                "providers:\n  matrix:\n    confirm: sometimes\n",
                "/etc/switchboard.yaml:3: account `matrix`: `confirm`: there is no `sometimes` | choose from `always`, `unlisted`, `never`",
            ),
            (
                "providers:\n  matrix:\n    confirm: allways\n",
                "/etc/switchboard.yaml:3: account `matrix`: `confirm`: there is no `allways` | say `always`",
            ),
            (
                "providers:\n  matrix:\n    budget: { minutes: 3 }\n",
                "/etc/switchboard.yaml:3: account `matrix`: unknown key `minutes` | say `minute`",
            ),
            (
                "providers:\n  matrix:\n    guards:\n      privat: false\n",
                "/etc/switchboard.yaml:4: account `matrix`: unknown key `privat` | say `private`",
            ),
            (
                "providers:\n  matrix:\n    allow: [\"#ops\", \"\"]\n",
                "/etc/switchboard.yaml:3: account `matrix`: `allow`: there is an empty target in it",
            ),
            (
                "providers:\n  matrix:\n    deny: { read: [\" \"] }\n",
                "/etc/switchboard.yaml:3: account `matrix`: `deny`: there is an empty target in it",
            ),
            (
                "providers:\n  matrix:\n    deny:\n      reed: [x]\n",
                "/etc/switchboard.yaml:4: account `matrix`: `reed`: a list of targets, or lists under `read` and `write` only",
            ),
            (
                "providers:\n  matrix:\n    lokdown: true\n",
                "/etc/switchboard.yaml:3: account `matrix`: unknown key `lokdown` | say `lockdown`",
            ),
            ("providers: {}\nadit: x\n", "/etc/switchboard.yaml:2: unknown key `adit` | say `audit`"),
            (
                "providers: {}\naudit: ${NO_SUCH_VARIABLE}/a\n",
                "/etc/switchboard.yaml:2: `audit` names `${NO_SUCH_VARIABLE}`, which is not set",
            ),
        ]);
    }

    #[test]
    fn every_key_is_in_the_list_that_people_copy_from() {
        let list = include_str!("../provider-config.yaml");
        for text in ["providers:\n  matrix:\n    qqqqqqqqqqqqqqqq: 1\n", "qqqqqqqqqqqqqqqq: 1\n"] {
            let refusal = refusal(text);
            let keys: Vec<_> = refusal.split("valid keys are ").nth(1).unwrap().split(", ").collect();
            assert!(keys.len() > 3, "{refusal}");
            for key in keys.iter().map(|key| key.trim_matches('`')) {
                let forms = [format!("#   {key}: "), format!("`{key}: ["), format!("\n{key}:")];
                assert!(forms.iter().any(|form| list.contains(form)), "`{key}` is not in provider-config.yaml");
            }
        }
    }

    #[test]
    fn scopes_are_one_list_or_one_for_each_access() {
        for (scopes, writing) in
            [("[a]", &["a"][..]), ("{ read: [a], write: [b] }", &["a", "b"]), ("{ write: [b] }", &["b"])]
        {
            let text = format!("providers:\n  matrix:\n    scopes: {scopes}\n");
            let config = Config::parse(Source::BuiltIn, &text).unwrap();
            let scopes = config.accounts[&AccountKey::new("matrix")].scopes.as_ref().unwrap();
            assert_eq!(scopes.for_access(true), writing);
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let text = "providers:\n  one:\n    platform: matrix\n    token_path: tokens/one.json\nfiles:\n  upload_roots: [out]\naudit: notes/audit.jsonl\n";
        let config = Config::parse(Source::File("/etc/chat/config.yaml".into()), text).unwrap();
        let account = &config.accounts[&AccountKey::new("one")];
        assert_eq!(account.token_path.as_deref(), Some(Path::new("/etc/chat/tokens/one.json")));
        assert_eq!(account.platform, "matrix");
        assert_eq!(config.files.upload_roots, [PathBuf::from("/etc/chat/out")]);
        assert_eq!(config.audit.as_deref(), Some(Path::new("/etc/chat/notes/audit.jsonl")));
    }

    #[test]
    fn nothing_expands_in_a_url() {
        let refusal = refusal("providers:\n  matrix:\n    endpoints: { api: \"https://${HOST}\" }\n");
        assert!(refusal.contains("`endpoints.api` holds `${`, which does not expand in addresses"), "{refusal}");
    }
}
