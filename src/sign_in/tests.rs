//! Signs in over real HTTP on this machine: against the sandbox's OAuth server, and against small servers of our own.

mod attacks;
mod by_browser;
mod by_session;
mod elsewhere;
mod giving_back;
mod inviting;
mod pinning;
mod renewing;
mod world;
