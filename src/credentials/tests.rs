//! The protocol, told as stories of one machine: its processes, its disk, and a platform that rotates strictly.

#[cfg(unix)]
mod detached;
mod disk;
mod machine;
mod model;
mod sharing;
mod trouble;
