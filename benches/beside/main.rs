//! Measures switchboard beside a bare rmcp server of the same versions, in rounds, so that both see the same weather.

mod chat;
mod http;
mod process;
mod table;

use std::{env, error::Error, fs, io::Write as _, path::Path, thread, time::Duration};

use chat::Workspace;
use http::{Era, Service};
use process::{Cores, Program, Session, call};
use table::{Pairs, Table};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const STARTS: usize = 100;
const ROUNDS: usize = 5;
const ECHOES: usize = 10_000;
const READINGS: usize = 1_000;

/// The programs that are measured.
struct Programs {
    /// The binary, for three accounts.
    switchboard: Program,
    /// The same, for a workspace elsewhere.
    reader: Program,
    /// The echo tool behind our own stack.
    echo: Program,
    bare: Program,
}

impl Programs {
    fn install(home: &Path) -> Result<Self> {
        let examples = env::current_exe()?.parent().ok_or("no folder")?.to_owned();
        let binary = Program::installed(&examples.parent().ok_or("no folder")?.join("switchboard"), home)?;
        fs::write(
            home.join("three.yaml"),
            "providers:\n  matrix: {}\n  matrix_work: { platform: matrix }\n  sandbox: {}\n",
        )?;
        let three = ["--config", "three.yaml", "--provider", "matrix,matrix_work,sandbox", "--allow-write"];
        Ok(Self {
            switchboard: binary.with(&three),
            reader: binary.with(&Workspace::ARGUMENTS),
            echo: Program::installed(&examples.join("echo"), home)?,
            bare: Program::installed(&examples.join("bare"), home)?,
        })
    }
}

fn starts(programs: &Programs, table: &mut Table) -> Result<()> {
    let mut starts = Pairs::default();
    for _ in 0..STARTS {
        starts.add(programs.switchboard.time_start()?, programs.bare.time_start()?);
    }
    table.row("spawn → tools/list, ms", &starts, "≤ 1.5");
    let mut idle = Pairs::default();
    for _ in 0..ROUNDS {
        let (ours, bare) = (Session::open(&programs.switchboard)?, Session::open(&programs.bare)?);
        thread::sleep(Duration::from_secs(1)); // the figure is defined as that of one second later
        idle.add(ours.process.memory()?, bare.process.memory()?);
    }
    table.row("memory one second later, MB", &idle, "< 12 MB");
    let mut size = Pairs::default();
    size.add(programs.switchboard.size()?, programs.bare.size()?);
    table.row("size of the binary, MB", &size, "");
    Ok(())
}

/// One round of one program: a call's time, calls a second with 64 under way, and what 10,000 calls left behind.
fn echo(program: &Program, cores: &Cores) -> Result<[f64; 4]> {
    let echo = call("echo", r#"{"text":"hello"}"#);
    cores.only_one();
    let mut session = Session::open(program)?;
    let before = session.process.cpu()?;
    let alone = session.one_by_one(&echo, ECHOES);
    let cpu = session.process.cpu()? - before;
    let memory = session.process.memory()?;
    cores.all_again();
    let together = Session::open(program)?.pipelined(&echo, ECHOES * 2)?;
    #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
    Ok([alone?, together, cpu / ECHOES as f64 * 1e3, memory])
}

fn echoes(programs: &Programs, cores: &Cores, table: &mut Table) -> Result<()> {
    let mut pairs: [Pairs; 4] = Default::default();
    for _ in 0..ROUNDS {
        let (ours, bare) = (echo(&programs.echo, cores)?, echo(&programs.bare, cores)?);
        for (pairs, (ours, bare)) in pairs.iter_mut().zip(ours.into_iter().zip(bare)) {
            pairs.add(ours, bare);
        }
    }
    let rows = [
        ("echo over stdio on one core, µs", "≤ 1.5"),
        ("echo over stdio, 64 under way, calls/s", "≥ 0.7"),
        ("processor time for 1,000 echoes, ms", ""),
        ("memory after 10,000 echoes, MB", ""),
    ];
    for ((what, aim), pairs) in rows.into_iter().zip(&pairs) {
        table.row(what, pairs, aim);
    }
    Ok(())
}

fn over_http(programs: &Programs, table: &mut Table) -> Result<()> {
    let (ours, bare) = (Service::start(&programs.echo)?, Service::start(&programs.bare)?);
    for (era, callers, aim) in
        [(Era::Modern, 1, ""), (Era::Modern, 8, ""), (Era::Modern, 32, "≥ 0.7"), (Era::Legacy, 32, "")]
    {
        let (mut rate, mut time) = (Pairs::default(), Pairs::default());
        for _ in 0..ROUNDS {
            let ([our_rate, our_time], [bare_rate, bare_time]) = (ours.load(callers, era)?, bare.load(callers, era)?);
            rate.add(our_rate, bare_rate);
            time.add(our_time, bare_time);
        }
        let what = match era {
            Era::Modern => format!("echo over HTTP, {callers} at once"),
            Era::Legacy => format!("echo over HTTP, {callers} at once, in sessions"),
        };
        table.row(&format!("{what}, calls/s"), &rate, aim);
        table.row(&format!("{what}, µs"), &time, "");
    }
    Ok(())
}

fn chat(programs: &Programs, home: &Path) -> Result<Table> {
    let workspace = Workspace::open(&programs.reader, home)?;
    let mut session = Session::open(&programs.reader)?;
    let reading = call("read_messages", r#"{"target":"sandbox:C1","limit":20}"#);
    session.one_by_one(&reading, 1)?;
    let before = workspace.requests()?;
    session.one_by_one(&reading, 1)?;
    if workspace.requests()? - before != Workspace::requests_of_a_call() as u64 {
        return Err("the verb asks the platform for something else now".into());
    }
    let (mut alone, mut together, mut above, mut cpu) = (Pairs::default(), Pairs::default(), vec![], vec![]);
    for _ in 0..ROUNDS {
        let (ours, upstream) = (session.one_by_one(&reading, READINGS)?, workspace.one_by_one(READINGS)?);
        above.push(ours - upstream);
        alone.add(ours, upstream);
        let before = session.process.cpu()?;
        together.add(session.pipelined(&reading, READINGS)?, workspace.pipelined(READINGS)?);
        #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
        cpu.push((session.process.cpu()? - before) / READINGS as f64 * 1e3);
    }
    let mut table = Table::of("`read_messages`, median", "its request alone");
    table.row("a call at a time, µs", &alone, "");
    table.alone("a call without its requests, µs", above, "≤ 200");
    table.row("64 under way, calls/s", &together, "");
    table.alone("processor time for 1,000 calls, ms", cpu, "");
    table.alone("memory after 10,000 calls, MB", vec![session.process.memory()?], "");
    Ok(table)
}

fn main() -> Result<()> {
    let home = env::temp_dir().join(format!("switchboard-bench-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let measured = measure(&home);
    fs::remove_dir_all(&home)?;
    for table in measured? {
        std::io::stdout().write_all(table.text().as_bytes())?;
    }
    Ok(())
}

fn measure(home: &Path) -> Result<[Table; 2]> {
    let (programs, cores) = (Programs::install(home)?, Cores::of_this_process()?);
    let mut table = Table::of("median", "bare rmcp");
    starts(&programs, &mut table)?;
    echoes(&programs, &cores, &mut table)?;
    over_http(&programs, &mut table)?;
    Ok([table, chat(&programs, home)?])
}
