//! Disks that fail half way, and what is said of it.

use std::{
    fs, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use switchboard_kit::ErrorKind;

use super::machine::{LIFE, Machine};
use crate::tokens::faulty::Step;

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_noticed_before_the_refresh_token_is_spent() {
    let machine = Machine::expired();
    machine.disk.fail(Step::Reserve, io::ErrorKind::StorageFull);
    let process = machine.process();
    assert_eq!(ErrorKind::StoreWriteFailed, process.fresh().await.unwrap_err().kind());
    assert!(machine.platform.spent().is_empty());
    machine.disk.heal();
    assert_eq!("a2", process.fresh().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_used_here_and_written_as_soon_as_it_can_be() {
    for step in [Step::Fill, Step::Rename] {
        let machine = Machine::expired();
        machine.disk.fail(step, io::ErrorKind::Other);
        let process = machine.process();
        for _ in 0..2 {
            assert_eq!("a2", process.fresh().await.unwrap());
            assert_eq!(1, machine.read().generation);
        }
        machine.disk.heal();
        while machine.read().generation == 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!("a2", machine.process().fresh().await.unwrap());
        assert_eq!(vec!["r1"], machine.platform.spent());
        assert_eq!(2, machine.read().generation);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_yields_to_a_new_sign_in() {
    let machine = Machine::expired();
    machine.disk.fail(Step::Rename, io::ErrorKind::Other);
    let process = machine.process();
    assert_eq!("a2", process.fresh().await.unwrap());
    machine.write(&machine.record(9));
    machine.disk.heal();
    assert_eq!("a9", process.fresh().await.unwrap());
    machine.tasks.close();
    machine.tasks.wait().await;
    assert_eq!(9, machine.read().generation);
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_file_is_left_alone() {
    let machine = Machine::new();
    fs::write(&machine.path, "{").unwrap();
    let error = machine.process().fresh().await.unwrap_err();
    assert_eq!(ErrorKind::StoreCorrupt, error.kind());
    assert!(error.hint_text().unwrap().contains("--local-auth"));
    assert_eq!("{", fs::read_to_string(&machine.path).unwrap());
}

#[tokio::test(start_paused = true)]
async fn no_log_line_and_no_error_holds_a_token() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let machine = Machine::new();
    let mut record = machine.record(1);
    (record.token, record.refresh_token) = ("CANARY-a".into(), Some("CANARY-r".into()));
    machine.write(&record);
    machine.wait(LIFE - 30.0);
    let process = machine.process();
    process.fresh().await.unwrap();
    machine.wait(LIFE);
    let error = process.fresh().await.unwrap_err();
    drop(guard);
    let shown = format!("{}{error:?}{record:?}", String::from_utf8_lossy(&log.0.lock().unwrap()));
    assert!(!shown.contains("CANARY"), "{shown}");
}
