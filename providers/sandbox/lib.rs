//! The embedded chat that needs no account.
