//! Whole exchanges, replayed from `samples/`.
