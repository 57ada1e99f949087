//! All that a provider may use, and nothing else.
