//! A platform's client, signed in with a token of the test's own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Platform, Principal, Result,
    host::{Account, CredentialSource, Credentials, Live, PlatformDef, Secret, local_call},
};

/// Credentials that never change.
struct Fixed(String);

#[async_trait]
impl CredentialSource for Fixed {
    async fn fresh(&self, _: &Principal, _: &str) -> Result<Credentials> {
        Ok(Credentials { scheme: "Bearer", secret: Secret::from(self.0.clone()) })
    }

    async fn refused(&self, _: &Principal, _: &str, _: &Credentials) -> Result<Credentials> {
        Err(Error::new(ErrorKind::SignInRequired, "the platform no longer accepts the sign-in"))
    }
}

/// Returns a client of `P` with these settings, for one call of a minute.
///
/// # Panics
///
/// If the settings are refused.
pub fn connect<P: Platform>(settings: Value, token: &str) -> Box<dyn Live> {
    let bound = (PlatformDef::new::<P>().bind)(settings).expect("settings that the platform takes");
    let credentials = Arc::new(Fixed(token.into()));
    let account = Account::new(AccountKey::new(P::KEY), bound.endpoints(), credentials, Arc::default());
    bound.connect(&Arc::new(account), &local_call(Duration::from_mins(1)))
}
