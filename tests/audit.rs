//! What is noted of the runs of the program, and shown again.

use std::{fs, process::Stdio};

use serde_json::Value;

use crate::{
    service::{Service, sign_in},
    switchboard::{Home, printed},
};

const PLACE: &str = ".local/state/switchboard/audit.jsonl";

fn run(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    printed(&home.run(arguments))
}

/// Sends in the embedded sandbox.
fn send(home: &Home, more: &[&str]) -> (i32, String, String) {
    let call = ["--provider", "sandbox", "call", "send_message", "target=#ops", "text=Xylophones at noon"];
    run(home, &[&call[..], more].concat())
}

/// Returns the lines that `arguments` choose.
fn lines(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let (code, out, err) = run(home, &[&["audit", "--json"], arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_written_is_noted_and_shown_again() {
    let home = Home::new();
    let place = home.path().join(PLACE);
    let (code, out, err) = run(&home, &["audit"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, format!("nothing has been noted yet in {}\n", place.display()));
    assert!(lines(&home, &[]).is_empty() && !place.exists());
    let (code, out, err) = send(&home, &[]);
    assert_eq!(code, 0, "{err}");
    let sent = out.split("ref ").nth(1).unwrap().trim();
    assert_eq!(events(&lines(&home, &[])), ["signed_in", "allowed", "done"]);
    assert_eq!(lines(&home, &["--limit", "1"])[0]["messages"], serde_json::json!([sent]));
    for (arguments, expected) in [
        (&["--event", "allowed,signed_in"][..], &["signed_in", "allowed"][..]),
        (&["--tool", "send_message", "--account", "sandbox", "--target", "sandbox:C*"], &["allowed", "done"]),
        (&["--limit", "2", "--since", "1h"], &["allowed", "done"]),
        (&["--account", "matrix"], &[]),
        (&["--until", "yesterday"], &[]),
    ] {
        assert_eq!(events(&lines(&home, arguments)), expected, "{arguments:?}");
    }
    let (_, out, _) = run(&home, &["audit", "--event", "done"]);
    let shown: Vec<_> = out.lines().collect();
    assert_eq!(shown.len(), 2, "{out}");
    assert!(shown[0].starts_with(&format!("{}, times in ", place.display())), "{out}");
    assert!(shown[1].ends_with(&format!("  done        sandbox  send_message    {sent}")), "{out}");
    assert!(!fs::read_to_string(&place).unwrap().contains("Xylophones"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(place).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_cannot_be_asked_for_is_a_mistake_in_the_command_line() {
    let home = Home::new();
    for (arguments, expected) in [
        (["--since", "soonish"], "`soonish` is not a time"),
        (["--event", "eaten"], "signed_in"),
        (["--limit", "few"], "few"),
    ] {
        let (code, out, err) = run(&home, &[&["audit"], &arguments[..]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(expected), "{err}");
    }
}

#[test]
fn sign_ins_and_logouts_are_noted_without_a_secret() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let config = service.configure(&home);
    sign_in(&home, &config);
    let record: Value = serde_json::from_slice(&fs::read(home.path().join("token.json")).unwrap()).unwrap();
    let (code, _, err) = run(&home, &["--config", &config, "--provider", "sandbox", "logout"]);
    assert_eq!(code, 0, "{err}");
    let noted = lines(&home, &["--config", &config]);
    assert_eq!(events(&noted), ["signed_in", "signed_out"]);
    for line in &noted {
        assert_eq!((&line["account"], &line["principal"]), (&"sandbox".into(), &"local/local".into()));
        assert_eq!(line["person"], record["identity"]["id"]);
        for secret in ["token", "refresh_token"] {
            assert!(!line.to_string().contains(record[secret].as_str().unwrap()), "{secret}");
        }
    }
    let (code, _, _) = run(&home, &["--config", &config, "--provider", "sandbox", "logout"]);
    assert_eq!((code, lines(&home, &["--config", &config]).len()), (0, 2), "nobody was signed in");
}

#[test]
fn processes_that_write_at_once_leave_whole_lines() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let config = service.configure(&home);
    sign_in(&home, &config);
    let call = ["--config", &config, "--provider", "sandbox", "call", "send_message", "target=#ops", "text=x"];
    let start = |_| home.command(&call).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut started: Vec<_> = (0..12).map(start).collect();
    for process in &mut started {
        assert_eq!(process.wait().unwrap().code(), Some(1), "nobody can be asked");
    }
    let noted = lines(&home, &["--config", &config]);
    assert_eq!(events(&noted), [&["signed_in"][..], &["refused"; 12]].concat());
}

#[test]
fn the_file_may_be_elsewhere_and_is_never_sent() {
    let home = Home::new();
    let text = "providers:\n  sandbox: { access: write, confirm: never }\nfiles: { upload_roots: [.] }\naudit: notes/audit.jsonl\n";
    let config = home.write("config.yaml", text);
    let config = ["--config", config.to_str().unwrap()];
    let (code, _, err) = send(&home, &config);
    assert_eq!(code, 0, "{err}");
    let place = home.path().join("notes/audit.jsonl");
    assert!(place.exists() && !home.path().join(PLACE).exists());
    assert_eq!(lines(&home, &config).len(), 3);
    let (code, _, err) = send(&home, &[&config[..], &[&format!("files={}", place.display())]].concat());
    assert_eq!(code, 1);
    assert!(err.contains("audit.jsonl"), "{err}");
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    let (code, _, err) = send(&home, &config);
    assert_eq!(code, 1);
    assert!(err.contains("notes/audit.jsonl` cannot be written to"), "{err}");
    let (code, _, err) = run(&home, &[&["audit"], &config[..]].concat());
    assert_eq!(code, 1);
    assert!(err.contains("notes/audit.jsonl` cannot be read"), "{err}");
}

#[test]
fn flags_only_narrow() {
    let home = Home::new();
    let (code, _, err) = send(&home, &["--confirm-writes"]);
    assert_eq!(code, 1);
    assert!(err.contains("the user has to agree first") && err.contains("start without `--confirm-writes`"), "{err}");
    // What is refused without the flag is not asked about with it.
    let text = "providers:\n  sandbox: { access: write, confirm: never, allow: [\"#general\"] }\n";
    let config = home.write("config.yaml", text);
    let (code, _, err) = send(&home, &["--confirm-writes", "--config", config.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains("is not on the user's `allow` list"), "{err}");
    let (_, out, _) = run(&home, &["--provider", "sandbox", "status"]);
    assert!(out.contains("  access     read and write\n"), "{out}");
    let (_, out, _) = run(&home, &["--provider", "sandbox", "status", "--confirm-writes"]);
    assert!(out.contains("  access     read and write, asks first\n"), "{out}");
}
