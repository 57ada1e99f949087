//! The command line: what a person sees who makes a mistake, and one who makes none.

use crate::switchboard::{Home, printed};

#[test]
fn a_mistake_in_the_configuration_is_one_message_and_exit_code_2() {
    let home = Home::new();
    let cases = [
        ("providers:\n  matrix:\n    nam: x\n", "config.yaml:3: account `matrix`: unknown key `nam`"),
        ("providers:\n  matrix:\n    name: [\n", "config.yaml:"),
        ("providers:\n  matrix: {}\n  matrix: {}\n", "config.yaml:3: account `matrix` stands there twice"),
        (
            "providers: {}\ntools: { hide: [send_mesage] }\n",
            "config.yaml:2: `tools.hide`: no tool in this build matches",
        ),
        ("providers:\n  matrix:\n    credentials_path: gone.json\n", "account `matrix`: `credentials_path`: `"),
    ];
    for (text, expected) in cases {
        let config = home.write("config.yaml", text);
        let (code, out, err) = printed(&home.run(&["--config", config.to_str().unwrap(), "status"]));
        assert_eq!((code, out.as_str()), (2, ""), "for {text:?}: {err}");
        assert!(err.starts_with("error: ") && err.contains(expected), "for {text:?}: {err}");
        assert_eq!(err.matches("error:").count(), 1, "{err}");
    }
}

#[test]
fn an_unknown_account_and_a_missing_file_are_named() {
    let home = Home::new();
    let (code, _, err) = printed(&home.run(&["--provider", "matrx", "status"]));
    assert_eq!(code, 2);
    assert!(err.contains("no account `matrx`") && err.contains("hint: say `--provider matrix`"), "{err}");
    let (code, _, err) = printed(&home.run(&["--config", "/nowhere/at/all.yaml", "status"]));
    assert_eq!(code, 2);
    assert!(err.contains("`/nowhere/at/all.yaml` cannot be read"), "{err}");
}

#[test]
fn the_accounts_are_listed() {
    let (code, out, _) = printed(&Home::new().run(&["--list-providers"]));
    assert_eq!(code, 0);
    assert!(out.starts_with("Available providers:\n  - ") && out.contains("\n  - matrix: "), "{out}");
}

#[test]
fn a_file_in_the_working_directory_changes_nothing() {
    let home = Home::new();
    home.write("provider-config.yaml", "providers:\n  evil:\n    platform: sandbox\n");
    let (code, out, _) = printed(&home.run(&["--list-providers"]));
    assert_eq!(code, 0);
    assert!(!out.contains("evil"), "{out}");
}

#[test]
fn signing_in_takes_exactly_one_account() {
    let home = Home::new();
    for arguments in [&["--local-auth"][..], &["--provider", "matrix,sandbox", "-local-auth"]] {
        let (code, _, err) = printed(&home.run(arguments));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("signing in takes exactly one account"), "{err}");
    }
}

#[test]
fn the_sandbox_reads_like_a_conversation() {
    let home = Home::new();
    let (code, out, err) = printed(&home.run(&["--provider", "sandbox", "call", "read_messages", "target=#general"]));
    assert_eq!(code, 0, "{err}");
    let spoken = out.lines().filter(|line| line.as_bytes().get(2) == Some(&b':')).count();
    assert!(out.contains("#general") && spoken > 3, "{out}");
    let (code, _, err) = printed(&home.run(&["--provider", "sandbox", "call", "read_messages", "target=#genral"]));
    assert_eq!(code, 1);
    assert!(err.contains("general"), "{err}");
}

#[test]
fn what_stays_on_this_machine_passes_no_proxy() {
    let home = Home::new();
    let mut command = home.command(&["--provider", "sandbox", "call", "list_conversations"]);
    // Port 9 discards: whoever asks this proxy gets nowhere.
    let (code, _, err) = printed(&command.env("http_proxy", "http://127.0.0.1:9").output().unwrap());
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_missing_sign_in_names_the_command() {
    let home = Home::new();
    let (code, _, err) = printed(&home.run(&["call", "list_conversations"]));
    assert_eq!(code, 1);
    assert!(err.contains("--provider matrix --local-auth"), "{err}");
}

#[test]
fn every_command_teaches_its_use() {
    let home = Home::new();
    for command in ["serve", "status", "refresh", "logout", "doctor", "audit"] {
        let (code, out, _) = printed(&home.run(&[command, "--help"]));
        assert_eq!(code, 0);
        let lesson = out.split("Usage:").next().unwrap_or_default();
        assert!(lesson.len() > 200, "`{command} --help` says only: {lesson}");
    }
    let (_, out, _) = printed(&home.run(&["--help"]));
    for command in ["serve", "status", "refresh", "logout", "doctor", "audit", "tools", "call", "sandbox"] {
        assert!(out.contains(&format!("\n  {command}")), "{out}");
    }
}
