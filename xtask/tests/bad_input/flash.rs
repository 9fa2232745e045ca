//! `cargo xtask flash` onto a file, which is written as a card is.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::checkout::Checkout;

fn flash(checkout: &Checkout, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["flash", "--image", "out/small.img"]).args(arguments);
    checkout.xtask(command)
}

fn built() -> Checkout {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout
}

#[test]
fn a_flashed_card_is_the_image_and_a_later_check_names_what_has_rotted() {
    let checkout = built();
    let written = checkout.succeeds(flash(&checkout, &["card"]));
    assert!(written.contains("out/small.img is on the card, read back and equal"), "{written}");
    let image = fs::read(checkout.path("out/small.img")).unwrap();
    assert!(fs::read(checkout.path("card")).unwrap() == image);
    // It holds the secrets of its site.
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(checkout.path("card")).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    checkout.succeeds(flash(&checkout, &["--check", "card"]));

    let mut card = image.clone();
    let kernel = card.windows(6).position(|bytes| bytes == b"kernel").unwrap();
    card[kernel] ^= 1;
    checkout.write("card", &card);
    assert_snapshot!(checkout.refuses(flash(&checkout, &["--check", "card"])), @r"
    error: the card is not as out/small.img made it
      config.txt on the boot partition is not the image's
      next: write it again; if that fails, use another card
    ");

    checkout.succeeds(flash(&checkout, &["--yes", "card"]));
    assert!(fs::read(checkout.path("card")).unwrap() == image);
}

#[test]
fn the_card_of_a_box_is_told_from_an_edited_one_and_from_that_of_another_box() {
    let checkout = built();
    checkout.fleet();
    let provision = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["provision", "--sites", "sites.toml", "--image", "out/small.img", "--out", "cards"]);
        checkout.succeeds(checkout.xtask({
            command.args(more);
            command
        }));
    };
    provision(&[]);
    provision(&["--fat-only"]);
    let checked = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["flash", "--check"]).args(arguments);
        checkout.xtask(command)
    };
    // With the base, by its own hashes, with its own image and with its own blocks.
    for (arguments, is_named) in [
        (["--image", "out/small.img"].as_slice(), true),
        (&["--own-hashes"], true),
        (&["--image", "cards/cabin-17.img"], false),
        (&["--image", "out/small.img", "--blocks", "cards/cabin-17.blocks"], false),
    ] {
        let said = checkout.succeeds(checked(&[arguments, &["cards/cabin-17.img"]].concat()));
        let names = said.contains("  the card was provisioned for cabin-17\n");
        assert_eq!((names, said.contains("edited")), (is_named, false), "{arguments:?}: {said}");
    }
    let of_18 = ["--image", "out/small.img", "--blocks", "cards/cabin-18.blocks", "cards/cabin-17.img"];
    assert_snapshot!(checkout.refuses(checked(&of_18)), @r"
    error: the card is not as cards/cabin-18.blocks made it
      it was provisioned for cabin-17, not for cabin-18
      next: it is a good card with another site: compare it with that box's image or blocks, or write it again
    ");
    assert_snapshot!(checkout.refuses(checked(&["--image", "cards/cabin-18.img", "out/small.img"])), @r"
    error: the card is not as cards/cabin-18.img made it
      it was not provisioned for cabin-18, nor for another box
      next: it is a good card with another site: compare it with that box's image or blocks, or write it again
    ");
}

#[test]
fn a_dry_run_says_what_would_be_written_and_writes_nothing() {
    let checkout = built();
    checkout.write("card", "precious");
    for target in ["card", "new"] {
        let said = checkout.succeeds(flash(&checkout, &["--dry-run", target]));
        assert!(said.contains("would write ") && said.contains(" bytes of out/small.img\n"), "{said}");
    }
    assert_eq!(fs::read_to_string(checkout.path("card")).unwrap(), "precious");
    assert!(!checkout.path("new").exists());
}

/// At whatever moment it is interrupted: the whole image, or a card without a partition table, and words about it.
#[test]
fn ctrl_c_leaves_a_whole_card_or_one_that_boots_nowhere() {
    let checkout = built();
    let image = fs::read(checkout.path("out/small.img")).unwrap();
    let mut was_interrupted = false;
    for attempt in 0..20 {
        let card = checkout.path("card");
        let _ = fs::remove_file(&card);
        let child = flash(&checkout, &["card"]).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        while fs::metadata(&card).map_or(0, |it| it.len()) == 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is written");
            thread::sleep(Duration::from_micros(100));
        }
        thread::sleep(Duration::from_millis(attempt));
        // Fails if it has ended already.
        let _ = kill_process(Pid::from_child(&child), Signal::INT);
        let output = child.wait_with_output().unwrap();
        let (said, left) = (String::from_utf8_lossy(&output.stderr), fs::read(&card).unwrap());
        if output.status.success() {
            assert!(left == image, "{said}");
            continue;
        }
        assert_eq!(output.status.code(), Some(130), "{said}");
        if said.contains("the card is not finished") {
            was_interrupted = true;
            // The first block is written last: it may be there, and the rest then is.
            assert!(left[510..512] == [0, 0] || left == image, "{said}");
        }
        checkout.succeeds(flash(&checkout, &["--yes", "card"]));
        assert!(fs::read(&card).unwrap() == image, "after an interruption");
    }
    assert!(was_interrupted, "no attempt was interrupted");
}

