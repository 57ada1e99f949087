//! `#[tool]` and `#[provider]`, which register what they are put on.
