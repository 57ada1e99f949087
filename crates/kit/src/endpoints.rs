//! Where a platform's API is: named addresses, and the hosts that files may come from.

use std::collections::{BTreeMap, BTreeSet};

use url::{Host, Url};

use crate::{Error, ErrorKind, Result};

/// Where a platform's API is. Credentials go to these places and to no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    named: BTreeMap<String, String>,
    downloads: BTreeSet<String>,
}

impl Endpoints {
    /// Names the API's address; paths are relative to it.
    pub fn api(url: impl Into<String>) -> Self {
        Self { named: BTreeMap::from([("api".into(), url.into())]), downloads: BTreeSet::new() }
    }

    /// Adds another address, for [`Api::at`](crate::Api::at).
    pub fn and(mut self, name: &str, url: impl Into<String>) -> Self {
        self.named.insert(name.into(), url.into());
        self
    }

    /// Lets files be fetched, with credentials, from `origin`, such as `https://files.example.com`.
    pub fn downloads_from(mut self, origin: impl Into<String>) -> Self {
        self.downloads.insert(origin.into());
        self
    }

    /// Replaces addresses by name, as `endpoints:` in the configuration asks.
    pub fn overridden(mut self, replacements: &BTreeMap<String, String>) -> Result<Self> {
        for (name, url) in replacements {
            let Some(known) = self.named.get_mut(name) else {
                let names: Vec<_> = self.named.keys().map(|name| format!("`{name}`")).collect();
                let message = format!("unknown endpoint `{name}`, expected {}", names.join(" or "));
                return Err(Error::new(ErrorKind::Config, message));
            };
            known.clone_from(url);
        }
        Ok(self)
    }

    /// Returns the address called `name`, with a path that ends in a slash.
    pub fn url(&self, name: &str) -> Result<Url> {
        let text =
            self.named.get(name).ok_or_else(|| Error::new(ErrorKind::Config, format!("unknown endpoint `{name}`")))?;
        let wrong = |why: &str| Error::new(ErrorKind::Config, format!("endpoint `{name}` is `{text}`, which {why}"));
        let mut url = Url::parse(text)
            .map_err(|_| wrong("is not a URL").hint("write it out, such as `https://chat.example.com`"))?;
        if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
            return Err(wrong("is not https").hint("use https; plain http is for loopback addresses only"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("holds more than an address and a path"));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(url)
    }

    /// Checks every address.
    pub fn checked(self) -> Result<Self> {
        for name in self.named.keys() {
            self.url(name)?;
        }
        Ok(self)
    }

    /// Returns every origin that credentials may be sent to.
    pub fn origins(&self) -> BTreeSet<String> {
        let named = self.named.values().chain(&self.downloads);
        named.filter_map(|url| Url::parse(url).ok()).map(|url| origin(&url)).collect()
    }
}

/// Returns scheme, host and port, which is what credentials are bound to.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Tells whether the URL leads to this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!(Endpoints::api("http://127.0.0.1:8008").checked().is_ok());
        assert!(Endpoints::api("https://chat.example.com").checked().is_ok());
        let error = Endpoints::api("http://chat.example.com").checked().unwrap_err();
        assert!(error.to_string().contains("is not https"), "{error}");
        assert!(Endpoints::api("https://user:secret@chat.example.com").checked().is_err());
    }

    #[test]
    fn an_unknown_endpoint_names_the_known_ones() {
        let wrong = BTreeMap::from([("apii".to_owned(), "https://x.example".to_owned())]);
        let error = Endpoints::api("https://a.example").overridden(&wrong).unwrap_err();
        assert_eq!(error.to_string(), "unknown endpoint `apii`, expected `api`");
    }

    #[test]
    fn an_address_keeps_its_path() {
        let url = Endpoints::api("https://a.example/chat").url("api").unwrap();
        assert_eq!(url.join("me").unwrap().as_str(), "https://a.example/chat/me");
    }
}
