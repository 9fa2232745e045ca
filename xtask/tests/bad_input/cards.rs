//! `cargo xtask provision` beside another run, and after one that was killed.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use insta::assert_snapshot;
use rustix::fs::{FlockOperation, flock};

use crate::checkout::{Checkout, names};

const SITE_WITH_A_SECRET: &str = r#"
role = "dialer"
hostname = "{name}"
[operator]
name = "sfr"
apn = "websfr"
[sms]
numbers = ["+33612345678"]
secret = "{one-time-secret}"
"#;

/// An image, and the sites of two boxes.
fn built() -> Checkout {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout.fleet();
    checkout
}

fn provision(checkout: &Checkout, more: &[&str]) -> Command {
    let mut command = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    command.args(["provision", "--sites", "sites.toml", "--image", "out/small.img", "--fat-only"]).args(more);
    command
}

/// As another run holds it.
fn hold(checkout: &Checkout, directory: &str) -> File {
    let file = File::open(checkout.path(directory)).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

#[test]
fn two_runs_do_not_write_to_one_directory() {
    let checkout = built();
    fs::create_dir(checkout.path("cards")).unwrap();
    let other = hold(&checkout, "cards");
    assert_snapshot!(checkout.refuses(provision(&checkout, &[])), @r"
    error: cards is in use
      another run writes there
      next: wait until it has finished, or give another directory with --out
    ");
    assert_eq!(names(&checkout.path("cards")), [""; 0]);
    drop(other);
    checkout.succeeds(provision(&checkout, &[]));
}

/// The other run has made secrets for another fleet after this one was started.
#[test]
fn the_secrets_of_two_runs_are_all_kept() {
    let checkout = built();
    checkout.write("cabin.toml", SITE_WITH_A_SECRET);
    fs::create_dir(checkout.path("vault")).unwrap();
    let other = hold(&checkout, "vault");
    let mut run =
        provision(&checkout, &["--secrets", "vault/all.toml"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "  waiting for another run that uses vault/all.toml …");
    checkout.write("vault/all.toml", "[hut-1]\none-time-secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'\n");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(checkout.path("vault/all.toml"), private).unwrap();
    drop(other);
    said.for_each(drop);
    assert!(run.wait().unwrap().success());
    let kept = fs::read_to_string(checkout.path("vault/all.toml")).unwrap();
    assert!(kept.contains("[hut-1]\n") && kept.contains("[cabin-17]\n"), "which boxes have secrets");
    // No run waits for itself.
    checkout.succeeds(provision(&checkout, &["--secrets", "vault/all.toml", "--out", "vault"]));
}

#[test]
fn what_a_killed_run_has_left_is_removed_and_nothing_else() {
    let checkout = built();
    fs::create_dir(checkout.path("cards")).unwrap();
    for name in [".cabin-99.img.part", ".sheet.html.part", ".notes.part", "cabin-99.img"] {
        checkout.write(&format!("cards/{name}"), "half");
    }
    checkout.succeeds(provision(&checkout, &["--only", "cabin-17"]));
    let left = names(&checkout.path("cards"));
    assert_eq!(left, [".notes.part", "cabin-17.blocks", "cabin-99.img", "sheet-part.html"]);
}

#[test]
fn the_file_that_cannot_be_written_is_named() {
    let checkout = built();
    fs::create_dir_all(checkout.path("cards/cabin-18.blocks")).unwrap();
    assert_snapshot!(checkout.refuses(provision(&checkout, &[])), @r"
    error: cannot write cards/cabin-18.blocks
      is a directory
      it was not written; the files before it are whole
      next: name a file: this is a directory
    ");
}

#[test]
fn a_site_that_is_too_long_is_named() {
    let checkout = built();
    let site = fs::read_to_string(checkout.path("cabin.toml")).unwrap();
    checkout.write("long.toml", format!("{site}# {}", "x".repeat(40_000)));
    let sites = fs::read_to_string(checkout.path("sites.toml")).unwrap();
    checkout.write("sites.toml", format!("{sites}template = \"long.toml\"\n"));
    let output = provision(&checkout, &[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(" at most\n  in the site of cabin-18 (sites.toml:3:6)\n"), "{said}");
}

#[test]
fn a_reader_of_the_list_that_ends_early_ends_nothing() {
    let checkout = built();
    let mut run = provision(&checkout, &["--json"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(run.stdout.take());
    assert!(run.wait().unwrap().success());
    assert!(checkout.path("cards/cabin-18.blocks").exists() && checkout.path("cards/sheet.html").exists());
}
