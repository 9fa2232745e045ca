//! Options that take a file, given something else: the error is about that, and no verb waits for what never comes.

use std::{fs, os::unix::fs::FileTypeExt, process::Command};

use crate::checkout::Checkout;

/// Where the odd file stands in a command.
const ODD: &str = "ODD";

/// Every verb and option that reads a file which the user names.
const READERS: [&[&str]; 22] = [
    &["build-image", "--site", ODD],
    &["build-image", "--bundle", ODD],
    &["site", "check", ODD],
    &["site", "qr", ODD],
    &["site", "show", ODD],
    &["site", "new", "--from-wvdial", ODD, "new.toml"],
    &["flash", "--image", ODD, "card"],
    &["flash", "--image", "out/small.img", "--blocks", ODD, "card"],
    &["flash", "--check", "--image", ODD, "out/small.img"],
    &["flash", "--check", "--image", "out/small.img", ODD],
    &["flash", "--check", "--own-hashes", ODD],
    &["provision", "--image", "out/small.img", "--sites", "sites.toml", "--secrets", ODD],
    &["provision", "--image", ODD, "--sites", "sites.toml"],
    &["provision", "--image", "out/small.img", "--sites", "odd-template.toml"],
    &["qemu", "--image", ODD],
    &["demo", "--image", ODD],
    &["test", "--image", ODD],
    &["report", "--image", ODD],
    &["diff", ODD, "out"],
    &["diff", "out", ODD],
    &["provision", "--image", "odd-map.img", "--sites", "sites.toml"],
    &["flash", "--image", "odd-map.img", "card"],
];

/// The error, on whichever stream and with whichever status.
fn error(checkout: &Checkout, arguments: &[&str], odd: &str) -> String {
    let mut command = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    command.args(arguments.iter().map(|it| if *it == ODD { odd } else { it }));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?} of {odd} succeeded: {said}");
    let at = said.find("error: ").unwrap_or_else(|| panic!("{arguments:?} of {odd}: {said}"));
    said[at..].to_owned()
}

/// A checkout with an image and a fleet, in which `odd` is made by this.
fn with_odd(make: impl Fn(&str)) -> Checkout {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout.fleet();
    checkout.write("odd-map.img", fs::read(checkout.path("out/small.img")).unwrap());
    checkout.write("odd-template.toml", "template = \"odd\"\n[box.cabin-17]\n");
    for name in ["odd", "odd-map.img.bmap"] {
        make(checkout.path(name).to_str().unwrap());
    }
    checkout
}

#[test]
fn a_directory_is_told_to_be_one() {
    let checkout = with_odd(|path| fs::create_dir(path).unwrap());
    for arguments in READERS {
        let error = error(&checkout, arguments, "odd");
        let told = ["irectory", "neither a disk nor a file", "holds no image", "there is no image odd"];
        assert!(told.iter().any(|it| error.contains(it)), "{arguments:?}: {error}");
        assert!(error.contains("\n  next: "), "{arguments:?}: {error}");
        assert!(!error.contains("chmod"), "{arguments:?}: {error}");
    }
}

