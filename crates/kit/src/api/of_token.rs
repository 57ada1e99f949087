//! What holds as long as the token is the same: whose it is, above all. Another person may sign in to the same account.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use super::Api;
use crate::Result;

/// What was got, and with which token.
type Slot<T> = Mutex<Option<(SecretString, Arc<T>)>>;

impl Api {
    /// Does the same as [`cached`](Self::cached) for what is true of the sign-in: with another token, it is constructed anew.
    /// Calls that ask at the same time may each construct it.
    pub async fn cached_for_token<T: Send + Sync + 'static>(
        &self,
        key: &str,
        construct: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        let origin = crate::send::origin_of(&self.get(""))?;
        // Before it is constructed: a token that replaces this one meanwhile is another the next time.
        let token = self.account.credentials.fresh(self.call.principal(), &origin).await?.secret;
        let slot: Arc<Slot<T>> = self.cached(key, async { Ok(Mutex::new(None)) }).await?;
        let kept = slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, value)) = kept.filter(|(with, _)| with.expose_secret() == token.expose_secret()) {
            return Ok(value);
        }
        let value = Arc::new(construct.await?);
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((token, value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::{
        AccountKey, Call, Endpoints, Principal,
        host::{Account, CredentialSource, Credentials, Shared},
    };

    /// The token of whoever has signed in last.
    struct Last(Mutex<&'static str>);

    #[async_trait]
    impl CredentialSource for Last {
        async fn fresh(&self, _: &Principal, _: &str) -> Result<Credentials> {
            Ok(Credentials { scheme: "Bearer", secret: (*self.0.lock().unwrap()).into() })
        }

        async fn refused(&self, principal: &Principal, origin: &str, _: &Credentials) -> Result<Credentials> {
            self.fresh(principal, origin).await
        }
    }

    #[tokio::test]
    async fn who_signs_in_next_is_not_taken_for_who_was_signed_in_before() {
        let last = Arc::new(Last(Mutex::new("of ana")));
        let endpoints = Endpoints::api("https://chat.example/");
        let account = Account::new(AccountKey::new("work"), endpoints, last.clone(), Arc::new(Shared::default()));
        let call = Call::new(Principal::local(), Duration::from_secs(30));
        let api = Api::new(Arc::new(account), call, |_| Ok(()));
        let who = async |name: &'static str| *api.cached_for_token("me", async { Ok(name) }).await.unwrap();
        assert_eq!((who("ana").await, who("somebody").await), ("ana", "ana"));
        *last.0.lock().unwrap() = "of bo";
        assert_eq!((who("bo").await, who("somebody").await), ("bo", "bo"));
        let fails = api.cached_for_token::<u8>("other", async { Err(crate::Error::unexpected("down")) }).await;
        assert!(fails.is_err());
        assert_eq!(*api.cached_for_token("other", async { Ok(7_u8) }).await.unwrap(), 7);
    }
}
