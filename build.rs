//! Links every enabled provider crate, so that what it registers is in the binary: the linker drops, without a word, a
//! crate that nothing names. It writes down what emojis are called, and on Linux it says how to link for a quick start.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=providers");
    println!("cargo::rerun-if-changed=benches/start.ld");
    link_for_a_quick_start();
    let mut names = Vec::new();
    for entry in fs::read_dir("providers")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase())).is_some() {
            names.push(name);
        }
    }
    names.sort();
    let links: Vec<_> = names.iter().map(|name| format!("extern crate {name} as _;")).collect();
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("providers.rs"), links.join("\n"))?;
    fs::write(Path::new(&out).join("emojis.txt"), emojis())
}

/// Returns a line for each emoji: itself, and the names that people give it.
fn emojis() -> String {
    let mut lines = Vec::new();
    for emoji in emojis::iter() {
        let names: Vec<_> = emoji.shortcodes().collect();
        lines.push(format!("{emoji} {}", names.join(" ")));
        let toned = emoji.skin_tones().into_iter().flatten().filter(|toned| *toned != emoji);
        lines.extend(toned.map(|toned| format!("{toned} ")));
    }
    lines.join("\n")
}

fn link_for_a_quick_start() {
    let said = |name: &str| env::var(name).unwrap_or_default();
    if said("CARGO_CFG_TARGET_OS") != "linux" || said("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    if !said("CARGO_CFG_TARGET_FEATURE").contains("crt-static") {
        // The unwinder inside the program is one library less to map, relocate and initialize.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
    // Functions that run at every start, side by side, are in memory after a few faults. Only the linker that Rust brings
    // along is known to take this, and whoever says otherwise how to link may have another one.
    let own_linker = said("TARGET") == "x86_64-unknown-linux-gnu" && said("RUSTC_LINKER").is_empty();
    if own_linker && said("CARGO_ENCODED_RUSTFLAGS").is_empty() && said("PROFILE") == "release" {
        println!("cargo::rustc-link-arg-bins=-Wl,--script={}/benches/start.ld", said("CARGO_MANIFEST_DIR"));
    }
}
