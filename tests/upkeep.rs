//! What a person does about sign-ins: looks at them, ends them, and finds out what is wrong.

use std::{fs, net::TcpListener, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    service::{Service, ask, sign_in},
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
        "  access     read and write, asks first",
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

#[cfg(target_os = "linux")] // other systems have other places
#[test]
fn logging_out_forgets_what_was_remembered() {
    let person = Person::signed_in();
    let state = person.home.path().join(".local/state/switchboard/state.db");
    let owners = || -> i64 {
        let state = rusqlite::Connection::open(&state).unwrap();
        state.query_row("SELECT count(*) FROM owners", [], |row| row.get(0)).unwrap()
    };
    let (code, _, err) = person.run(&["call", "catch_up"]);
    assert_eq!((code, err.as_str(), owners()), (0, "", 1));
    person.run(&["logout"]);
    assert_eq!(owners(), 0);
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
fn logging_out_of_an_unreadable_file_removes_it_and_names_what_else_may_hold_tokens() {
    let person = Person::signed_in();
    fs::write(person.token_file(), "{\"token\": \"hush").unwrap();
    let copy = person.home.write("token.json.corrupt-1", "{");
    let (code, out, err) = person.run(&["logout"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("the token file could not be read; delete `"), "{err}");
    assert!(err.contains(copy.to_str().unwrap()) && !err.contains("hush"), "{err}");
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

#[test]
fn refreshing_renews_once_and_says_for_how_long() {
    let person = Person::signed_in();
    let (before, renewals) = (person.record(), person.service.counters()["refreshes"].as_u64().unwrap());
    let (code, out, err) = person.run(&["refresh"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("sandbox: renewed: ") && out.contains("expires in 60 min"), "{out}");
    let after = person.record();
    assert_ne!(before["token"], after["token"]);
    assert_ne!(before["refresh_token"], after["refresh_token"]);
    assert_eq!(person.service.counters()["refreshes"].as_u64().unwrap(), renewals + 1);
}

#[test]
fn refreshing_says_why_it_failed_and_loses_nothing() {
    let mut person = Person::signed_in();
    let before = person.record();
    person.lose_the_platform();
    let (code, _, err) = person.run(&["refresh"]);
    assert_eq!(code, 1);
    assert!(err.contains("error: `sandbox` was not renewed (transient): "), "{err}");
    assert_eq!(person.record()["refresh_token"], before["refresh_token"]);
    assert_eq!(person.record()["token"], before["token"]);
}

#[test]
fn refreshing_what_has_ended_names_the_way_back() {
    let person = Person::signed_in();
    ask("POST", &format!("{}/control/revoke", person.service.url), "", "");
    let (code, _, err) = person.run(&["refresh"]);
    assert_eq!(code, 1);
    assert!(err.contains("the token that is there is still good"), "{err}");
    assert_eq!(person.json(&["status", "--json"])[0]["state"], "renewal_refused");
    person.change(|record| record["expiry"] = json!("2020-01-01T00:00:00Z"));
    let (code, _, err) = person.run(&["refresh"]);
    assert_eq!(code, 1);
    assert!(err.contains("(reauth_required)") && err.contains("--provider sandbox --local-auth`"), "{err}");
    fs::remove_file(person.token_file()).unwrap();
    let (code, _, err) = person.run(&["refresh"]);
    assert_eq!(code, 1);
    assert!(err.contains("not signed in"), "{err}");
    let (code, out, _) = printed(&person.home.run(&["refresh"]));
    assert_eq!((code, out.as_str()), (0, "matrix: not signed in\n"), "nobody asked for it by name");
}

#[test]
fn a_pasted_token_is_not_renewed() {
    let person = Person::signed_in();
    person.change(|record| record["method"] = json!("static"));
    let (code, out, _) = person.run(&["refresh"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("sandbox: nothing to renew: the token was pasted"), "{out}");
}

/// The state and message of one check.
fn check<'a>(checks: &'a Value, name: &str) -> (&'a str, &'a str) {
    let found = checks.as_array().unwrap().iter().find(|check| check["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no check `{name}` in {checks:#}"));
    assert_eq!(found["fix"].is_null(), found["state"] == "ok", "{found}");
    (found["state"].as_str().unwrap(), found["message"].as_str().unwrap())
}

#[test]
fn the_doctor_finds_nothing_where_nothing_is_wrong() {
    let person = Person::signed_in();
    person.configure("token_path: token.json", "token_path: own/token.json");
    sign_in(&person.home, &person.config);
    let (code, out, err) = person.run(&["doctor"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.lines().all(|line| line.starts_with("  ok ") || line == "sandbox:"), "{out}");
    let checks = person.json(&["doctor", "--json"]);
    for name in ["configuration", "port", "api", "clock", "permissions", "lock", "tokens"] {
        assert_eq!(check(&checks, name).0, "ok", "{checks:#}");
    }
    assert_eq!(checks[0]["account"], Value::Null);
    assert_eq!(checks[1]["account"], "sandbox");
}

#[test]
fn the_sandbox_inside_the_program_is_in_good_health() {
    let home = Home::new();
    assert_eq!(home.run(&["--provider", "sandbox", "call", "whoami"]).status.code(), Some(0));
    let (code, out, err) = printed(&home.run(&["--provider", "sandbox", "doctor"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.lines().all(|line| line.starts_with("  ok ") || line == "sandbox:"), "{out}");
    let (_, out, _) = printed(&home.run(&["--provider", "sandbox", "refresh"]));
    assert!(out.starts_with("sandbox: renewed: "), "{out}");
    let (_, out, _) = printed(&home.run(&["--provider", "sandbox", "logout"]));
    assert!(out.starts_with("sandbox: logged out; the platform no longer"), "{out}");
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let mut person = Person::signed_in();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    person.configure("    access: write", &format!("    access: write\n    port: {port}"));
    person.lose_the_platform();
    person.change(|record| {
        record["refresh_token"] = Value::Null;
        record["expiry"] = json!("2020-01-01T00:00:00Z");
        record["token_uri"] = json!("http://127.0.0.1:9/token");
    });
    let (code, out, err) = person.run(&["doctor"]);
    assert_eq!(code, 1);
    assert!(err.contains("4 of 7 checks failed"), "{out}{err}");
    assert!(out.contains(" → run `"), "{out}");
    let checks = person.json(&["doctor", "--json"]);
    let taken = format!("port `{port}` is taken on 127.0.0.1");
    assert_eq!(check(&checks, "port"), ("failed", &*taken));
    assert_eq!(check(&checks, "api").0, "failed");
    assert_eq!(check(&checks, "authorization server").0, "failed");
    assert!(check(&checks, "tokens").1.starts_with("ended: "), "{checks:#}");
    assert_eq!(check(&checks, "lock").0, "ok");
}

#[test]
fn the_doctor_takes_any_configuration() {
    let home = Home::new();
    let config = home.write("config.yaml", "providers:\n  matrix:\n    nam: x\n");
    let (code, out, _) = printed(&home.run(&["--config", config.to_str().unwrap(), "doctor", "--json"]));
    assert_eq!(code, 1);
    let checks: Value = serde_json::from_str(&out).unwrap();
    assert!(check(&checks, "configuration").1.contains("config.yaml:3: account `matrix`: unknown key `nam`"), "{out}");
    let text = "providers:\n  sandbox:\n    credentials_path: gone.json\n";
    let config = home.write("config.yaml", text);
    let (code, out, _) =
        printed(&home.run(&["--config", config.to_str().unwrap(), "--provider", "sandbox", "doctor", "--json"]));
    assert_eq!(code, 1);
    let checks: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(check(&checks, "credentials").0, "failed", "{out}");
    assert_eq!(check(&checks, "api"), ("ok", "inside this program"));
    let (code, _, err) = printed(&home.run(&["--provider", "nobody", "doctor"]));
    assert_eq!(code, 2, "{err}");
}

#[cfg(unix)]
#[test]
fn the_doctor_tells_of_files_that_others_could_read_and_of_a_lock_that_is_held() {
    use std::os::unix::fs::PermissionsExt as _;
    let person = Person::signed_in();
    fs::set_permissions(person.token_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let checks = person.json(&["doctor", "--json"]);
    let (state, message) = check(&checks, "permissions");
    assert_eq!(state, "warning");
    assert!(message.contains("(mode 0644), which is closed to them now"), "{message}");
    assert_eq!(fs::metadata(person.token_file()).unwrap().permissions().mode() & 0o777, 0o600);
    let lock = fs::File::options().write(true).open(person.home.path().join("token.json.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(person.home.path().join("token.json.lock"), "4711 2026-01-01T00:00:00Z\n").unwrap();
    let (code, out, _) = person.run(&["status"]);
    assert_eq!(code, 0);
    assert!(out.contains("\n  locked by  process 4711 for "), "{out}");
    assert_eq!(person.json(&["status", "--json"])[0]["lock"]["process"], 4711);
    let checks = person.json(&["doctor", "--json"]);
    assert!(check(&checks, "lock").1.starts_with("held by process 4711"), "{checks:#}");
}
