//! Records the compiler that compiled the builder, which compiles the device's programs as well. Asking it on every run
//! would cost more than all the rest.

use std::{env, process::Command};

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let said = Command::new(&rustc).arg("-vV").output().map(|it| it.stdout);
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    let field =
        |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("unknown").trim();
    println!("cargo::rustc-env=XTASK_RUSTC_RELEASE={}", field("release:"));
    println!("cargo::rustc-env=XTASK_RUSTC_COMMIT={}", field("commit-hash:"));
    println!("cargo::rustc-env=XTASK_RUSTC_HOST={}", field("host:"));
    println!("cargo::rerun-if-changed=build.rs");
}