#[test]
fn what_cannot_be_written_is_refused_and_nothing_is_changed() {
    let checkout = built();
    checkout.write("mine", "precious");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["mine"])), @r"
    error: there is no terminal to ask on
      nothing was written
      next: --yes answers for scripts
    ");
    assert_eq!(fs::read_to_string(checkout.path("mine")).unwrap(), "precious");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["/dev/null"])), @r"
    error: /dev/null is not written
      it is neither a disk nor a file
      next: cargo xtask flash    lists the cards that can be written
    ");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["/dev/no-such-card"])), @r"
    error: /dev/no-such-card is not written
      No such file or directory (os error 2)
      next: cargo xtask flash    lists the cards that can be written
    ");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["out/small.img"])), @r"
    error: out/small.img is the image itself
      next: name another file, or a card: cargo xtask flash    lists them
    ");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["no/such/directory/card"])), @r"
    error: cannot open no/such/directory/card
      No such file or directory (os error 2)
      next: name a file in a directory that you can write to
    ");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["--check", "mine"])), @r"
    error: mine has 8 bytes, the image has 30408704
      next: name the card or file that this image was written to
    ");
    fs::remove_dir_all(checkout.path("out")).unwrap();
    assert_snapshot!(checkout.refuses(flash(&checkout, &["card"])), @r"
    error: cannot read out/small.img
      No such file or directory (os error 2)
      next: cargo xtask build-image
    ");
}

#[test]
fn an_image_that_is_damaged_touches_no_card() {
    let checkout = built();
    let image = fs::read(checkout.path("out/small.img")).unwrap();
    checkout.write("out/small.img", &image[..image.len() / 2]);
    assert_snapshot!(checkout.refuses(flash(&checkout, &["card"])), @r"
    error: the image and out/small.img.bmap do not fit together
      the image ends after 15204352 bytes, of 30408704
      next: build the image again: cargo xtask build-image
    ");
    let mut flipped = image.clone();
    flipped[8 << 20] ^= 1;
    checkout.write("out/small.img", &flipped);
    let error = checkout.refuses(flash(&checkout, &["card"]));
    assert!(error.contains("do not fit together") && error.contains("have SHA-256"), "{error}");
    checkout.write("out/small.img", &image);
    checkout.write("out/small.img.bmap", "<html>404</html>");
    assert_snapshot!(checkout.refuses(flash(&checkout, &["card"])), @r"
    error: the image and out/small.img.bmap do not fit together
      not a block map of version 2.0 (version: none)
      next: build the image again: cargo xtask build-image
    ");
    // Without a map nothing but the partition table tells how long it must be.
    fs::remove_file(checkout.path("out/small.img.bmap")).unwrap();
    checkout.write("out/small.img", &image[..image.len() / 2]);
    assert_snapshot!(checkout.refuses(flash(&checkout, &["card"])), @r"
    error: out/small.img was cut short
      its partitions end at 30408704 bytes, it has 15204352
      next: copy it again, or build it again: cargo xtask build-image
    ");
    assert!(!checkout.path("card").exists());
    checkout.write("card", &image);
    assert!(checkout.refuses(flash(&checkout, &["--check", "card"])).contains("was cut short"));
}

#[test]
fn what_is_no_image_is_not_written() {
    let checkout = built();
    checkout.write("notes", "x".repeat(5000));
    let flash = |image: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["flash", "--yes", "--image", image, "card"]);
        checkout.xtask(command)
    };
    assert_snapshot!(checkout.refuses(flash("notes")), @r"
    error: notes is no image of a card
      it has no partition table
      next: name the .img or .img.gz that `cargo xtask build-image` has made
    ");
    assert_snapshot!(checkout.refuses(flash("/dev/zero")), @r"
    error: cannot read /dev/zero
      it is neither a file nor a disk
      next: cargo xtask build-image
    ");
    assert!(!checkout.path("card").exists());
}
