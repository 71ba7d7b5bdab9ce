//! Puts what a server runs side by side in the program.
//!
//! The kernel maps an executable 64 KiB at a time around each page that is touched, and what a server runs, a
//! third of the code, is spread over all of it. Beside each other these functions are half of what an idle
//! server holds (docs/performance.md). The list is made by `link/find-functions`; a function that is not
//! in it, or no longer there, costs memory and nothing else.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const LIST: &str = "link/functions";

fn main() {
    println!("cargo::rerun-if-changed={LIST}");
    if env::var("PROFILE").as_deref() != Ok("release") || !links_with_lld() {
        return;
    }
    let list = fs::read_to_string(LIST).expect("the list of functions");
    let mut script = String::from("SECTIONS\n{\n  .text.serve : {\n");
    for name in list.lines().filter(|line| !line.starts_with('#')) {
        writeln!(script, "    *(.text.{name} .text.unlikely.{name})").expect("a string takes everything");
    }
    script.push_str("  }\n}\nINSERT BEFORE .text;\n");
    let path = Path::new(&env::var_os("OUT_DIR").expect("cargo says where")).join("functions.ld");
    fs::write(&path, script).expect("the linker's script");
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", path.display());
}

/// Whether the linker is the one that comes with rustc. Some that people choose take no such script.
fn links_with_lld() -> bool {
    let is = |variable: &str, value: &str| env::var(variable).as_deref() == Ok(value);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var_os("RUSTC_LINKER").is_none()
        && !flags.contains("link")
}
