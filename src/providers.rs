//! The providers that this build links; build.rs writes the list.

include!(concat!(env!("OUT_DIR"), "/providers.rs"));
