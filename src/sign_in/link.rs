//! Asks the platform who signed in, and stores the tokens with that identity, the issuer and the API hosts pinned to them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard_kit::{
    Error, ErrorKind, Identity, Principal, Result,
    host::{Account, CredentialSource, Credentials, Secret, Shared, local_call},
};
use url::Url;

use super::{
    Completed, SignIn,
    way::{ByOAuth, DEVICE_SCOPE},
};
use crate::{
    audit::{Entry, Event},
    chat::sanitise,
    oauth::{OAuthRenewal, Tokens},
    tokens::{Method, Record},
};

/// Makes the record of what an OAuth server gave.
pub(super) fn oauth_record(request: &SignIn, by: &ByOAuth, tokens: Tokens) -> Record {
    let server = &by.client.server;
    let mut record = Record::new(request.bound.platform(), Method::OAuth, tokens.access);
    record.refresh_token = tokens.refresh;
    record.scopes = tokens.scopes.unwrap_or_else(|| by.scopes.clone());
    record.issuer.clone_from(&server.issuer);
    record.client_id = Some(by.client.id.clone());
    record.client_secret = by.client.secret.clone().filter(|_| by.registered);
    record.token_uri = Some(server.token.to_string());
    record.revoke_uri = server.revoke.as_ref().map(Url::to_string);
    if let Some(scope) = &by.device_scope {
        record.other.insert(DEVICE_SCOPE.into(), scope.as_str().into());
    }
    let documented = by.client.description.refresh_lifetime.map(|life| life.as_secs_f64());
    record.good_for(Timestamp::now(), tokens.expires_in, tokens.refresh_expires_in.or(documented));
    record
}

/// Verifies the tokens by a call, and stores them. Those that are not stored are given back: nobody else knows of them.
pub(super) async fn link(request: &SignIn, record: Record) -> Result<Completed> {
    let linked = verify_and_store(request, record.clone()).await;
    if linked.is_err() {
        give_back(request, &record).await;
    }
    linked
}

async fn verify_and_store(request: &SignIn, mut record: Record) -> Result<Completed> {
    let origins = request.endpoints.origins();
    let source = Arc::new(Fixed { token: record.token.clone(), origins: origins.clone() });
    let shared = Arc::new(Shared::new(request.http.clone()));
    let account = Account::new(request.account.clone(), request.endpoints.clone(), source, shared);
    let call = local_call(Duration::from_secs(30));
    let identity = request.bound.connect(&Arc::new(account), &call).whoami().await;
    let identity = cleaned(&identity.map_err(|error| error.context("asking the platform who signed in"))?);
    let mut entry = request.store.lock(&request.key()).await?;
    if let Some(current) = entry.current() {
        if !request.replace {
            unmixed(request, current, &identity)?;
        }
        record.generation = current.generation + 1;
    }
    record.identity = Some(identity.clone());
    record.api_hosts = origins;
    entry.replace(record).await?;
    tracing::info!(account = %request.account, "Signed in");
    note(request, &identity).await;
    Ok(Completed { account: request.account.clone(), identity })
}

/// Notes that somebody has signed in, which is so even if it cannot be noted.
async fn note(request: &SignIn, identity: &Identity) {
    let Some(audit) = &request.audit else { return };
    let entry = Entry::now(Event::SignedIn, &request.key().principal, &request.account);
    if let Err(error) = audit.write(&Entry { person: Some(identity.id.clone()), ..entry }).await {
        tracing::warn!(%error, "A sign-in could not be noted");
    }
}

/// Refuses what belongs to another person or another server than the record that it would replace.
fn unmixed(request: &SignIn, current: &Record, identity: &Identity) -> Result<()> {
    at_pinned_hosts(request, current)?;
    let pinned = current.identity.as_ref().filter(|_| current.platform == request.bound.platform()).map(cleaned);
    match pinned.filter(|it| (&it.id, &it.workspace) != (&identity.id, &identity.workspace)) {
        Some(pinned) => {
            let message = format!(
                "`{}` belongs to {}, but {} signed in",
                request.account,
                described(&pinned.id, &pinned.name),
                described(&identity.id, &identity.name)
            );
            Err(Error::new(ErrorKind::Conflict, message)
                .hint(format!("sign in as {}, or add `--replace` to the command", pinned.name)))
        }
        None => Ok(()),
    }
}

/// Refuses hosts that the account's tokens are not for.
pub(super) fn at_pinned_hosts(request: &SignIn, record: &Record) -> Result<()> {
    let origins = request.endpoints.origins();
    if record.api_hosts.is_empty() || record.api_hosts == origins {
        return Ok(());
    }
    let listed = |hosts: &BTreeSet<String>| hosts.iter().map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", ");
    let (pinned, now) = (listed(&record.api_hosts), listed(&origins));
    let message = format!("`{}` is signed in at {pinned}, but is now configured for {now}", request.account);
    Err(Error::new(ErrorKind::Forbidden, message)
        .hint("correct the address in the configuration, or, if you trust the new one, add `--replace` to the command"))
}

/// What a platform writes is shown in terminals and pages, so it may hold no line break and nothing unseen.
fn cleaned(identity: &Identity) -> Identity {
    // What tells people apart is not cut.
    let workspace = identity.workspace.as_deref().map(sanitise::line);
    Identity { id: sanitise::line(&identity.id), name: sanitise::name(&identity.name), workspace }
}

fn described(id: &str, name: &str) -> String {
    if name == id { format!("`{id}`") } else { format!("{name} (`{id}`)") }
}

/// Ends a sign-in that is not wanted. The user has been told of the worse problem, so a failure is only logged.
async fn give_back(request: &SignIn, record: &Record) {
    let renewal = OAuthRenewal {
        http: request.http.clone(),
        bound: request.bound.clone(),
        client_secret: request.client.as_ref().and_then(|client| client.secret.clone()),
    };
    if let Err(error) = renewal.give_back(record).await {
        tracing::warn!(%error, "An unwanted sign-in could not be ended");
    }
}

/// The token that has just come.
struct Fixed {
    token: Secret,
    origins: BTreeSet<String>,
}

#[async_trait]
impl CredentialSource for Fixed {
    async fn fresh(&self, _: &Principal, origin: &str) -> Result<Credentials> {
        if self.origins.contains(origin) {
            return Ok(Credentials { scheme: "Bearer", secret: self.token.clone() });
        }
        Err(Error::new(ErrorKind::Forbidden, format!("the tokens are not for `{origin}`")))
    }

    async fn refused(&self, _: &Principal, _: &str, _: &Credentials) -> Result<Credentials> {
        Err(Error::new(ErrorKind::SignInRequired, "the platform does not accept the token"))
    }
}
