//! What a person does about sign-ins: looks at them, ends them, and finds out what is wrong.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    service::{Service, sign_in},
    switchboard::{Home, printed},
};

/// Somebody who has signed in to a sandbox.
struct Person {
    home: Home,
    service: Service,
    config: String,
}

impl Person {
    fn signed_in() -> Self {
        let home = Home::new();
        let service = Service::with(&home, "strict", "1h");
        let config = service.configure(&home);
        sign_in(&home, &config);
        Self { home, service, config }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let common = ["--config", &self.config, "--provider", "sandbox"];
        let (code, out, err) = printed(&self.home.run(&[&common[..], arguments].concat()));
        for secret in self.secrets() {
            assert!(!out.contains(&secret) && !err.contains(&secret), "{arguments:?} shows a secret: {out}{err}");
        }
        (code, out, err)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (_, out, err) = self.run(arguments);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }

    fn token_file(&self) -> PathBuf {
        self.home.path().join("token.json")
    }

    fn record(&self) -> Value {
        serde_json::from_slice(&fs::read(self.token_file()).unwrap()).unwrap()
    }

    fn secrets(&self) -> Vec<String> {
        let Ok(text) = fs::read(self.token_file()) else { return Vec::new() };
        let record: Value = serde_json::from_slice(&text).unwrap_or_default();
        ["token", "refresh_token"].iter().filter_map(|key| Some(record[key].as_str()?.to_owned())).collect()
    }

    /// Writes the token file anew.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut record = self.record();
        change(&mut record);
        fs::write(self.token_file(), record.to_string()).unwrap();
    }

    /// Changes the configuration.
    fn configure(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&self.config, text.replace(from, to)).unwrap();
    }

    /// Takes the platform away.
    fn lose_the_platform(&mut self) {
        let gone = Home::new();
        self.service = Service::with(&gone, "strict", "1h");
    }
}

#[test]
fn status_tells_who_is_signed_in_for_what_and_until_when() {
    let person = Person::signed_in();
    let (code, out, err) = person.run(&["status"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let place = person.token_file();
    let (url, place) = (&person.service.url, place.display());
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "sandbox: ok", "{out}");
    for line in [
        &*format!("  platform   sandbox at {url}"),
        "  access     read and write",
        "  granted    chat:read, chat:write",
        "  token      expires in 60 min, renewed by itself",
        &*format!("  stored in  {place}"),
    ] {
        assert!(lines.contains(&line), "`{line}` is missing in\n{out}");
    }
    let status = &person.json(&["status", "--json"])[0];
    assert_eq!(status["state"], "ok");
    assert_eq!(status["identity"], person.record()["identity"]);
    assert_eq!(status["scopes"]["missing"], json!([]));
    assert_eq!(status["access_token"]["expires_at"], person.record()["expiry"]);
}

#[test]
fn status_names_the_scopes_that_are_missing_and_the_command_that_gets_them() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let config = service.configure(&home);
    let person = Person { home, service, config };
    person.configure("access: write", "access: read");
    sign_in(&person.home, &person.config);
    assert_eq!(person.json(&["status", "--json"])[0]["state"], "ok");
    person.configure("access: read", "access: write");
    let (code, out, _) = person.run(&["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("\n  missing    chat:write\n"), "{out}");
    let fix = person.json(&["status", "--json"])[0]["fix"].as_str().unwrap().to_owned();
    assert!(fix.starts_with("run `") && fix.ends_with("--provider sandbox --local-auth`"), "{fix}");
    sign_in(&person.home, &person.config);
    assert_eq!(person.json(&["status", "--json"])[0]["scopes"]["missing"], json!([]));
}

#[test]
fn status_asks_no_platform_and_survives_any_file() {
    let mut person = Person::signed_in();
    person.lose_the_platform();
    assert_eq!(person.run(&["status"]).0, 0);
    person.change(|record| {
        record["expiry"] = json!("2020-01-01T00:00:00Z");
        record["refresh_token"] = Value::Null;
        record["identity"]["name"] = json!("Ma\u{1b}[2Jra\nsandbox: ok");
    });
    let (code, out, _) = person.run(&["status"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("sandbox: ended: it expired "), "{out}");
    assert!(!out.contains('\u{1b}') && !out.contains("\nsandbox: ok"), "{out}");
    fs::write(person.token_file(), "{\"token\": \"hush").unwrap();
    let (code, out, _) = person.run(&["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("cannot be read") && !out.contains("hush"), "{out}");
    assert_eq!(person.json(&["status", "--json"])[0]["state"], "store_corrupt");
    fs::remove_file(person.token_file()).unwrap();
    assert!(person.run(&["status"]).1.starts_with("sandbox: not signed in\n"));
}

#[test]
fn logging_out_ends_the_sign_in_at_the_platform_and_for_every_process() {
    let person = Person::signed_in();
    let mut session = person.home.session(&["--config", &person.config, "--provider", "sandbox"]);
    session.call("list_conversations", json!({})).unwrap();
    let stolen = fs::read(person.token_file()).unwrap();
    let (code, out, err) = person.run(&["logout"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("the platform no longer accepts the tokens"), "{out}");
    assert!(!person.token_file().exists());
    let error = session.call("list_conversations", json!({})).unwrap_err();
    assert!(error.contains("not signed in"), "{error}");
    fs::write(person.token_file(), stolen).unwrap();
    let error = session.call("list_conversations", json!({})).unwrap_err();
    assert!(error.contains("ended"), "the tokens are good for nothing: {error}");
    session.end();
    fs::remove_file(person.token_file()).unwrap();
    let (code, out, _) = person.run(&["logout"]);
    assert_eq!((code, out.as_str()), (0, "sandbox: not signed in\n"));
}

#[test]
fn logging_out_without_the_platform_removes_the_tokens_and_says_what_is_left_to_do() {
    let mut person = Person::signed_in();
    person.lose_the_platform();
    let (code, _, err) = person.run(&["logout"]);
    assert_eq!(code, 1);
    assert!(err.contains("could not be revoked") && err.contains("in its settings"), "{err}");
    assert!(!person.token_file().exists());
}

#[test]
fn nobody_logs_out_of_everything_by_accident() {
    let person = Person::signed_in();
    let (code, _, err) = printed(&person.home.run(&["--config", &person.config, "logout"]));
    assert_eq!(code, 2);
    assert!(err.contains("hint: say `--provider") && err.contains("--all"), "{err}");
    assert!(person.token_file().exists());
    assert_eq!(person.run(&["logout", "--all"]).0, 2, "either some or all");
    let (code, out, err) = printed(&person.home.run(&["--config", &person.config, "logout", "--all"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("sandbox: logged out"), "{out}");
    assert!(!person.token_file().exists());
}

#[test]
fn a_pasted_token_is_removed_and_the_user_told_where_it_goes_on() {
    let person = Person::signed_in();
    person.change(|record| record["method"] = json!("static"));
    let (code, out, _) = person.run(&["logout"]);
    assert_eq!(code, 0);
    assert!(out.contains("logged out here; to end it at sandbox"), "{out}");
    assert!(!person.token_file().exists());
}
