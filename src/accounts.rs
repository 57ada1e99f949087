//! Configuration and linked platforms, made the accounts to serve.

mod choice;
mod client;
mod places;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{self, PathBuf},
    sync::Arc,
    time::Duration,
};

use switchboard_kit::{
    AccountKey, Error, ErrorKind, Identity, Principal, Result,
    host::{Account, CredentialSource, Http, Shared},
};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::{
    audit::Audit,
    chat::{FileRoots, Rules, Served, ServedAccount},
    cli::Options,
    config::{self, Access, AccountConfig, Config, Source},
    credentials::{DetachedProcess, DetachedRenewal, Sources, StoredCredentials, SystemClock},
    oauth::{self, OAuthRenewal},
    sandbox,
    sign_in::{self, ClientCredentials, Invitations, SignIn, Terminal},
    state::{Owner, State},
    tokens::{Disk as _, FileStore, RealDisk, Record, TokenKey},
};

/// How long renewals under way may take once the client has gone.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long each thing that calls shared may take to close.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The accounts that this process serves, and what they share. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    config: Arc<Config>,
    options: Arc<Options>,
    chosen: Vec<AccountKey>,
    shared: Arc<Shared>,
    store: Arc<FileStore>,
    renewals: TaskTracker,
    may_invite: bool,
    state: State,
    audit: Audit,
}

impl Accounts {
    /// Reads the configuration and chooses the accounts that the flags ask for.
    pub fn load(options: &Options) -> Result<Self> {
        let accounts = Self::of(Config::load(config::locate(options.config.clone()))?, options)?;
        for key in &accounts.chosen {
            if accounts.account(key).credentials_path.is_some() {
                accounts.client(key)?;
            }
        }
        Ok(accounts)
    }

    /// Chooses the accounts of `config` that the flags ask for, without a look at the files that they name.
    pub fn of(config: Config, options: &Options) -> Result<Self> {
        let chosen = choice::choose(&config, &options.provider)?;
        let paths = config.accounts.iter().map(|(key, account)| Ok((key.clone(), token_path(key, account)?)));
        let paths = paths.collect::<Result<_>>()?;
        if config.accounts.values().any(|account| account.token_path.is_some()) {
            places::check_apart(&paths)?;
        }
        let sandbox_state = state_dir()?.join(sandbox::KEY).join("sandbox.db");
        let runtime_folder = config::directories().and_then(|own| own.runtime_dir()).map(path::Path::to_owned);
        let audit = match &config.audit {
            Some(path) => {
                places::check_audit(&paths, path)?;
                path.clone()
            }
            None => state_dir()?.join("audit.jsonl"),
        };
        Ok(Self {
            audit: Audit::at(audit),
            shared: Arc::new(Shared::new(Arc::new(sandbox::embed(Http::default(), sandbox_state)))),
            store: Arc::new(FileStore::new(paths).with_runtime_folder(runtime_folder)),
            config: Arc::new(config),
            options: Arc::new(options.clone()),
            chosen,
            renewals: TaskTracker::new(),
            may_invite: true,
            state: State::at(state_dir()?.join("state.db")),
        })
    }

