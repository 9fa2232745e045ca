//! The commands of the documents, as they stand there, in the small checkout: those about images, cards, layers and
//! supplies. `docs/layers/`, which need Debian's packages, are built by `.ci/run`; here another layer takes their place.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
};

use crate::{
    checkout::Checkout,
    gone::{Archive, with_signatures},
    layers,
    shared_cache::{Fault, Server, Stored},
    terminal::Terminal,
};

/// The commands in the blocks of a document, each without the explanation behind it.
fn commands(document: &str) -> Vec<String> {
    let lines = document.split("```").skip(1).step_by(2).flat_map(str::lines);
    let is_command =
        |line: &&str| ["cargo xtask ", "CARGO_HOME=", "mkdir "].iter().any(|it| line.starts_with(it));
    let without_comment = |line: &str| {
        let end = ["  ", " #"].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
        line[..end].to_owned()
    };
    lines.filter(is_command).map(without_comment).collect()
}

/// A checkout with the names of the real one, whose `cargo` knows `xtask`, with a mirror and what the examples name.
struct Reader {
    checkout: Checkout,
    mirror: String,
}

impl Reader {
    fn new() -> Self {
        let checkout = Checkout::new();
        checkout.edit("image/image.toml", "name = \"small\"", "name = \"dialbox-rpi1\"");
        with_signatures(&checkout, "exec cat");
        let mirror = Archive::without(&checkout, &[]).serve();
        checkout.write("../bin/cargo", "#!/bin/sh\nshift\nexec \"$XTASK\" \"$@\"\n");
        fs::set_permissions(checkout.path("../bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        let reader = Self { checkout, mirror };
        reader.succeeds("cargo xtask lock");
        layers::write(&reader.checkout, "../garden");
        reader.checkout.write("../pond/layer.toml", "name = \"pond\"\n");
        reader
    }

    /// The command in a shell of the checkout; a file stands for the card.
    fn command(&self, line: &str) -> Command {
        let line = line.replace("/dev/sdX", "card").replace("/tmp/", "");
        let layer = line.split(' ').find(|word| word.starts_with("docs/layers/"));
        let line = layer.map_or(line.clone(), |layer| line.replace(layer, "../garden"));
        let mut shell = self.checkout.xtask(Command::new("sh"));
        let path = format!("{}:{}", self.checkout.path("../bin").display(), std::env::var("PATH").unwrap());
        shell.args(["-c", &line]).env("PATH", path).env("DIALBOX_MIRROR", &self.mirror);
        shell.env("XTASK", env!("CARGO_BIN_EXE_xtask"));
        shell
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn succeeds(&self, line: &str) -> String {
        let output = self.run(line);
        // Images that differ are no failure of `diff`.
        let expected = if line.starts_with("cargo xtask diff") { 1 } else { 0 };
        let said =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
        assert_eq!(output.status.code(), Some(expected), "{line}\n{said}");
        said
    }

    /// The first card of a fleet of two; the other one is skipped.
    fn inserts_a_card(&self, line: &str) {
        let mut terminal = Terminal::start(self.command(line));
        terminal.expect("insert the card for cabin-17 into card");
        terminal.types("");
        terminal.expect("insert the card for cabin-18 into card");
        terminal.types("s");
        let (status, said) = terminal.end();
        assert!(status.success(), "{line}\n{said}");
    }

    fn all(&self, document: &str) {
        for line in commands(document) {
            match line.as_str() {
                // Boots it: `.ci/run` does.
                line if line.starts_with("cargo xtask test") => {}
                line if line.starts_with("cargo xtask provision") && line.contains(" --flash ") => {
                    let _ = fs::remove_file(self.checkout.path("card"));
                    self.inserts_a_card(line);
                }
                line => drop(self.succeeds(line)),
            }
        }
    }
}

#[test]
fn those_of_the_readme() {
    let reader = Reader::new();
    let checkout = &reader.checkout;
    reader.succeeds("cargo xtask build-image");
    fs::rename(checkout.path("out"), checkout.path("last-year")).unwrap();
    checkout.write("overlay/etc/inittab", "::sysinit:/bin/false\n");
    checkout.fleet();
    fs::rename(checkout.path("cabin.toml"), checkout.path("boxes.toml")).unwrap();
    checkout.edit("sites.toml", "cabin.toml", "boxes.toml");
    reader.all(include_str!("../../../README.md"));
    assert!(fs::read_to_string(checkout.path("image.html")).unwrap().contains("<svg"));
    assert!(checkout.path("sources/busybox_1/busybox.dsc").exists());
    assert!(checkout.path("cabin/dialbox-rpi1.img").exists() && checkout.path("cards/cabin-18.img").exists());
}

#[test]
fn those_about_many_boxes() {
    let reader = Reader::new();
    let document = include_str!("../../../docs/provision.md");
    for file in ["sites.toml", "cabin.toml"] {
        let beginning = format!("```toml\n# {file}\n");
        let (_, text) = document.split_once(&beginning).unwrap();
        reader.checkout.write(file, text.split("```").next().unwrap());
    }
    reader.all(document);
    let checked = reader.succeeds("cargo xtask flash --check /dev/sdX");
    assert!(checked.contains("the card was provisioned for cabin-17"), "{checked}");
    let other = reader.run("cargo xtask flash --check --blocks cards/cabin-18.blocks /dev/sdX");
    assert_eq!(other.status.code(), Some(1));
}

#[test]
fn those_about_layers() {
    let reader = Reader::new();
    for site in ["cabin.toml", "mybox.toml"] {
        let example = fs::read(reader.checkout.path("image/sites/dialer.toml")).unwrap();
        reader.checkout.write(site, example);
    }
    reader.all(include_str!("../../../docs/layers.md"));
    for image in ["card", "tunnel/dialbox-rpi1.img"] {
        assert!(reader.checkout.path(image).exists(), "{image}");
    }
}

#[test]
fn those_about_a_bundle() {
    let reader = Reader::new();
    reader.succeeds("cargo xtask build-image");
    let image = reader.checkout.out();
    let [bundle, unpack, build] = commands(include_str!("../../../docs/bundle.md")).try_into().unwrap();
    reader.succeeds(&bundle);
    for made in ["out", "target"] {
        fs::remove_dir_all(reader.checkout.path(made)).unwrap();
    }
    let without_a_network = Reader { mirror: "http://127.0.0.1:9".to_owned(), ..reader };
    without_a_network.succeeds(&unpack);
    without_a_network.succeeds(&build);
    assert_eq!(without_a_network.checkout.out(), image);
}

#[test]
fn those_about_a_shared_cache() {
    let reader = Reader::new();
    let server = Server::new(Stored::new(), Fault::None);
    let document = include_str!("../../../docs/shared-cache.md");
    let build = |line: &str| {
        let _ = fs::remove_dir_all(reader.checkout.path("target"));
        reader.succeeds(&line.replace("http://cache.example:8080", &server.url))
    };
    let [read, push] = commands(document).try_into().unwrap();
    assert!(push.ends_with(" --cache-push"), "{push}");
    for (line, hits) in [(&read, 0), (&push, 0), (&read, 4)] {
        let said = build(line);
        assert_eq!(said.matches("from the shared cache").count(), hits, "{line}\n{said}");
    }
}
