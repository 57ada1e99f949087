//! The renewal of a real server, which the process may not survive.

use async_trait::async_trait;
use switchboard::{
    credentials::{Renewal, RenewalError, Renewed},
    oauth::OAuthRenewal,
    tokens::Record,
};

use super::{Point, Said, say};

/// Renews, and dies at its point.
pub(super) struct FragileRenewal {
    pub(super) inner: OAuthRenewal,
    pub(super) crash: Option<Point>,
}

#[async_trait]
impl Renewal for FragileRenewal {
    async fn renew(&self, record: &Record) -> Result<Renewed, RenewalError> {
        Point::BeforeRequest.reached(self.crash);
        say(&Said::Sending);
        let renewed = self.inner.renew(record).await?;
        Point::Received.reached(self.crash);
        Ok(renewed)
    }
}
