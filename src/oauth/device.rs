//! Signs in from a machine without a browser: the user types a code on another one (RFC 8628).

use std::time::Duration;

use oauth2::{DeviceAuthorizationUrl, Scope, StandardDeviceAuthorizationResponse};
use switchboard_kit::{Error, Result};

use super::{Client, Failure, Tokens, exchange, secure};

/// What the user is shown, and what the polls present.
pub struct DeviceCodes(StandardDeviceAuthorizationResponse);

impl DeviceCodes {
    /// Returns the page at which the code is typed.
    pub fn page(&self) -> &str {
        self.0.verification_uri()
    }

    /// Returns the code.
    pub fn code(&self) -> &str {
        self.0.user_code().secret()
    }
}

impl Client {
    /// Begins a device sign-in.
    pub async fn begin_device(&self, scopes: &[String]) -> Result<DeviceCodes> {
        let Some(endpoint) = &self.server.device else {
            return Err(Error::unsupported("the authorization server has no device sign-in")
                .hint("leave out `--device`, and paste the address at which the browser ends"));
        };
        let client = self.basic().set_device_authorization_url(DeviceAuthorizationUrl::from_url(endpoint.clone()));
        let mut request = client.exchange_device_code();
        if !scopes.is_empty() {
            request = request.add_scope(Scope::new(scopes.join(self.description.scope_separator)));
        }
        let send = exchange::sender(&self.http, "", Duration::from_secs(30));
        let codes: StandardDeviceAuthorizationResponse = request.request_async(&send).await.map_err(Failure::from)?;
        secure("verification_uri", codes.verification_uri())?;
        Ok(DeviceCodes(codes))
    }

    /// Waits until the user has decided, polling as often as the server allows.
    pub async fn finish_device(&self, codes: &DeviceCodes) -> Result<Tokens, Failure> {
        let client = self.basic();
        let send = exchange::sender(&self.http, self.description.token_at, Duration::from_secs(30));
        let answer =
            client.exchange_device_access_token(&codes.0).request_async(&send, tokio::time::sleep, None).await?;
        Ok(exchange::tokens(&answer))
    }
}
