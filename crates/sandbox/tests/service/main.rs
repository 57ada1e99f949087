//! Drives the sandbox over real HTTP, as clients do.

#[cfg(test)]
mod client;
#[cfg(test)]
mod crowd;
mod faults;
mod reading;
mod sharing;
mod sign_in;
mod writing;
