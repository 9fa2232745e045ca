//! `cargo xtask report` and `cargo xtask diff`.

use std::{fs, process::Command};

use insta::assert_snapshot;
use serde_json::Value;

use crate::checkout::{Checkout, sha256};

fn xtask(checkout: &Checkout, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments);
    checkout.xtask(command)
}

/// Builds into this directory.
fn build(checkout: &Checkout, out: &str) {
    let mut command = checkout.build_image_offline();
    command.args(["--out", out]);
    checkout.succeeds(command);
}

/// Exit status, standard output and standard error.
fn diff(checkout: &Checkout, arguments: &[&str]) -> (i32, String, String) {
    let output = xtask(checkout, &[&["diff"], arguments].concat()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn json(checkout: &Checkout) -> (i32, Value) {
    let (status, out, error) = diff(checkout, &["--json", "a", "b"]);
    assert_eq!(error, "");
    (status, serde_json::from_str(&out).unwrap())
}

#[test]
fn two_builds_of_the_same_are_equal() {
    let checkout = Checkout::new();
    build(&checkout, "a");
    build(&checkout, "b");
    assert_eq!(diff(&checkout, &["a", "b"]), (0, "a and b are equal\n".into(), String::new()));
    assert_eq!(diff(&checkout, &["a/small.img.gz", "b/small.img"]).0, 0, "compressed or not");
}

#[test]
fn every_byte_of_a_change_is_explained_and_a_secret_is_not_shown() {
    let mut checkout = Checkout::new();
    build(&checkout, "a");
    checkout.edit("image/sites/dialer.toml", "password = \"free\"", "password = \"hunter2\"");
    checkout.edit("overlay/etc/inittab", "/bin/true", "/bin/false");
    let lock = |checkout: &Checkout| fs::read_to_string(checkout.path("image/packages.lock")).unwrap();
    checkout.package("busybox", &[("/bin/busybox", b"a better shell")]);
    let newer = lock(&checkout).replacen("version = \"1\"", "version = \"2\"", 1);
    checkout.write("image/packages.lock", newer);
    build(&checkout, "b");
    let (status, found) = json(&checkout);
    let image = &found["image"];
    assert_eq!((status, &image["unexplained"]), (1, &Value::Array(vec![])), "{found:#}");
    let sum: u64 = image["causes"].as_array().unwrap().iter().map(|it| it["bytes"].as_u64().unwrap()).sum();
    let [one, other] = ["a", "b"].map(|it| fs::read(checkout.path(it).join("small.img")).unwrap());
    let differing = one.iter().zip(&other).filter(|(one, other)| one != other).count();
    assert_eq!((Some(sum), sum), (image["bytes"].as_u64(), differing as u64), "each byte has one cause");
    let (_, text, _) = diff(&checkout, &["a", "b"]);
    for part in
        ["busybox: 1 -> 2", "operator.password changed", "/etc/inittab (overlay/, recipe base)", "  0 bytes"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("hunter2") && !found.to_string().contains("hunter2"));
}

/// A card made from `a`, as `b/small.img`. Its site has another host name and a password that the image's has not.
fn provision(checkout: &Checkout) {
    checkout.fleet();
    checkout.edit("cabin.toml", "password = \"free\"", "password = \"hunter2\"");
    let cards = ["provision", "--sites", "sites.toml", "--image", "a/small.img", "--out", "cards"];
    checkout.succeeds(xtask(checkout, &cards));
    checkout.write("b/small.img", fs::read(checkout.path("cards/cabin-17.img")).unwrap());
}

#[test]
fn every_byte_of_a_provisioned_card_is_explained_by_the_keys_of_its_site() {
    let checkout = Checkout::new();
    build(&checkout, "a");
    provision(&checkout);
    let (status, found) = json(&checkout);
    let image = &found["image"];
    assert_eq!((status, &image["unexplained"]), (1, &Value::Array(vec![])), "{found:#}");
    let keys: Vec<_> = image["site"].as_array().unwrap().iter().map(|it| it["key"].as_str()).collect();
    assert_eq!(keys, [Some("hostname"), Some("operator.password")]);
    let (_, text, _) = diff(&checkout, &["a", "b"]);
    assert!(text.contains("added   provisioned:/site.toml (provision, beside root A)"), "{text}");
    assert!(text.contains("provisioned site, beside root A: it changed"), "{text}");
    assert!(
        !text.contains("hunter2") && !text.contains("cabin-17") && !found.to_string().contains("hunter2")
    );
    let report = xtask(&checkout, &["report", "--json", "--image", "b"]).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let sized = report["files"].as_array().unwrap().iter();
    assert!(sized.into_iter().any(|it| it["name"] == "provisioned:/site.toml"), "{report:#}");

    // Partitions begin at multiples of 4 MiB: boot at 8 MiB, root A of 1 MiB at 20 MiB.
    let root_a_end = 21 << 20;
    let mut card = fs::read(checkout.path("b/small.img")).unwrap();
    card[root_a_end - (32 << 10) + 100] ^= 1;
    checkout.write("b/small.img", card);
    let (_, found) = json(&checkout);
    let why = found["image"]["unexplained"][0]["why"].as_str().unwrap();
    assert_eq!(why, "provisioned site, beside root A: a copy of it is damaged");
}

#[test]
fn a_byte_that_nothing_explains_is_told_with_its_place() {
    let checkout = Checkout::new();
    build(&checkout, "a");
    build(&checkout, "b");
    let image = fs::read(checkout.path("b/small.img")).unwrap();
    // Behind the partition table, in the root's partition behind its hashes, and in the hash tree.
    let root = (8 << 20) + (9 << 20) + (3 << 20);
    let used = image[root..root + (1 << 20)].iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for (at, why) in [
        (64 << 10, "a byte of unused space is not zero"),
        (root + used.next_multiple_of(4096) + 4096, "a byte of unused space is not zero"),
        (root + used - 1, "they are not of the boot files"),
    ] {
        let mut changed = image.clone();
        changed[at] ^= 0x5a;
        checkout.write("b/small.img", &changed);
        let (status, found) = json(&checkout);
        let unexplained = &found["image"]["unexplained"];
        assert_eq!(status, 1);
        assert_eq!(unexplained[0]["bytes"], 1, "{at}: {found:#}");
        assert!(unexplained[0]["why"].as_str().unwrap().contains(why), "{at}: {unexplained}");
    }
    checkout.write("b/small.img", &image);
    checkout.write("b/small.spdx.json", "{}");
    let (status, found) = json(&checkout);
    let why = found["image"]["unexplained"][0]["why"].as_str().unwrap();
    assert_eq!((status, why), (1, "small.spdx.json: it is not what SHA256SUMS says"));
}

#[test]
fn what_is_no_image_is_one_clear_error_and_status_2() {
    let checkout = Checkout::new();
    build(&checkout, "a");
    let image = fs::read(checkout.path("a/small.img")).unwrap();
    checkout.write("short.img", &image[..image.len() / 2]);
    checkout.write("noise.img", vec![7; 1 << 20]);
    fs::create_dir_all(checkout.path("empty")).unwrap();
    let errors = ["short.img", "noise.img", "empty", "nowhere"].map(|it| {
        let (status, out, error) = diff(&checkout, &["a", it]);
        assert_eq!((status, out.as_str()), (2, ""), "{error}");
        error
    });
    assert_snapshot!(errors.join("\n"), @r"
    error: cannot look into short.img
      it was cut short
      its partitions end at 30408704 bytes, it has 15204352
      next: build it again: cargo xtask build-image

    error: cannot look into noise.img
      it is not an image of dialbox: it has no partition table with four partitions
      next: name a file that `cargo xtask build-image` has made

    error: empty holds no image
      next: cargo xtask build-image

    error: cannot read nowhere
      No such file or directory (os error 2)
      next: cargo xtask build-image
    ");
}

#[test]
fn a_report_adds_up_and_its_page_needs_nothing_but_itself() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    let output = xtask(&checkout, &["report", "--json", "--html", "page.html"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = report["files"].as_array().unwrap();
    let sum = |all: &mut dyn Iterator<Item = &Value>, key: &str| {
        all.map(|it| it[key].as_u64().unwrap()).sum::<u64>()
    };
    for by in ["recipes", "components"] {
        let groups = report[by].as_object().unwrap();
        for key in ["bytes", "compressed"] {
            assert_eq!(sum(&mut groups.values(), key), sum(&mut files.iter(), key), "{key} by {by}");
        }
    }
    assert!(files.iter().all(|it| it["origin"] != "unknown"), "every file has an origin");

    let page = fs::read_to_string(checkout.path("page.html")).unwrap();
    for absent in ["<script", "http:", "https:", "url(", "<link", "<img", "@import"] {
        assert!(!page.contains(absent), "{absent}");
    }
    for present in ["prefers-color-scheme: dark", "<svg", "/bin/busybox", "boot:/kernel.img", "GPL-2"] {
        assert!(page.contains(present), "{present}");
    }
    // XML's rules are HTML's for all that the page uses but these.
    let xml = page.replace("<!DOCTYPE html>", "").replace("<meta charset=\"utf-8\">", "");
    let meta = xml.find("<meta name").unwrap();
    let xml = [&xml[..meta], &xml[meta + xml[meta..].find('>').unwrap() + 1..]].concat();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let drawn = document.descendants().filter(|it| it.attribute("class") == Some("file")).count();
    assert_eq!(drawn, files.iter().filter(|it| it["compressed"] != 0).count());
}

/// What `bench boot` leaves: the image's hash, and a time in each line.
#[test]
fn a_report_has_the_boot_that_a_bench_has_left_and_says_of_which_image() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    let image = sha256(&fs::read(checkout.path("out/small.img")).unwrap());
    let report = |left: &str| {
        checkout.write("target/dialbox/boot-times", left);
        let said = xtask(&checkout, &["report"]).output().unwrap();
        checkout.succeeds(xtask(&checkout, &["report", "--html", "page.html"]));
        let page = fs::read_to_string(checkout.path("page.html")).unwrap();
        (String::from_utf8(said.stdout).unwrap(), page)
    };
    for (left, of, of_page) in [
        (format!("{image}\n0.42\n2.53\n3.04\n"), "boot, in the emulator\n", "measured with this image."),
        (
            "0\n0.42\n2.53\n3.04\n".to_owned(),
            "boot, in the emulator, of another image\n",
            "another image than",
        ),
    ] {
        let (text, page) = report(&left);
        assert!(text.contains(of), "{text}");
        assert!(text.contains("3.04 s\n"), "{text}");
        assert!(page.contains(of_page) && page.contains(">2.53 s</text>"), "{page}");
    }
    let (text, page) = report(&format!("{image}\n0.42\n"));
    assert!(!text.contains("in the emulator") && !page.contains("The boot"), "a half-written one is none");
}

#[test]
fn a_report_of_nothing() {
    let checkout = Checkout::new();
    assert_snapshot!(checkout.refuses(xtask(&checkout, &["report"])), @r"
    error: cannot read out
      No such file or directory (os error 2)
      next: cargo xtask build-image
    ");
}

#[test]
fn a_page_that_cannot_be_written_leaves_what_was_there() {
    let checkout = Checkout::new();
    build(&checkout, "out");
    let page = |file: &str| checkout.refuses(xtask(&checkout, &["report", "--html", file]));
    let _socket = std::os::unix::net::UnixListener::bind(checkout.path("socket")).unwrap();
    assert_snapshot!(page("socket"), @r"
    error: cannot write socket
      it is a device, a pipe or a socket
      next: name a file
    ");
    assert!(!checkout.path("socket").is_file());
    assert_snapshot!(page("overlay"), @r"
    error: cannot write overlay
      is a directory
      next: name a file: this is a directory
    ");
    assert!(page("no/page.html").contains("make its directory first"));
}

/// Whoever reads may end first: `| head`, or a pager that is left.
#[test]
fn a_reader_that_ends_is_no_failure() {
    let checkout = Checkout::new();
    build(&checkout, "out");
    for (arguments, status) in [
        (["report", "--json", "--image", "out"].as_slice(), 0),
        (&["report", "--image", "out"], 0),
        (&["diff", "--json", "out", "out"], 0),
        (&["flash"], 0),
        (&["report", "--image", "no"], 1),
        (&["diff", "no", "out"], 2),
        (&["build-image"], 0),
    ] {
        let mut command = xtask(&checkout, arguments);
        if arguments[0] == "build-image" {
            command = checkout.build_image_offline();
            checkout.edit("image/recipes/base.toml", "summary = \"", "summary = \"another ");
        }
        let [(ours, out), (theirs, err)] = [std::io::pipe().unwrap(), std::io::pipe().unwrap()];
        drop((ours, theirs));
        let ended = command.stdout(out).stderr(err).status().unwrap();
        assert_eq!(ended.code(), Some(status), "{arguments:?}");
    }
}
