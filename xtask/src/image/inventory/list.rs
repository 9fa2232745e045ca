//! The files of the image as a tab-separated table: for people, for `report` and for `diff`.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{File, bill::Bill};
use crate::error::{Error, Result};

const HEADER: &str = "path\tbytes\tmode\towner\trecipe\torigin\tcomponent\tversion";
/// Of images in which all files were root's; `diff` compares with these too.
const WITHOUT_OWNERS: &str = "path\tbytes\tmode\trecipe\torigin\tcomponent\tversion";

/// The column of the owners.
const OWNER: usize = 3;

/// What the table says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Bytes.
    pub bytes: u64,
    /// The recipe that asked for it, or `site`, `boot`, `builder`.
    pub recipe: String,
    /// Where it came from, as text.
    pub origin: String,
    /// The Debian package, or `dialbox`, or `dialbox-site`.
    pub component: String,
    /// Its version.
    pub version: String,
}

/// One line for each file: the root's by path, then those of the boot partition (`boot:/…`) and of the initramfs
/// (`initramfs:/…`).
pub fn write(bill: &Bill) -> String {
    let mut table = format!("{HEADER}\n");
    for file in &bill.files {
        let File { bytes, mode, owner, origin, .. } = file;
        let component = bill.component(file);
        let (name, recipe) = (file.name(), origin.recipe());
        // Writing into a String cannot fail.
        let _ = writeln!(
            table,
            "{name}\t{bytes}\t{mode:04o}\t{owner}\t{recipe}\t{origin}\t{}\t{}",
            component.name, component.version
        );
    }
    table
}

/// Reads a table, by path.
pub fn read(text: &str) -> Result<BTreeMap<String, Listed>> {
    let mut lines = text.lines();
    let has_owners = match lines.next() {
        Some(HEADER) => true,
        Some(WITHOUT_OWNERS) => false,
        _ => {
            let error = Error::new("it is not a list of files of this version");
            return Err(error.hint("cargo xtask build-image"));
        }
    };
    let line = |(number, line): (usize, &str)| {
        let mut fields: Vec<&str> = line.split('\t').collect();
        if has_owners && fields.len() > OWNER {
            fields.remove(OWNER);
        }
        let listed = match fields[..] {
            [path, bytes, _mode, recipe, origin, component, version] => bytes.parse().ok().map(|bytes| {
                let [recipe, origin, component, version] =
                    [recipe, origin, component, version].map(str::to_owned);
                (path.to_owned(), Listed { bytes, recipe, origin, component, version })
            }),
            _ => None,
        };
        listed.ok_or_else(|| Error::new(format!("line {number} of it is not one of a list of files")))
    };
    (2..).zip(lines).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_and_without_owners() {
        let with = format!("{HEADER}\n/a\t3\t0644\troot:adm\tbase\toverlay/, recipe base\tdialbox\t1\n");
        let without = with.replace("owner\t", "").replace("root:adm\t", "");
        let listed = read(&with).unwrap();
        assert_eq!((listed["/a"].recipe.as_str(), listed["/a"].bytes), ("base", 3));
        assert_eq!(read(&without).unwrap(), listed);
        for wrong in
            [with.replace("root:adm\t", ""), without.replace("0644", "0644\troot:adm"), String::new()]
        {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
