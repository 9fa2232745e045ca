//! The site that was edited on the FAT partition takes force, or is refused and says why.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::places::Places;
use crate::record::Record;
use crate::site::{RenderedFile, Site};

/// Which site is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The one that was built into the image.
    Baked,
    /// The one on the FAT partition, which differs from the baked one.
    Edited,
    /// The baked one, because the one on the FAT partition is wrong.
    Broken {
        /// What is wrong with it, for a person.
        why: String,
    },
}

impl Verdict {
    /// The verdict as other programs of the box read it.
    pub fn to_record(&self) -> Record {
        match self {
            Self::Baked => Record::new().with("site", "baked"),
            Self::Edited => Record::new().with("site", "edited"),
            Self::Broken { why } => {
                let first_line = why.lines().next().unwrap_or("unknown");
                Record::new().with("site", "broken").with("why", first_line)
            }
        }
    }
}

/// Compares the edited site with the baked one, puts the right one into force and publishes the
/// verdict. Everything is written into the overlay: the next boot starts from the baked one.
pub fn apply(places: &Places) -> io::Result<Verdict> {
    let baked = read(&places.baked_site())?;
    let in_force = read(&places.site())?;
    let (wanted, verdict) = match read(&places.edited_site()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => (baked, Verdict::Baked),
        Err(error) => (baked, Verdict::Broken { why: error.to_string() }),
        Ok(edited) if edited == baked => (baked, Verdict::Baked),
        Ok(edited) => match Site::parse(&edited) {
            Ok(_) => (edited, Verdict::Edited),
            Err(error) => (baked, Verdict::Broken { why: error.to_string() }),
        },
    };
    if wanted != in_force {
        put_into_force(places, &in_force, &wanted)?;
    }
    places.publish("site", &verdict.to_record())?;
    Ok(verdict)
}

fn put_into_force(places: &Places, old: &str, new: &str) -> io::Result<()> {
    let rendered = |text| Site::parse(text).map(|site| site.render());
    let invalid = |error: crate::site::SiteError| io::Error::other(error.to_string());
    let files = rendered(new).map_err(invalid)?;
    // A provider or a line that is no more must not stay behind.
    for file in rendered(old).unwrap_or_default() {
        if !files.iter().any(|new| new.path == file.path) {
            remove(&places.path(&file.path))?;
        }
    }
    for RenderedFile { path, mode, content, .. } in &files {
        replace(&places.path(path), content, *mode)?;
    }
    // Last, as the mark that all the others are written.
    replace(&places.site(), new, 0o600)
}

fn read(path: &Path) -> io::Result<String> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::read_to_string(path).map_err(named)
}

fn replace(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    // The mode first: a secret is never readable by others, not even for a moment.
    fs::write(temporary, "")?;
    fs::set_permissions(temporary, Permissions::from_mode(mode))?;
    fs::write(temporary, content)?;
    fs::rename(temporary, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAKED: &str = "role='dialer'\nhostname='one'\n[operator]\nname='free'\napn='free'\n";
    const EDITED: &str = "role='dialer'\nhostname='two'\n[operator]\nname='orange'\napn='x'\n";

    /// A box as it has booted, with this file on its FAT partition.
    fn booted(edited: Option<&str>) -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        for site in [places.baked_site(), places.site()] {
            replace(&site, BAKED, 0o600).unwrap();
        }
        for file in Site::parse(BAKED).unwrap().render() {
            replace(&places.path(&file.path), &file.content, file.mode).unwrap();
        }
        if let Some(text) = edited {
            replace(&places.edited_site(), text, 0o600).unwrap();
        }
        (dir, places)
    }

    fn hostname(places: &Places) -> String {
        let text = fs::read_to_string(places.path("/etc/hostname")).unwrap();
        text.lines().last().unwrap().to_owned()
    }

    #[test]
    fn an_untouched_site_changes_nothing() {
        for edited in [Some(BAKED), None] {
            let (_dir, places) = booted(edited);
            assert_eq!(apply(&places).unwrap(), Verdict::Baked);
            assert_eq!(hostname(&places), "one");
            assert_eq!(places.published("site").unwrap().get("site"), Some("baked"));
        }
    }

    #[test]
    fn an_edited_site_takes_force_and_leaves_nothing_of_the_baked_one() {
        let (_dir, places) = booted(Some(EDITED));
        assert_eq!(apply(&places).unwrap(), Verdict::Edited);
        assert_eq!(hostname(&places), "two");
        assert_eq!(fs::read_to_string(places.site()).unwrap(), EDITED);
        assert!(places.path("/etc/ppp/peers/orange").exists());
        assert!(!places.path("/etc/ppp/peers/free").exists());
        assert_eq!(apply(&places).unwrap(), Verdict::Edited);
    }

    #[test]
    fn a_secret_is_readable_by_root_alone() {
        let (_dir, places) = booted(Some(EDITED));
        apply(&places).unwrap();
        for file in Site::parse(EDITED).unwrap().render() {
            let mode = fs::metadata(places.path(&file.path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, file.mode, "{}", file.path);
        }
        let site = fs::metadata(places.site()).unwrap().permissions().mode();
        assert_eq!(site & 0o777, 0o600);
    }

    #[test]
    fn a_broken_site_leaves_the_baked_one_in_force_and_says_what_is_wrong() {
        let (_dir, places) = booted(Some(&EDITED.replace("apn=", "apm=")));
        assert!(matches!(apply(&places).unwrap(), Verdict::Broken { .. }));
        assert_eq!(hostname(&places), "one");
        let record = places.published("site").unwrap();
        assert_eq!(record.get("site"), Some("broken"));
        let why = record.get("why").unwrap();
        assert!(why.contains("site.toml:5:1: unknown key `apm`"), "{why}");
    }

    #[test]
    fn a_site_that_breaks_after_it_was_applied_brings_the_baked_one_back() {
        let (_dir, places) = booted(Some(EDITED));
        apply(&places).unwrap();
        replace(&places.edited_site(), "role=", 0o600).unwrap();
        assert!(matches!(apply(&places).unwrap(), Verdict::Broken { .. }));
        assert_eq!(hostname(&places), "one");
        assert!(places.path("/etc/ppp/peers/free").exists());
        assert!(!places.path("/etc/ppp/peers/orange").exists());
    }
}
