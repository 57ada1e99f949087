//! What must hold for every provider and every tool.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use switchboard_kit::{
    Auth,
    host::{self, Effect},
};

const VERBS: [&str; 13] =
    ["get", "list", "read", "search", "send", "reply", "edit", "delete", "add", "remove", "upload", "download", "join"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn directories() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("providers")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The library has to be named once, or the linker drops the providers with it.
fn built_in() -> switchboard::config::Config {
    switchboard::config::Config::load(switchboard::config::Source::BuiltIn).unwrap()
}

#[test]
fn one_name_everywhere() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let configuration = fs::read_to_string(root().join("provider-config.yaml")).unwrap();
    let config = built_in();
    let linked: BTreeSet<_> = host::platforms().iter().map(|platform| platform.key.to_owned()).collect();
    for name in directories() {
        let own = fs::read_to_string(root().join("providers").join(&name).join("Cargo.toml"))
            .unwrap_or_else(|_| panic!("providers/{name}/Cargo.toml is missing"));
        assert!(
            own.contains(&format!("name = \"{name}\"")),
            "providers/{name}/Cargo.toml must say `name = \"{name}\"`"
        );
        let dependency = format!("{name} = {{ path = \"providers/{name}\", optional = true }}");
        assert!(manifest.contains(&dependency), "Cargo.toml must have the line `{dependency}`");
        let default = manifest.lines().find(|line| line.starts_with("default = ")).unwrap();
        assert!(default.contains(&format!("\"{name}\"")), "Cargo.toml must name \"{name}\" in `default`");
        assert!(linked.contains(&name), "providers/{name}/lib.rs must register a platform by `#[provider]`");
        assert!(configuration.contains(&format!("\n  {name}:\n")), "provider-config.yaml must have a block `{name}:`");
        assert!(config.accounts.keys().any(|key| key.as_str() == name));
    }
    assert_eq!(linked, directories(), "what is linked is what has a folder");
}

#[test]
fn a_provider_reaches_only_the_kit_and_its_platform() {
    for name in directories() {
        let folder = root().join("providers").join(&name);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let mut reason = false;
        for line in dependencies.lines().map(str::trim) {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let usual = ["switchboard_kit", "serde", "schemars", "async-trait"].contains(&dependency);
            assert!(
                line.is_empty() || line.starts_with('#') || usual || reason,
                "providers/{name} depends on `{dependency}`: say why in a comment on the line above"
            );
            reason = line.starts_with('#');
        }
        for file in sources(&folder) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            for forbidden in ["switchboard_kit::host", "std::env", "std::fs", "std::process", "println!", "reqwest"] {
                assert!(!code.contains(forbidden), "{} uses `{forbidden}`", file.display());
            }
        }
    }
}

/// The Rust files below a folder, but for those that hold only tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => sources(&path),
            Some("rs") if !path.ends_with("tests.rs") => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// A misspelt setting must not pass for a missing one.
#[test]
fn settings_refuse_unknown_keys() {
    drop(built_in());
    for platform in host::platforms() {
        let schema = (platform.settings)();
        assert_eq!(schema["additionalProperties"], false, "`{}`: put `deny_unknown_fields` on Settings", platform.key);
    }
}

/// What a tool needs must be among what its platform asks for.
#[test]
fn no_tool_needs_a_scope_that_is_not_asked_for() {
    for (platform, tool) in
        host::platforms().into_iter().flat_map(|platform| host::tools().into_iter().map(move |tool| (platform, tool)))
    {
        if tool.host != platform.key || tool.scopes.is_empty() {
            continue;
        }
        let Ok(bound) = (platform.bind)(Value::Null) else { continue };
        let asked = scopes(&bound.auth());
        for scope in tool.scopes {
            assert!(
                asked.iter().any(|asked| asked == scope),
                "`{}` needs `{scope}`, {asked:?} are asked for",
                tool.name
            );
        }
    }
}

fn scopes(auth: &Auth) -> Vec<String> {
    match auth {
        Auth::OAuth(oauth) => oauth.read.iter().chain(&oauth.write).cloned().collect(),
        Auth::FirstOf(ways) => ways.iter().flat_map(scopes).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_tool_can_be_chosen_and_filled_in() {
    drop(built_in());
    let tools = host::tools();
    assert!(tools.len() > 9, "only {} tools are linked", tools.len());
    for tool in tools {
        let name = tool.name;
        assert!(name.len() <= 24, "`{name}` is longer than 24 characters");
        assert!(tool.description.len() < 700, "the description of `{name}` has {} bytes", tool.description.len());
        let first = tool.description.split(". ").next().unwrap_or_default();
        assert!(tool.description.ends_with('.') && first.len() < 160, "`{name}`: begin with one short sentence");
        let schema = Value::Object((tool.input)());
        assert_eq!(schema["type"], "object", "`{name}` takes an object");
        assert_eq!(schema["additionalProperties"], false, "`{name}` refuses unknown arguments");
        for combinator in ["anyOf", "oneOf", "allOf", "$schema", "title", "$defs"] {
            assert!(schema.get(combinator).is_none(), "the schema of `{name}` has `{combinator}`");
        }
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let most = if tool.host == "chat" { 12 } else { 6 };
        assert!(properties.len() <= most, "`{name}` takes {} arguments", properties.len());
        for (argument, schema) in properties {
            assert!(schema["description"].is_string(), "`{name}` does not describe `{argument}`");
            assert!(schema["type"].is_string(), "`{name}` gives `{argument}` no single type: {schema}");
        }
        if let Some(output) = (tool.output)() {
            assert_eq!(output["type"], "object", "`{name}` answers with an object");
        }
        if tool.host != "chat" {
            let verb = name.split('_').next().unwrap_or_default();
            assert!(VERBS.contains(&verb), "`{name}` begins with none of {VERBS:?}");
            assert!(tool.host.len() + 1 + name.len() <= 48, "`{}_{name}` is longer than 48 characters", tool.host);
        }
    }
}

#[test]
fn what_takes_away_says_so() {
    for tool in host::tools() {
        let verb = tool.name.split('_').next().unwrap_or_default();
        match verb {
            "delete" | "remove" => assert_eq!(tool.effect, Effect::Destructive, "`{}`", tool.name),
            "get" | "list" | "read" | "search" | "find" | "catch" | "wait" | "whoami" | "download" => {
                assert_eq!(tool.effect, Effect::Read, "`{}`", tool.name);
            }
            "send" | "reply" | "edit" | "add" | "upload" | "join" | "react" | "mark" => {
                assert_eq!(tool.effect, Effect::Write, "`{}`", tool.name);
            }
            _ => panic!("`{}` begins with no known verb", tool.name),
        }
    }
}