    /// Leaves signing in to the command line: its pages are on this machine, and the clients may not be.
    pub fn without_invitations(mut self) -> Self {
        self.may_invite = false;
        self
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the keys of the accounts that are served, in order.
    pub fn keys(&self) -> &[AccountKey] {
        &self.chosen
    }

    /// Returns one account's block.
    pub fn account(&self, key: &AccountKey) -> &AccountConfig {
        &self.config.accounts[key]
    }

    /// Returns what sends requests.
    pub fn http(&self) -> &Arc<Http> {
        self.shared.http()
    }

    /// Returns what keeps tokens.
    pub fn store(&self) -> &Arc<FileStore> {
        &self.store
    }

    /// Returns the account's entry in the token store.
    pub fn token_key(key: &AccountKey) -> TokenKey {
        TokenKey { principal: Principal::local(), account: key.clone() }
    }

    /// Returns whether the flags name the accounts, rather than leave it at all of them.
    pub fn are_named(&self) -> bool {
        !self.options.provider.is_empty()
    }

    /// Returns the one account that the flags name.
    pub fn only(&self) -> Result<&AccountKey> {
        match self.chosen.as_slice() {
            [only] if self.options.provider.len() == 1 => Ok(only),
            _ => Err(Error::new(ErrorKind::Config, "signing in takes exactly one account").hint(format!(
                "say `--provider {}`",
                self.config.accounts.keys().next().map_or("NAME", AccountKey::as_str)
            ))),
        }
    }

    /// Returns whether the account may be written to. What the file forbids, no flag allows.
    pub fn may_write(&self, key: &AccountKey) -> bool {
        match self.account(key).access {
            _ if self.options.read_only => false,
            Some(access) => access == Access::Write,
            None => self.options.allow_write,
        }
    }

    /// Returns what may be done in the account: flags only narrow what the file says.
    pub fn rules(&self, key: &AccountKey) -> Rules {
        let rules = self.account(key).rules.clone();
        Rules {
            write: self.may_write(key),
            confirm_writes: self.options.confirm_writes,
            lockdown: self.options.lockdown || rules.lockdown,
            ..rules
        }
    }

    /// Returns where it is noted what was done and refused.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Returns where the account's tokens are.
    pub fn token_path(&self, key: &AccountKey) -> Result<PathBuf> {
        token_path(key, self.account(key))
    }

    /// Returns where the account's OAuth client is looked for.
    pub fn client_path(&self, key: &AccountKey) -> Option<PathBuf> {
        let usual = || Some(config::directories()?.config_dir().join("credentials").join(format!("{key}.json")));
        self.account(key).credentials_path.clone().or_else(usual)
    }

    /// Returns the file that holds the account's tokens, wherever a link leads.
    pub fn token_file(&self, key: &AccountKey) -> Result<PathBuf> {
        let path = self.token_path(key)?;
        Ok(RealDisk.resolve(&path).unwrap_or(path))
    }

    /// Returns the account's OAuth client, if the user has brought one.
    pub fn client(&self, key: &AccountKey) -> Result<Option<ClientCredentials>> {
        let demanded = self.account(key).credentials_path.is_some();
        let path = self.client_path(key).filter(|path| demanded || path.is_file());
        path.map(|path| client::read(key, &path)).transpose()
    }

    /// Returns the scopes that the account's access in force needs, where its platform has such things.
    pub fn scopes(&self, key: &AccountKey) -> Vec<String> {
        let (config, write) = (self.account(key), self.may_write(key));
        match (&config.scopes, oauth::description(&config.bound.auth())) {
            (Some(own), _) => own.for_access(write),
            (None, Some(description)) => sign_in::usual_scopes(&description, write),
            (None, None) => Vec::new(),
        }
    }

    /// Returns what renews the account's sign-in, and gives it back.
    pub fn renewal(&self, key: &AccountKey) -> Result<OAuthRenewal> {
        Ok(OAuthRenewal {
            http: self.http().clone(),
            bound: self.account(key).bound.clone(),
            client_secret: self.client(key)?.and_then(|client| client.secret),
        })
    }

    /// Returns the exact command that signs in to the account.
    pub fn sign_in_command(&self, key: &AccountKey) -> String {
        let program = env::args().next().unwrap_or_else(|| "switchboard".into());
        let mut words = vec![program];
        if let (Some(_), Source::File(path)) = (&self.options.config, &self.config.source) {
            words.extend(["--config".into(), path.display().to_string()]);
        }
        words.extend(["--provider".into(), key.to_string(), "--local-auth".into()]);
        if self.options.allow_write && self.account(key).access.is_none() {
            words.push("--allow-write".into());
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Prepares a sign-in to the account, with what the configuration says about it.
    pub fn sign_in(&self, key: &AccountKey, terminal: Arc<dyn Terminal>) -> Result<SignIn> {
        let (config, write) = (self.account(key), self.may_write(key));
        let mut request =
            SignIn::new(key.clone(), config.bound.clone(), self.http().clone(), self.store.clone(), terminal);
        request.endpoints = config.endpoints()?;
        request.client = self.client(key)?;
        request.scopes = config.scopes.as_ref().map(|scopes| scopes.for_access(write));
        request.write = write;
        request.ports.clone_from(&config.ports);
        request.callback_url.clone_from(&config.callback_url);
        request.token_path = self.token_path(key)?.display().to_string();
        request.command = self.sign_in_command(key);
        request.exchanges = self.renewals.clone();
        request.audit = Some(self.audit.clone());
        Ok(request)
    }

    /// Returns the toolsets that each served account asks for.
    pub fn toolsets(&self) -> BTreeMap<AccountKey, Vec<String>> {
        self.chosen.iter().map(|key| (key.clone(), self.account(key).toolsets.clone())).collect()
    }

    /// Puts together what the verbs act on.
    pub fn served(&self) -> Result<Arc<Served>> {
        let accounts = self.chosen.iter().map(|key| self.serve(key)).collect::<Result<_>>()?;
        let files = &self.config.files;
        let upload = files.upload_roots.iter().chain(&self.options.upload_root).cloned().collect();
        let download = self.options.download_root.clone().or_else(|| files.download_root.clone());
        let files = FileRoots { upload, download, closed: self.secret_places()? };
        Ok(Arc::new(Served::new(accounts, files, self.state.clone(), self.audit.clone())))
    }

    /// Forgets what is remembered of the account's sign-in.
    pub(crate) async fn forget(&self, key: &AccountKey) -> Result<()> {
        let sign_in = self.sign_in_place(key)?;
        self.state.forget(Owner { principal: Principal::local(), sign_in }).await
    }

    fn sign_in_place(&self, key: &AccountKey) -> Result<Arc<str>> {
        Ok(self.token_path(key)?.display().to_string().into())
    }

    /// Returns where secrets and notes are kept, also those of accounts that are not served.
    fn secret_places(&self) -> Result<Vec<PathBuf>> {
        let mut places = vec![state_dir()?, self.audit.path().to_owned()];
        places.extend(config::directories().map(|own| own.config_dir().to_owned()));
        if let Source::File(path) = &self.config.source {
            places.push(path.clone());
        }
        for (key, account) in &self.config.accounts {
            places.push(token_path(key, account)?);
            places.extend(account.credentials_path.clone());
        }
        // What stands relative to where we are has no folder to compare.
        Ok(places.into_iter().map(|place| path::absolute(&place).unwrap_or(place)).collect())
    }

    /// Returns what hands out the account's tokens, and renews them in a process of its own if `detached` may.
    pub fn credentials(&self, key: &AccountKey, detached: bool) -> Result<StoredCredentials> {
        let sources = Sources {
            store: self.store.clone(),
            renewal: Arc::new(self.renewal(key)?),
            clock: Arc::new(SystemClock),
            detached: if detached { self.detached(key)? } else { None },
            tasks: self.renewals.clone(),
        };
        Ok(StoredCredentials::new(key.clone(), &self.sign_in_command(key), sources))
    }

    /// Returns what renews the account's tokens in a process of its own, where the end of this one would lose the sign-in.
    fn detached(&self, key: &AccountKey) -> Result<Option<Arc<dyn DetachedRenewal>>> {
        let config = self.account(key);
        // The sandbox inside this process does not outlive it, and elsewhere locks cannot be passed on.
        let useful = config.bound.auth().rotates_strictly() && !sandbox::is_embedded(&config.endpoints()?);
        let Ok(program) = env::current_exe() else { return Ok(None) };
        let mut arguments = Vec::new();
        if let Source::File(path) = &self.config.source {
            arguments.extend(["--config".into(), path.clone().into_os_string()]);
        }
        Ok((useful && cfg!(unix)).then(|| Arc::new(DetachedProcess { program, arguments }) as _))
    }

    fn serve(&self, key: &AccountKey) -> Result<ServedAccount> {
        let config = self.account(key);
        let endpoints = config.endpoints()?;
        let stored = self.credentials(key, true)?;
        let embedded = sandbox::is_embedded(&endpoints);
        let credentials: Arc<dyn CredentialSource> = if embedded {
            Arc::new(sandbox::SelfSignIn::new(stored, self.sign_in(key, sandbox::visitor(self.http()))?))
        } else {
            Arc::new(stored)
        };
        let path = self.token_path(key)?;
        let (accounts, account) = (self.clone(), key.clone());
        let invitations = Invitations::new(move |terminal| accounts.sign_in(&account, terminal));
        Ok(ServedAccount {
            account: Arc::new(Account::new(key.clone(), endpoints, credentials, self.shared.clone())),
            bound: config.bound.clone(),
            name: config.name.clone(),
            description: Some(config.description.clone()).filter(|text| !text.is_empty()),
            sign_in_place: self.sign_in_place(key)?,
            rules: self.rules(key),
            sign_in_command: self.sign_in_command(key),
            signed_in: Arc::new(move || embedded || identity(&path).is_some()),
            invitations: (!embedded && self.may_invite).then_some(invitations),
        })
    }

    /// Waits for renewals under way, as a refresh token that was spent must be replaced on disk before we go. Then closes what
    /// was shared: nothing is asked of a platform afterwards.
    pub async fn finish(&self) {
        self.finish_within(FAREWELL).await;
    }

    /// Does the same, for so long at most.
    pub async fn finish_within(&self, patience: Duration) {
        self.renewals.close();
        let until = Instant::now() + patience;
        drop(timeout_at(until, self.renewals.wait()).await);
        self.shared.close(until.saturating_duration_since(Instant::now()).min(LAST_WORDS)).await;
    }
}

fn token_path(key: &AccountKey, account: &AccountConfig) -> Result<PathBuf> {
    match &account.token_path {
        Some(path) => Ok(path.clone()),
        None => Ok(state_dir()?.join(key.as_str()).join("token.json")),
    }
}

/// Returns the directory that holds what this program keeps between runs.
fn state_dir() -> Result<PathBuf> {
    let directories = config::directories().ok_or_else(|| {
        Error::new(ErrorKind::Config, "this machine does not say where your home directory is").hint("set HOME")
    })?;
    Ok(directories.state_dir().unwrap_or_else(|| directories.data_local_dir()).to_owned())
}

fn identity(path: &PathBuf) -> Option<Identity> {
    serde_json::from_slice::<Record>(&fs::read(path).ok()?).ok()?.identity
}

/// Quotes a word for a shell, if it needs that.
pub(crate) fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_alphanumeric() || "-_./:\\=,@+".contains(c)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
