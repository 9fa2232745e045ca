//! A user's environment and cargo configuration, of which nothing may reach the compiler.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::checkout::Checkout;

/// Each of them alone would change the programs.
const VARIABLES: [(&str, &str); 7] = [
    ("CARGO_INCREMENTAL", "0"),
    ("CARGO_PROFILE_DEVICE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_BUILD_RUSTFLAGS", "-Cdebuginfo=2"),
    ("CARGO_TARGET_ARM_UNKNOWN_LINUX_MUSLEABI_RUSTFLAGS", "-Ctarget-cpu=cortex-a7"),
    ("RUSTFLAGS", "-Cdebuginfo=2"),
    ("RUSTC_WRAPPER", "/nonexistent/wrapper"),
];

const CONFIGURATION: &str = "[build]\nrustflags = [\"-Cdebuginfo=2\"]\nincremental = false\n\
                             [profile.device]\nopt-level = 3\n[profile.release]\nlto = \"fat\"\n\
                             [env]\nRUSTC_BOOTSTRAP = { value = \"1\", force = true }\n[net]\nretry = 9\n";

/// What the cargo that compiles for the box gets: its environment and its configuration.
fn compiler_sees(checkout: &Checkout, variables: &[(&str, &str)]) -> String {
    let seen = checkout.path("../seen");
    let record = format!(
        "#!/bin/sh\nfor i in 1; do env; cat \"$CARGO_HOME/config.toml\"; done >> {}\n",
        seen.display()
    );
    checkout.edit("../cargo", "#!/bin/sh\n", &record);
    fs::set_permissions(checkout.path("../cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut build = checkout.build_image_offline();
    build.env("CARGO_HOME", checkout.path("../home")).envs(variables.iter().copied());
    checkout.succeeds(build);
    fs::read_to_string(seen).unwrap()
}

#[test]
fn a_hostile_cargo_home_and_environment_do_not_reach_the_compiler() {
    let checkout = Checkout::new();
    checkout.write("../home/config.toml", CONFIGURATION);
    checkout.write(".cargo/config.toml", CONFIGURATION);
    let seen = compiler_sees(&checkout, &VARIABLES);
    for (name, _) in VARIABLES {
        assert!(!seen.lines().any(|line| line.starts_with(&format!("{name}="))), "{name} in\n{seen}");
    }
    for table in ["[build]", "[env]", "[profile"] {
        assert!(!seen.contains(table), "{table} in\n{seen}");
    }
    // Where crates come from is the user's choice.
    assert!(seen.contains("retry = 9"), "{seen}");
}
