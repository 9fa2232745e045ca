//! The command that a user gives who may not open a card.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{cli, shell};

/// The same command for root, with what was built already as its image.
pub fn command(program: &Path, args: &cli::Flash, device: &Path) -> String {
    let mut words = vec![program.as_os_str(), OsStr::new("flash")];
    let switches = [(args.check, "--check"), (args.own_hashes, "--own-hashes"), (args.yes, "--yes")];
    words.extend(switches.iter().filter(|(is_given, _)| *is_given).map(|(_, name)| OsStr::new(*name)));
    let files = [("--image", (!args.own_hashes).then_some(&args.image)), ("--blocks", args.blocks.as_ref())];
    for (name, file) in files {
        words.extend(file.into_iter().flat_map(|file: &PathBuf| [OsStr::new(name), file.as_os_str()]));
    }
    words.push(device.as_os_str());
    words.into_iter().fold("sudo".to_owned(), |line, word| line + " " + &shell::quoted(Path::new(word)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// What it says is taken by the command line, and asks for the same.
    #[test]
    fn a_check_stays_a_check_and_the_blocks_of_a_card_are_kept() {
        for (given, said) in [
            ("flash /dev/sdb", "flash --image out/dialbox-rpi1.img /dev/sdb"),
            ("flash --yes /dev/sdb", "flash --yes --image out/dialbox-rpi1.img /dev/sdb"),
            ("flash --site a.toml /dev/sdb", "flash --image out/dialbox-rpi1.img /dev/sdb"),
            ("flash --check --image a.img.gz /dev/sdb", "flash --check --image a.img.gz /dev/sdb"),
            (
                "flash --blocks cards/a.blocks /dev/sdb",
                "flash --image out/dialbox-rpi1.img --blocks cards/a.blocks /dev/sdb",
            ),
            ("flash --check --own-hashes /dev/sdb", "flash --check --own-hashes /dev/sdb"),
        ] {
            let parsed =
                |line: &str| match cli::Cli::try_parse_from(["xtask"].into_iter().chain(line.split(' '))) {
                    Ok(cli::Cli { verb: cli::Verb::Flash(args) }) => args,
                    other => panic!("{other:?}"),
                };
            let args = parsed(given);
            assert_eq!(
                command(Path::new("/x/xtask"), &args, Path::new("/dev/sdb")),
                format!("sudo /x/xtask {said}")
            );
            let again = parsed(said);
            assert_eq!(
                (again.check, again.own_hashes, again.yes, &again.blocks),
                (args.check, args.own_hashes, args.yes, &args.blocks)
            );
        }
    }
}
