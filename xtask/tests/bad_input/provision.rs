//! `cargo xtask provision` with fleets of which something is wrong.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use insta::assert_snapshot;

use crate::checkout::{Checkout, names};

const PROVISION: [&str; 7] =
    ["provision", "--sites", "sites.toml", "--image", "out/small.img", "--out", "cards"];

fn provision(checkout: &Checkout, more: &[&str]) -> Command {
    let mut command = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    command.args(PROVISION).args(more);
    command
}

/// An image, and a fleet of these boxes.
fn with_boxes(boxes: &str) -> Checkout {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout.fleet();
    checkout.write("sites.toml", format!("template = \"cabin.toml\"\n{boxes}"));
    checkout
}

#[test]
fn one_wrong_site_keeps_no_other_box_from_its_card() {
    let mut boxes: String = (0..1000).map(|number| format!("[box.cabin-{number}]\n")).collect();
    boxes = boxes.replace("[box.cabin-500]\n", "[box.cabin-500]\npni = \"1234\"\n");
    let checkout = with_boxes(&boxes);
    let output = provision(&checkout, &["--fat-only", "--json"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_snapshot!(said[said.find("error: 1 of").unwrap()..], @r"
    error: 1 of 1000 sites are wrong; the other 999 are right
      next: correct them, then run the same command again: secrets stay as they are
    ");
    assert!(said.contains("error: sites.toml:503:7: cabin.toml has no hole {pni}"), "{said}");
    let cards = names(&checkout.path("cards"));
    assert_eq!(cards.iter().filter(|name| name.ends_with(".blocks")).count(), 999);
    assert!(!cards.contains(&"cabin-500.blocks".to_owned()) && cards.contains(&"sheet.html".to_owned()));

    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<serde_json::Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((told.len(), &told[0]["file"]), (1000, &"cabin-0.blocks".into()));
    assert!(told[500]["error"].as_str().unwrap().contains("{pni}"), "{}", told[500]);
}

#[test]
fn two_boxes_of_one_name_are_an_error_before_anything_is_made() {
    let checkout = with_boxes("[box.cabin-17]\n[box.Cabin-17]\n");
    assert_snapshot!(checkout.refuses(provision(&checkout, &[])), @r"
    error: sites.toml:3:6: two boxes are called Cabin-17
      the first one is at sites.toml:2:6
      next: rename one of the two
    ");
    for made in ["cards", "sites.secrets.toml"] {
        assert!(!checkout.path(made).exists(), "{made}");
    }
}

#[test]
fn a_dry_run_checks_all_sites_and_writes_nothing() {
    let checkout = with_boxes("[box.cabin-17]\n[box.cabin-18]\n");
    checkout.edit("cabin.toml", "role = ", "# {one-time-secret}\nrole = ");
    let said = checkout.succeeds(provision(&checkout, &["--dry-run"]));
    assert!(said.contains("sites that are right: 2; nothing was written"), "{said}");
    checkout.edit("cabin.toml", "role = ", "rolle = ");
    assert!(checkout.refuses(provision(&checkout, &["--dry-run"])).contains("2 of 2 sites are wrong"));
    for made in ["cards", "sites.secrets.toml"] {
        assert!(!checkout.path(made).exists(), "{made}");
    }
}

/// The kernel refuses the write, and sends SIGXFSZ, which would end a program that does not ignore it (setrlimit(2)).
#[test]
fn a_card_that_does_not_fit_is_not_half_there() {
    let checkout = with_boxes("[box.cabin-17]\n[box.cabin-18]\n");
    checkout.succeeds(provision(&checkout, &["--only", "cabin-17"]));
    let before = fs::read(checkout.path("cards/cabin-17.img")).unwrap();
    let mut shell = checkout.xtask(Command::new("sh"));
    shell.args(["-c", "ulimit -f 20480; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_xtask")]);
    shell.args(PROVISION);
    assert_snapshot!(checkout.refuses(shell), @r"
    error: cannot write cards/cabin-17.img
      File too large (os error 27)
      it was not written; the files before it are whole
      next: make room on the disk, then run the same command again; nothing half-made was kept
    ");
    assert_eq!(names(&checkout.path("cards")), ["cabin-17.img", "cabin-17.img.bmap", "sheet-part.html"]);
    assert!(fs::read(checkout.path("cards/cabin-17.img")).unwrap() == before);
}

#[test]
fn an_image_that_was_cut_short_is_no_base() {
    let checkout = with_boxes("[box.cabin-17]\n");
    let image = fs::read(checkout.path("out/small.img")).unwrap();
    checkout.write("out/small.img", &image[..image.len() / 2]);
    assert_snapshot!(checkout.refuses(provision(&checkout, &[])), @r"
    error: the image and out/small.img.bmap do not fit together
      the image ends after 15204352 bytes, of 30408704
      next: build the image again: cargo xtask build-image
    ");
    fs::remove_file(checkout.path("out/small.img.bmap")).unwrap();
    checkout.write("out/small.img", &image);
    assert_snapshot!(checkout.refuses(provision(&checkout, &[])), @r"
    error: cannot read out/small.img.bmap
      No such file or directory (os error 2)
      next: cargo xtask build-image    makes image and map
    ");
    assert!(!checkout.path("cards").exists() && !checkout.path("sites.secrets.toml").exists());
}

/// Each box has its own, a second run makes the same, and nobody else can read them.
#[test]
fn secrets_that_are_missing_are_made_once() {
    let checkout = with_boxes("[box.cabin-17]\n[box.cabin-18]\n");
    let lines = "# {one-time-secret} {vpn-private-key} {password-hash.jean}\nrole = ";
    checkout.edit("cabin.toml", "role = ", lines);
    checkout.succeeds(provision(&checkout, &["--fat-only"]));
    let file = checkout.path("sites.secrets.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secrets = fs::read_to_string(&file).unwrap();
    let mut values: Vec<&str> = secrets.lines().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
    let all = values.len();
    values.sort_unstable();
    values.dedup();
    assert_eq!((all, values.len()), (8, 8), "two are the same");
    let card = |name: &str| fs::read(checkout.path("cards").join(name)).unwrap();
    let first = (card("cabin-17.blocks"), card("cabin-18.blocks"), card("sheet.html"));
    checkout.succeeds(provision(&checkout, &["--fat-only"]));
    assert!((card("cabin-17.blocks"), card("cabin-18.blocks"), card("sheet.html")) == first);
    assert!(first.0 != first.1 && fs::read_to_string(&file).unwrap() == secrets);
}
