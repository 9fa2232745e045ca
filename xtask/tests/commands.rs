//! Every `cargo xtask …` of the documents and of `--help` is a command that the command line takes. (Those about images
//! and cards are run, too, by `bad_input/examples.rs`.)

use std::{fs, path::Path};

use clap::{CommandFactory, Parser, error::ErrorKind};
use xtask::cli::Cli;

/// The words of a command as written in a document: up to the explanation behind it, which `#` or two blanks begin.
fn words(command: &str) -> Vec<String> {
    let end = ["  ", " #"].iter().filter_map(|mark| command.find(mark)).min().unwrap_or(command.len());
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in command[..end].chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The commands of a document, and whether each stands in a block, where it must be whole.
fn commands(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        let is_block = index % 2 == 1;
        let pieces: Vec<String> = match is_block {
            true => part.lines().map(str::to_owned).collect(),
            // A command in a sentence may be wrapped.
            false => part.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect(),
        };
        for piece in pieces {
            if let Some((_, command)) = piece.split_once("cargo xtask ") {
                found.push((command.to_owned(), is_block));
            }
        }
    }
    found
}

#[test]
fn the_commands_of_the_documents_are_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for file in
        docs.filter(|path| path.extension().is_some_and(|it| it == "md")).chain([root.join("README.md")])
    {
        for (command, is_block) in commands(&fs::read_to_string(&file).unwrap()) {
            // `[…]` and `…` stand for what the reader writes.
            if command.contains(['[', '…']) || command.starts_with("VERB") {
                continue;
            }
            let words = words(&command);
            let taken = Cli::try_parse_from(["xtask".to_owned()].into_iter().chain(words.clone()));
            let is_mention = |kind| {
                matches!(
                    kind,
                    ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                )
            };
            if let Err(error) = taken {
                let file = file.display();
                assert!(
                    !is_block && is_mention(error.kind()),
                    "{file}: cargo xtask {command}\n{words:?}\n{error}"
                );
            }
            count += 1;
        }
    }
    assert!(count > 50, "only {count} commands were found");
}

#[test]
fn the_examples_of_each_verb_are_taken() {
    fn check(verb: &clap::Command, name: &str) {
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<&str> =
            help.lines().filter_map(|line| Some(line.split_once("cargo xtask ")?.1)).collect();
        assert!(!examples.is_empty() || verb.has_subcommands() || name == "tidy", "{name} has no example");
        for example in examples {
            let example = example.split(" | ").next().unwrap();
            if let Err(error) = Cli::try_parse_from(["xtask".to_owned()].into_iter().chain(words(example))) {
                panic!("{name} --help: cargo xtask {example}\n{error}");
            }
        }
        verb.get_subcommands().for_each(|verb| check(verb, verb.get_name()));
    }
    check(&Cli::command(), "xtask");
}

/// clap forgets what an option requires if that conflicts with another one on the line (clap_builder,
/// `Validator::is_missing_required_ok`): what is required is no longer missed, and the option had no effect.
#[test]
fn an_option_that_has_no_effect_beside_another_one_is_refused() {
    for line in [
        "flash --site a.toml --layer a --image b.img /dev/sdb",
        "flash --layer a --check /dev/sdb",
        "flash --layer a --image b.img /dev/sdb",
        "flash --layer a --blocks a.blocks /dev/sdb",
        "flash --own-hashes --yes /dev/sdb",
        "flash --own-hashes --dry-run /dev/sdb",
        "flash --yes --check /dev/sdb",
        "provision --sites a --again --fat-only",
        "provision --sites a --yes --dry-run",
        "site new --operator Free --role dialer",
        "site new --operator Free --from-wvdial wvdial.conf",
    ] {
        let parsed = Cli::try_parse_from(["xtask"].into_iter().chain(line.split(' ')));
        assert!(parsed.is_err(), "{line}");
    }
}
