//! Files that are whole, loose, broken, linked, locked, or on a disk that fails.

use std::{
    fs::{self, File},
    process,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use switchboard_kit::host::{ExposeSecret as _, Secret};
use tempfile::TempDir;

use super::*;
use crate::tokens::{
    Method,
    faulty::{FaultyDisk, Step},
};

struct Place {
    root: TempDir,
    path: PathBuf,
    disk: FaultyDisk,
    store: FileStore,
    key: TokenKey,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        Self::at(root.path().join("state/matrix/token.json"), root)
    }

    fn holding(content: &str) -> Self {
        let place = Self::new();
        fs::create_dir_all(folder(&place.path)).unwrap();
        fs::write(&place.path, content).unwrap();
        place
    }

    fn at(path: PathBuf, root: TempDir) -> Self {
        let (disk, account) = (FaultyDisk::default(), AccountKey::new("matrix"));
        let store = FileStore::on(Arc::new(disk.clone()), BTreeMap::from([(account.clone(), path.clone())]));
        Self { root, path, disk, store, key: TokenKey { principal: Principal::local(), account } }
    }

    async fn replace(&self, record: Record) -> Result<()> {
        self.store.lock(&self.key).await?.replace(record).await
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(folder(&self.path)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

fn record(token: &str, generation: u64) -> Record {
    let mut record = Record::new("matrix", Method::OAuth, Secret::from(token));
    record.generation = generation;
    record
}

#[tokio::test]
async fn what_is_written_is_read_again_and_never_open_to_others() {
    let place = Place::new();
    assert!(place.store.load(&place.key).await.unwrap().is_none());
    place.replace(record("one", 1)).await.unwrap();
    place.replace(record("two", 2)).await.unwrap();
    let stored = place.store.load(&place.key).await.unwrap().unwrap();
    assert_eq!(("two", 2), (stored.token.expose_secret(), stored.generation));
    assert_eq!(vec!["token.json", "token.json.lock"], place.names());
    assert_eq!(Vec::<PathBuf>::new(), place.disk.open_to_others());
}

#[tokio::test]
async fn what_is_removed_is_gone_and_the_lock_stays() {
    let place = Place::new();
    place.replace(record("one", 1)).await.unwrap();
    place.store.lock(&place.key).await.unwrap().remove().await.unwrap();
    assert!(place.store.load(&place.key).await.unwrap().is_none());
    assert_eq!(vec!["token.json.lock"], place.names());
}

#[tokio::test]
async fn only_the_local_user_and_known_accounts_have_files() {
    let place = Place::new();
    let stranger = Principal { issuer: "idp".into(), subject: "eve".into() };
    let theirs = TokenKey { principal: stranger, ..place.key.clone() };
    assert_eq!(ErrorKind::Forbidden, place.store.load(&theirs).await.unwrap_err().kind());
    assert_eq!(ErrorKind::Forbidden, place.store.lock(&theirs).await.err().unwrap().kind());
    let unknown = TokenKey { account: AccountKey::new("zulip"), ..place.key };
    assert_eq!(ErrorKind::Config, place.store.load(&unknown).await.unwrap_err().kind());
}

#[tokio::test]
async fn a_file_of_google_auth_is_read_and_its_own_keys_are_kept() {
    let place = Place::holding(
        r#"{"token": "ya", "refresh_token": "1//", "token_uri": "https://oauth2.example/token", "client_id": "id",
            "client_secret": "cs", "scopes": ["chat"], "universe_domain": "example.com", "account": "",
            "expiry": "2026-01-01T00:00:00.000000Z"}"#,
    );
    let mut read = place.store.load(&place.key).await.unwrap().unwrap();
    assert_eq!(Some("2026-01-01T00:00:00Z".parse().unwrap()), read.expiry);
    assert_eq!(("ya", 0, Method::OAuth), (read.token.expose_secret(), read.generation, read.method));
    read.generation += 1;
    place.replace(read).await.unwrap();
    let written: Value = serde_json::from_slice(&fs::read(&place.path).unwrap()).unwrap();
    assert_eq!((&json!("example.com"), &json!("")), (&written["universe_domain"], &written["account"]));
    assert_eq!((&json!("cs"), &json!(1)), (&written["client_secret"], &written["version"]));
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_file_is_named_but_not_quoted_and_copied_before_it_is_replaced() {
    let place = Place::holding(r#"{"token": "hush", "generation": "hush"}"#);
    let error = place.store.load(&place.key).await.unwrap_err();
    assert_eq!(ErrorKind::StoreCorrupt, error.kind());
    assert!(error.message().contains("token.json"), "{error}");
    assert!(!format!("{error:?}").contains("hush"));
    assert_eq!(vec!["token.json"], place.names());
    place.replace(record("new", 1)).await.unwrap();
    place.replace(record("newer", 2)).await.unwrap();
    let names = place.names();
    assert_eq!(3, names.len(), "{names:?}");
    assert!(names[1].starts_with("token.json.corrupt-"));
    let copy = place.path.with_file_name(&names[1]);
    assert!(fs::read_to_string(&copy).unwrap().contains("hush"));
    assert!(!place.disk.open_to_others().contains(&copy));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_another_program_is_writing_is_read_again() {
    let place = Place::holding(r#"{"token": "#);
    let finish = async {
        sleep(Duration::from_millis(30)).await;
        fs::write(&place.path, r#"{"token": "whole"}"#).unwrap();
    };
    let (read, ()) = tokio::join!(place.store.load(&place.key), finish);
    assert_eq!("whole", read.unwrap().unwrap().token.expose_secret());
}

#[tokio::test]
async fn a_file_that_another_program_is_writing_is_read_again_under_the_lock() {
    let place = Place::holding(r#"{"token": "#);
    let path = place.path.clone();
    let finish = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30)); // the other program is slow
        fs::write(&path, r#"{"token": "whole"}"#).unwrap();
    });
    let mut locked = place.store.lock(&place.key).await.unwrap();
    finish.join().unwrap();
    assert_eq!("whole", locked.current().unwrap().token.expose_secret());
    locked.replace(record("next", 1)).await.unwrap();
    drop(locked);
    assert_eq!(vec!["token.json", "token.json.lock"], place.names());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_read_is_not_called_corrupt() {
    let place = Place::new();
    fs::create_dir_all(&place.path).unwrap();
    let error = place.store.load(&place.key).await.unwrap_err();
    assert_eq!(ErrorKind::Unavailable, error.kind(), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_loose_file_is_closed_when_it_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::holding(r#"{"token": "loose"}"#);
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o644)).unwrap();
    place.store.load(&place.key).await.unwrap();
    assert_eq!(0o600, fs::metadata(&place.path).unwrap().permissions().mode() & 0o777);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_stays_and_its_target_is_replaced() {
    let root = TempDir::new().unwrap();
    let (link, target) = (root.path().join("token.json"), root.path().join("real.json"));
    std::os::unix::fs::symlink("real.json", &link).unwrap();
    let place = Place::at(link, root);
    place.replace(record("one", 1)).await.unwrap();
    place.replace(record("two", 2)).await.unwrap();
    assert!(fs::symlink_metadata(&place.path).unwrap().is_symlink());
    assert!(fs::read_to_string(target).unwrap().contains("two"));
    assert!(place.root.path().join("real.json.lock").exists());
}

#[tokio::test]
async fn a_generation_never_goes_back() {
    let place = Place::new();
    place.replace(record("two", 2)).await.unwrap();
    assert_eq!(ErrorKind::Conflict, place.replace(record("other", 2)).await.unwrap_err().kind());
}

#[tokio::test(start_paused = true)]
async fn who_hangs_with_the_lock_is_named() {
    let place = Place::new();
    let held = place.store.lock(&place.key).await.unwrap();
    let error = place.store.clone().lock(&place.key).await.err().unwrap();
    assert_eq!(ErrorKind::StoreLocked, error.kind());
    assert!(error.message().contains(&format!("process {}", process::id())), "{error}");
    drop(held);
    place.store.lock(&place.key).await.unwrap();
}

#[tokio::test]
async fn who_holds_the_lock_is_known_to_all_and_nobody_once_it_is_free() {
    let place = Place::new();
    assert_eq!(None, place.store.holder(&place.key).await.unwrap());
    let held = place.store.lock(&place.key).await.unwrap();
    let holder = place.store.holder(&place.key).await.unwrap().unwrap();
    assert_eq!(Some(process::id()), holder.process);
    assert!(holder.since.is_some());
    drop(held);
    assert_eq!(None, place.store.holder(&place.key).await.unwrap());
}

#[cfg(unix)]
#[tokio::test]
async fn a_lock_that_is_passed_on_is_held_until_the_other_process_lets_go() {
    let place = Place::new();
    let locked = place.store.lock(&place.key).await.unwrap();
    let mut child =
        process::Command::new("cat").stdin(locked.hand_over().unwrap()).stdout(process::Stdio::null()).spawn().unwrap();
    drop(locked);
    child.wait().unwrap();
    place.store.lock(&place.key).await.unwrap();
    let locked = place.store.lock(&place.key).await.unwrap();
    let mut child = process::Command::new("sleep").arg("60").stdin(locked.hand_over().unwrap()).spawn().unwrap();
    drop(locked);
    assert!(place.store.holder(&place.key).await.unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(None, place.store.holder(&place.key).await.unwrap());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn only_this_files_lock_is_inherited() {
    let place = Place::new();
    let locked = place.store.lock(&place.key).await.unwrap();
    let lock = File::open(place.path.with_file_name("token.json.lock")).unwrap();
    place.store.inherit(lock);
    // Another handle of the same file does not hold its lock.
    assert_eq!(ErrorKind::StoreLocked, place.store.lock(&place.key).await.err().unwrap().kind());
    drop(locked);
    place.store.inherit(File::create(place.root.path().join("other")).unwrap());
    place.store.lock(&place.key).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_not_replaced() {
    let place = Place::holding(r#"{"token": "one"}"#);
    fs::hard_link(&place.path, place.root.path().join("other.json")).unwrap();
    let error = place.replace(record("two", 2)).await.unwrap_err();
    assert_eq!(ErrorKind::StoreWriteFailed, error.kind());
    assert!(error.message().contains("2 names"), "{error}");
    assert!(fs::read_to_string(&place.path).unwrap().contains("one"));
}

#[tokio::test(start_paused = true)]
async fn where_files_cannot_be_locked_a_lease_and_the_runtime_folder_serve() {
    let place = Place::new();
    place.disk.fail(Step::Lock, io::ErrorKind::Unsupported);
    // The fault is the token folder's; the runtime folder is another disk.
    place.disk.only_below(place.root.path());
    let runtime = TempDir::new().unwrap();
    let (with, without) = (place.store.clone().with_runtime_folder(Some(runtime.path().to_owned())), &place.store);
    let held = with.lock(&place.key).await.unwrap();
    assert_eq!(1, fs::read_dir(runtime.path()).unwrap().count());
    assert_eq!(Some(process::id()), with.holder(&place.key).await.unwrap().unwrap().process);
    // A process without such a folder, as in a cron job, is kept out as well.
    assert_eq!(ErrorKind::StoreLocked, without.lock(&place.key).await.err().unwrap().kind());
    assert!(without.holder(&place.key).await.unwrap().is_some());
    drop(held);
    assert_eq!(None, with.holder(&place.key).await.unwrap());
    without.lock(&place.key).await.unwrap().replace(record("one", 1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_locked_a_lease_serves() {
    let place = Place::new();
    place.disk.fail(Step::Lock, io::ErrorKind::Unsupported);
    let mut held = place.store.lock(&place.key).await.unwrap();
    assert!(held.hand_over().is_none());
    let error = place.store.clone().lock(&place.key).await.err().unwrap();
    assert_eq!(ErrorKind::StoreLocked, error.kind());
    held.replace(record("one", 1)).await.unwrap();
    // Whoever took the lease for over has written: what we hold is not the newest any more.
    fs::write(&place.path, serde_json::to_vec(&record("other", 5)).unwrap()).unwrap();
    assert_eq!(ErrorKind::Conflict, held.replace(record("two", 2)).await.unwrap_err().kind());
    drop(held);
    place.store.lock(&place.key).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_unchanged_is_the_same_record_and_a_changed_one_is_not() {
    let place = Place::holding(r#"{"token": "one"}"#);
    for token in ["one", "one", "two"] {
        fs::write(&place.path, format!(r#"{{"token": "{token}"}}"#)).unwrap();
        assert_eq!(token, place.store.load(&place.key).await.unwrap().unwrap().token.expose_secret());
    }
    fs::write(&place.path, "{").unwrap();
    assert_eq!(ErrorKind::StoreCorrupt, place.store.load(&place.key).await.unwrap_err().kind());
    fs::remove_file(&place.path).unwrap();
    assert!(place.store.load(&place.key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_failing_disk_leaves_the_old_tokens_whole() {
    for step in [Step::Reserve, Step::Fill, Step::Rename] {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::Other] {
            let place = Place::new();
            place.replace(record("old", 1)).await.unwrap();
            place.disk.fail(step, kind);
            let error = place.replace(record("new", 2)).await.unwrap_err();
            assert_eq!(ErrorKind::StoreWriteFailed, error.kind());
            assert!(error.message().contains("token.json") && error.hint_text().is_some());
            assert_eq!("old", place.store.load(&place.key).await.unwrap().unwrap().token.expose_secret());
            assert_eq!(vec!["token.json", "token.json.lock"], place.names(), "{step:?}");
        }
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_synced_keeps_the_new_tokens() {
    let place = Place::new();
    place.disk.fail(Step::SyncFolder, io::ErrorKind::Other);
    place.replace(record("new", 1)).await.unwrap();
    assert_eq!("new", place.store.load(&place.key).await.unwrap().unwrap().token.expose_secret());
}

#[tokio::test]
async fn what_a_crash_left_behind_is_removed() {
    let place = Place::holding(r#"{"token": "one"}"#);
    for name in ["token.json.tmp.crashed", "other.json.tmp.crashed"] {
        File::create(place.path.with_file_name(name)).unwrap();
    }
    drop(place.store.lock(&place.key).await.unwrap());
    assert_eq!(vec!["other.json.tmp.crashed", "token.json", "token.json.lock"], place.names());
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        Content::parse(&bytes);
    }
}
