//! A build from a bundle that is none, or was damaged. (`xtask/src/bundle.rs` changes its bytes one after the other.)

use std::process::Command;

use insta::assert_snapshot;

use crate::checkout::Checkout;

fn build(checkout: &Checkout) -> Command {
    let mut build = checkout.build_image();
    build.args(["--offline", "--bundle", "dialbox.bundle"]);
    build
}

#[test]
fn a_file_that_is_no_bundle_is_refused_and_nothing_else_is_used() {
    let checkout = Checkout::new();
    assert_snapshot!(checkout.refuses(build(&checkout)), @r"
    error: cannot read the bundle dialbox.bundle
      No such file or directory (os error 2)
      next: name the file that `cargo xtask bundle` has made
    ");
    checkout.write("dialbox.bundle", "cut short");
    assert_snapshot!(checkout.refuses(build(&checkout)), @r"
    error: dialbox.bundle is no whole bundle
      next: copy it again, or make it again with `cargo xtask bundle`
    ");
    checkout.write("dialbox.bundle", vec![0; 4096]);
    assert_snapshot!(checkout.refuses(build(&checkout)), @r"
    error: dialbox.bundle is no whole bundle
      its last block is not that of a bundle
      next: copy it again, or make it again with `cargo xtask bundle`
    ");
}

#[test]
fn what_boots_an_image_takes_its_emulator_from_a_bundle_that_is_whole_or_from_nowhere() {
    let checkout = Checkout::new();
    checkout.write("dialbox.bundle", "cut short");
    for verb in ["qemu", "demo", "test"] {
        let mut boot = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
        boot.args([verb, "--bundle", "dialbox.bundle"]);
        let error = checkout.refuses(boot);
        assert!(error.starts_with("error: dialbox.bundle is no whole bundle\n"), "{verb}: {error}");
    }
}
