//! Ends what this program started, when it is told to end or takes too long.

use std::{
    fs,
    path::Path,
    process::{self, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use crate::trial::Findings;

/// Sends a signal to processes of ours.
pub(crate) fn send(signal: &str, processes: &[u32]) {
    if !processes.is_empty() {
        let ids = processes.iter().map(u32::to_string);
        // One that has just ended is no matter.
        drop(Command::new("kill").arg(format!("-{signal}")).args(ids).stderr(Stdio::null()).status());
    }
}

/// Whether a process ended as one does that aborts.
pub(crate) fn aborted(status: ExitStatus) -> bool {
    const SIGABRT: i32 = 6;
    ended_by(status, SIGABRT)
}

/// Whether a process ended as one does that is killed.
pub(crate) fn killed(status: ExitStatus) -> bool {
    const SIGKILL: i32 = 9;
    ended_by(status, SIGKILL)
}

#[cfg(unix)]
fn ended_by(status: ExitStatus, signal: i32) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(signal)
}

/// Where there are no signals, all that shows is that it did not end well.
#[cfg(not(unix))]
fn ended_by(status: ExitStatus, _signal: i32) -> bool {
    !status.success()
}

/// Kills all children. They are found where the system lists them; elsewhere they end when we close their input.
pub(crate) fn kill_children() {
    let parent = |status: &str| status.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    // A thread that has just lost its child may start another.
    for _ in 0..3 {
        let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let ours = |id: &u32| {
            fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|status| parent(&status) == Some(process::id()))
        };
        send("KILL", &ids.filter(ours).collect::<Vec<_>>());
        thread::sleep(Duration::from_millis(50)); // lets such a thread get there
    }
}

/// On SIGTERM or Ctrl-C, and after `bound`, kills the children, removes `folder`, says what was found and ends this process.
pub(crate) fn end_on_request(folder: &Path, bound: Duration, findings: &'static Findings) {
    let folder = folder.to_owned();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let why = runtime.block_on(async {
            tokio::select! {
                () = asked() => "told to end",
                () = tokio::time::sleep(bound) => "not finished in time",
            }
        });
        eprintln!("storm: {why}\n{}", findings.table());
        kill_children();
        drop(fs::remove_dir_all(&folder));
        #[expect(clippy::disallowed_methods, reason = "nothing is left that a destructor would end")]
        process::exit(130);
    });
}

async fn asked() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).unwrap();
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    drop(tokio::signal::ctrl_c().await);
}