/// Nobody writes into it: who opens it waits for ever.
#[test]
fn a_pipe_is_not_waited_for() {
    let checkout = with_odd(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
    let sites = ["provision", "--image", "out/small.img", "--sites", ODD];
    for arguments in READERS.iter().chain([&sites.as_slice()]) {
        let error = error(&checkout, arguments, "odd");
        let told = ["it is neither a file nor a disk", "neither a disk nor a file", "there is no image odd"];
        assert!(told.iter().any(|it| error.contains(it)), "{arguments:?}: {error}");
        assert!(error.contains("\n  next: "), "{arguments:?}: {error}");
    }
}

/// What the builder finds beside its files without being told.
#[test]
fn a_pipe_in_the_place_of_a_list_is_not_waited_for() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout.fleet();
    let by_card = ["provision", "--image", "out/small.img", "--sites", "sites.toml", "--flash", "card"];
    for (list, arguments) in [
        ("out/small.files.tsv", ["report", "--image", "out"].as_slice()),
        ("out/licences/licences.tsv", &["report", "--image", "out"]),
        ("out/small.files.tsv", &["diff", "out", "out"]),
        ("out/SHA256SUMS", &["diff", "out", "out/small.img"]),
        ("out/SHA256SUMS", &["build-image", "--offline", "--downloads", "../downloads"]),
        ("cards/written.tsv", &by_card),
    ] {
        let (path, kept) = (checkout.path(list), checkout.path("kept"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let had_file = fs::rename(&path, &kept).is_ok();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut command = checkout.xtask(Command::new("timeout"));
        command.args(["40", env!("CARGO_BIN_EXE_xtask")]).args(arguments);
        let status = command.output().unwrap().status;
        assert_ne!(status.code(), Some(124), "{arguments:?} waits for {list}");
        fs::remove_file(&path).unwrap();
        if had_file {
            fs::rename(&kept, &path).unwrap();
        }
    }
}

#[test]
fn an_empty_file_is_an_error_with_a_way_out() {
    let checkout = with_odd(|path| fs::write(path, "").unwrap());
    let no_secrets = ["provision", "--image", "out/small.img", "--sites", "sites.toml", "--secrets", ODD];
    // The programs of the lab read the image, and tell what is wrong with it.
    for arguments in
        READERS.iter().filter(|it| **it != no_secrets && !["qemu", "demo", "test"].contains(&it[0]))
    {
        let error = error(&checkout, arguments, "odd");
        assert!(error.contains("\n  next: "), "{arguments:?}: {error}");
    }
}

/// As shells make one for `<(…)`: its writer is there.
#[test]
fn a_site_can_come_from_a_pipe_without_a_name() {
    let checkout = Checkout::new();
    let mut shell = checkout.xtask(Command::new("sh"));
    shell.args([
        "-c",
        "cat image/sites/dialer.toml | \"$0\" site check /dev/stdin",
        env!("CARGO_BIN_EXE_xtask"),
    ]);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_to_be_written_is_no_directory() {
    let checkout = with_odd(|path| fs::create_dir(path).unwrap());
    for arguments in [
        ["bundle", "--out", ODD].as_slice(),
        &["site", "new", "--force", ODD],
        &["report", "--html", ODD, "--image", "out"],
        &["flash", "--image", "out/small.img", ODD],
        &["provision", "--image", "out/small.img", "--sites", "sites.toml", "--out", "sites.toml"],
    ] {
        let error = error(&checkout, arguments, "odd");
        assert!(error.contains("\n  next: "), "{arguments:?}: {error}");
        assert!(checkout.path("odd").is_dir(), "{arguments:?}");
    }
}

/// A device, a pipe or a socket in its place would be replaced by a file, for all programs: for root, /dev/null too.
#[test]
fn what_is_to_be_written_replaces_nothing_but_a_file() {
    let checkout = with_odd(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
    for arguments in [
        ["bundle", "--out", ODD].as_slice(),
        &["site", "new", "--force", ODD],
        &["report", "--html", ODD, "--image", "out"],
        &["flash", "--yes", "--image", "out/small.img", ODD],
        &["provision", "--image", "out/small.img", "--sites", "sites.toml", "--out", ODD],
        &["build-image", "--out", ODD],
    ] {
        let error = error(&checkout, arguments, "odd");
        assert!(error.contains("\n  next: "), "{arguments:?}: {error}");
        let kind = fs::symlink_metadata(checkout.path("odd")).unwrap().file_type();
        assert!(kind.is_fifo(), "{arguments:?}: {error}");
    }
}

/// Minutes of downloads or of compiling come before the first byte of these.
#[test]
fn a_place_where_nothing_can_be_written_is_told_before_anything_is_made() {
    let checkout = Checkout::new();
    checkout.write("file", "mine");
    for (arguments, place) in [
        (["bundle", "--out"], "no/such/bundle"),
        (["bundle", "--out"], "file/bundle"),
        (["build-image", "--out"], "file"),
    ] {
        let error = error(&checkout, &[&arguments[..], &[ODD]].concat(), place);
        assert!(error.contains(place) && error.contains("\n  next: "), "{error}");
        assert!(!checkout.path("target/dialbox/lock").exists(), "{arguments:?} {place}: {error}");
    }
}
