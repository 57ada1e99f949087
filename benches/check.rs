//! Measures what handing out a credential costs when it is fresh: reading the token file and judging what is in it.

use std::{collections::BTreeMap, error::Error, hint::black_box, sync::Arc, time::Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard::{
    credentials::{Renewal, RenewalError, Renewed, Sources, StoredCredentials, SystemClock},
    tokens::{FileStore, Method, Record, TokenKey, TokenStore as _},
};
use switchboard_kit::{AccountKey, Principal, host::CredentialSource as _};
use tokio_util::task::TaskTracker;

const ORIGIN: &str = "https://chat.example";
const CHECKS: usize = 200_000;

/// Nothing needs renewing here.
struct Never;

#[async_trait]
impl Renewal for Never {
    async fn renew(&self, _: &Record) -> Result<Renewed, RenewalError> {
        Err(RenewalError::Refused { code: "never".into() })
    }
}

#[expect(clippy::print_stdout, reason = "a report is what it is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let key = TokenKey { principal: Principal::local(), account: AccountKey::new("chat") };
    let store = FileStore::new(BTreeMap::from([(key.account.clone(), folder.path().join("token.json"))]));
    // As long as an OpenID Connect access token.
    let mut record = Record::new("chat", Method::OAuth, "a".repeat(1200).into());
    record.refresh_token = Some("r".repeat(400).into());
    record.api_hosts.insert(ORIGIN.into());
    record.scopes = ["read", "write", "files", "search"].map(str::to_owned).to_vec();
    record.good_for(Timestamp::now(), Some(3600.0), Some(86_400.0));
    store.lock(&key).await?.replace(record).await?;
    let sources = Sources {
        store: Arc::new(store),
        renewal: Arc::new(Never),
        clock: Arc::new(SystemClock),
        detached: None,
        tasks: TaskTracker::new(),
    };
    let credentials = StoredCredentials::new(key.account, "sign in", sources);
    let mut times = Vec::with_capacity(CHECKS);
    for _ in 0..CHECKS {
        let began = Instant::now();
        black_box(credentials.fresh(&key.principal, ORIGIN).await?);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times[CHECKS * share / 1000].as_secs_f64() * 1e6;
    println!("\n| µs | p50 | p99 | p99.9 |\n|---|---|---|---|");
    println!("| credential check (aim: p99 under 10) | {:.1} | {:.1} | {:.1} |", at(500), at(990), at(999));
    Ok(())
}
