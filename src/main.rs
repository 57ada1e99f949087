//! Parses the command line, loads the configuration and runs one mode.

fn main() {}
