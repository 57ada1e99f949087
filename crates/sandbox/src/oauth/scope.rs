//! The two scopes, and sets of them.

use super::Denial;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Read,
    Write,
}

impl Scope {
    pub(crate) const ALL: [Self; 2] = [Self::Read, Self::Write];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "chat:read",
            Self::Write => "chat:write",
        }
    }

    /// Whether the space-separated set `scopes` has it.
    pub(crate) fn is_in(self, scopes: &str) -> bool {
        scopes.split_ascii_whitespace().any(|scope| scope == self.name())
    }
}

/// Returns the set that a request asks for in its normal form; asking for nothing asks for reading.
pub(super) fn requested(scopes: Option<&str>) -> Result<String, Denial> {
    let scopes = scopes.filter(|scopes| !scopes.trim().is_empty()).unwrap_or(Scope::Read.name());
    let unknown = |name: &&str| Scope::ALL.iter().all(|scope| scope.name() != *name);
    if let Some(name) = scopes.split_ascii_whitespace().find(unknown) {
        return Err(Denial::new("invalid_scope", format!("unknown scope `{name}`, available: chat:read, chat:write")));
    }
    let known: Vec<_> = Scope::ALL.into_iter().filter(|scope| scope.is_in(scopes)).map(Scope::name).collect();
    Ok(known.join(" "))
}
