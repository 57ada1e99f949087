//! Links every enabled provider crate, so that what it registers is in the binary: the linker drops, without a word, a
//! crate that nothing names.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=providers");
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
    fs::write(Path::new(&out).join("providers.rs"), links.join("\n"))
}
