//! What `flash` and `provision --flash` ask, answered at a terminal. Files take the place of cards.

use std::{fs, process::Command};

use crate::{
    checkout::{Checkout, names},
    terminal::Terminal,
};

fn xtask(checkout: &Checkout, arguments: &[&str]) -> Command {
    let mut command = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    command.args(arguments);
    command
}

fn flash(checkout: &Checkout) -> Terminal {
    Terminal::start(xtask(checkout, &["flash", "--image", "out/small.img", "card"]))
}

fn by_card(checkout: &Checkout) -> Terminal {
    let sites = ["provision", "--sites", "sites.toml", "--image", "out/small.img", "--flash", "reader"];
    Terminal::start(xtask(checkout, &sites))
}

/// An image, and the sites of two boxes.
fn built() -> Checkout {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout.fleet();
    checkout
}

#[test]
fn a_card_is_written_only_after_the_right_answer() {
    let checkout = built();
    checkout.write("card", "precious");
    for wrong in ["", "yes", "cards"] {
        let mut terminal = flash(&checkout);
        terminal.expect("Everything on it will be lost. To write it, type: card\n");
        terminal.types(wrong);
        let (status, said) = terminal.end();
        assert_eq!(status.code(), Some(1));
        assert!(said.contains("error: that is not what was asked for\n  nothing was written\n"), "{said}");
        assert_eq!(fs::read_to_string(checkout.path("card")).unwrap(), "precious");
    }
    let mut terminal = flash(&checkout);
    terminal.expect("type: card\n");
    terminal.types("card");
    let (status, said) = terminal.end();
    assert!(status.success(), "{said}");
    let image = fs::read(checkout.path("out/small.img")).unwrap();
    assert!(fs::read(checkout.path("card")).unwrap() == image);
}

#[test]
fn each_box_gets_its_card_and_a_card_of_this_run_is_not_overwritten() {
    let checkout = built();
    let mut terminal = by_card(&checkout);
    terminal.expect("insert the card for cabin-17 into reader, then press Enter");
    terminal.types("what?");
    terminal.expect("\"what?\" is none of these answers");
    terminal.expect("insert the card for cabin-17 into reader");
    terminal.types("");
    terminal.expect("insert the card for cabin-18 into reader");
    terminal.types("");
    terminal.expect("this is still the card of cabin-17: take it out");
    terminal.expect("insert the card for cabin-18 into reader");
    fs::rename(checkout.path("reader"), checkout.path("card-17")).unwrap();
    terminal.types("");
    let (status, said) = terminal.end();
    assert!(status.success(), "{said}");
    assert!(said.contains("  cards has the sheet and the list of the cards\n"), "{said}");
    assert_eq!(names(&checkout.path("cards")), ["sheet.html", "written.tsv"], "no images beside the cards");

    let files =
        ["provision", "--sites", "sites.toml", "--image", "out/small.img", "--out", "files"].as_slice();
    checkout.succeeds(xtask(&checkout, files));
    for (card, file) in [("card-17", "files/cabin-17.img"), ("reader", "files/cabin-18.img")] {
        let equal = fs::read(checkout.path(card)).unwrap() == fs::read(checkout.path(file)).unwrap();
        assert!(equal, "{card}");
    }
}

/// Before it asks for a card, makes a secret or a directory.
#[test]
fn what_is_no_reader_is_refused_at_once() {
    let checkout = built();
    checkout.edit("cabin.toml", "role = ", "# {one-time-secret}\nrole = ");
    for (reader, why) in
        [("/dev/null", "it is neither a disk nor a file"), (".", "it is neither a disk nor a file")]
    {
        let arguments = ["provision", "--sites", "sites.toml", "--image", "out/small.img", "--flash", reader];
        let error = checkout.refuses(xtask(&checkout, &arguments));
        assert!(error.contains(&format!("{reader} is not written\n  {why}")), "{error}");
    }
    for made in ["cards", "sites.secrets.toml"] {
        assert!(!checkout.path(made).exists(), "{made}");
    }
}

#[test]
fn a_run_that_was_ended_goes_on_with_the_next_card() {
    let checkout = built();
    let mut terminal = by_card(&checkout);
    terminal.expect("insert the card for cabin-17");
    terminal.types("");
    terminal.expect("insert the card for cabin-18");
    terminal.types("q");
    let (status, said) = terminal.end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("error: ended before the card of cabin-18\n"), "{said}");
    assert!(said.contains("  cards/sheet-part.html has those before it\n"), "{said}");
    let sheet = fs::read_to_string(checkout.path("cards/sheet-part.html")).unwrap();
    assert!(sheet.contains("cabin-17") && !sheet.contains("cabin-18") && sheet.ends_with("</html>\n"));
    assert!(!checkout.path("cards/sheet.html").exists());

    // The card of the earlier run is still in the reader, and this run does not know it: it asks.
    let mut terminal = by_card(&checkout);
    let said = terminal.expect("insert the card for cabin-18");
    assert!(said.contains("cabin-17: written by an earlier run"), "{said}");
    terminal.types("");
    terminal.expect("reader exists and will be overwritten\n");
    terminal.expect("type: reader\n");
    terminal.types("no");
    terminal.expect("that is not what was asked for");
    terminal.expect("insert the card for cabin-18");
    terminal.types("s");
    let (status, said) = terminal.end();
    assert!(status.success(), "{said}");
    let written = fs::read_to_string(checkout.path("cards/written.tsv")).unwrap();
    assert_eq!(written.lines().count(), 1, "{written}");
}
