//! Puts the site that was edited on the FAT partition into force, or refuses it with a reason.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::names;
use crate::paths::Paths;
use crate::published::{Fields, Published};
use crate::record::Record;
use crate::site::{RenderedFile, Site};

/// Which site is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteInForce {
    /// The one in the image.
    Baked,
    /// The one on the FAT partition, which differs from the baked one.
    Edited,
    /// The baked one, because the one on the FAT partition is invalid.
    Broken {
        /// The error, as text.
        why: String,
    },
}

impl Published for SiteInForce {
    fn fields(&self) -> Fields {
        let (site, why) = match self {
            Self::Baked => (BAKED, None),
            Self::Edited => (EDITED, None),
            Self::Broken { why } => (BROKEN, Some(why.lines().next().unwrap_or("unknown"))),
        };
        Fields::new().text(SITE, Some(site)).text(WHY, why)
    }

    fn from_record(record: &Record) -> Option<Self> {
        match record.get(SITE)? {
            BAKED => Some(Self::Baked),
            EDITED => Some(Self::Edited),
            BROKEN => Some(Self::Broken { why: record.get(WHY)?.to_owned() }),
            _ => None,
        }
    }
}

const SITE: &str = "site";
const WHY: &str = "why";
const BAKED: &str = "baked";
const EDITED: &str = "edited";
const BROKEN: &str = "broken";

/// Compares the edited site with the baked one, applies the right one and publishes which one it is. Everything is
/// written into the overlay: the next boot starts from the baked site again.
pub fn apply(paths: &Paths) -> io::Result<SiteInForce> {
    let baked = read(&paths.baked_site())?;
    let in_force = read(&paths.site())?;
    let (wanted, verdict) = match read(&paths.edited_site()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => (baked, SiteInForce::Baked),
        Err(error) => (baked, SiteInForce::Broken { why: error.to_string() }),
        Ok(edited) if edited == baked => (baked, SiteInForce::Baked),
        Ok(edited) => match Site::parse(&edited) {
            Ok(_) => (edited, SiteInForce::Edited),
            Err(error) => (baked, SiteInForce::Broken { why: error.to_string() }),
        },
    };
    if wanted != in_force {
        put_into_force(paths, &in_force, &wanted)?;
    }
    paths.publish(names::record::SITE, &verdict.to_record())?;
    Ok(verdict)
}

fn put_into_force(paths: &Paths, old: &str, new: &str) -> io::Result<()> {
    let rendered = |text| Site::parse(text).map(|site| site.render());
    let invalid = |error: crate::site::SiteError| io::Error::other(error.to_string());
    let files = rendered(new).map_err(invalid)?;
    // Files of a provider or a line that the new site does not have must not remain.
    for file in rendered(old).unwrap_or_default() {
        if !files.iter().any(|new| new.path == file.path) {
            remove(&paths.path(&file.path))?;
        }
    }
    for RenderedFile { path, mode, content, .. } in &files {
        replace(&paths.path(path), content, *mode)?;
    }
    // Last, since it marks that all the others are written.
    replace(&paths.site(), new, 0o600)
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
    // A file left by a crash may have another mode.
    remove(temporary)?;
    // The file is created with its mode: a process that opens it before a chmod could read what is written later.
    let mut file = File::options().write(true).create_new(true).mode(mode).open(temporary)?;
    file.write_all(content.as_bytes())?;
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
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use std::io::Read;
    use std::mem::MaybeUninit;
    use std::os::unix::fs::PermissionsExt;

    const BAKED: &str = "role='dialer'\nhostname='one'\n[operator]\nname='free'\napn='free'\n";
    const EDITED: &str = "role='dialer'\nhostname='two'\n[operator]\nname='orange'\napn='x'\n";

    /// A freshly booted box with this file on its FAT partition.
    fn booted(edited: Option<&str>) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for site in [paths.baked_site(), paths.site()] {
            replace(&site, BAKED, 0o600).unwrap();
        }
        for file in Site::parse(BAKED).unwrap().render() {
            replace(&paths.path(&file.path), &file.content, file.mode).unwrap();
        }
        if let Some(text) = edited {
            replace(&paths.edited_site(), text, 0o600).unwrap();
        }
        (dir, paths)
    }

    fn hostname(paths: &Paths) -> String {
        let text = fs::read_to_string(paths.path("/etc/hostname")).unwrap();
        text.lines().last().unwrap().to_owned()
    }

    #[test]
    fn an_unedited_site_changes_nothing() {
        for edited in [Some(BAKED), None] {
            let (_dir, paths) = booted(edited);
            assert_eq!(apply(&paths).unwrap(), SiteInForce::Baked);
            assert_eq!(hostname(&paths), "one");
            assert_eq!(paths.published("site").unwrap().get("site"), Some("baked"));
        }
    }

    #[test]
    fn an_edited_site_replaces_all_files_of_the_baked_one() {
        let (_dir, paths) = booted(Some(EDITED));
        assert_eq!(apply(&paths).unwrap(), SiteInForce::Edited);
        assert_eq!(hostname(&paths), "two");
        assert_eq!(fs::read_to_string(paths.site()).unwrap(), EDITED);
        assert!(paths.path("/etc/ppp/peers/orange").exists());
        assert!(!paths.path("/etc/ppp/peers/free").exists());
        assert_eq!(apply(&paths).unwrap(), SiteInForce::Edited);
    }

    #[test]
    fn only_root_can_read_a_secret() {
        let (_dir, paths) = booted(Some(EDITED));
        apply(&paths).unwrap();
        for file in Site::parse(EDITED).unwrap().render() {
            let mode = fs::metadata(paths.path(&file.path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, file.mode, "{}", file.path);
        }
        let site = fs::metadata(paths.site()).unwrap().permissions().mode();
        assert_eq!(site & 0o777, 0o600);
    }

    #[test]
    fn a_secret_has_its_mode_from_its_creation_on() {
        let dir = tempfile::tempdir().unwrap();
        let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, dir.path(), WatchFlags::CREATE | WatchFlags::ATTRIB).unwrap();
        replace(&dir.path().join("secret"), "4321", 0o600).unwrap();
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = inotify::Reader::new(&watch, &mut buffer);
        assert_eq!(events.next().unwrap().events(), ReadFlags::CREATE);
        assert_eq!(events.next().err(), Some(rustix::io::Errno::AGAIN), "a mode was changed");
        let mode = fs::metadata(dir.path().join("secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_left_by_a_crash_does_not_receive_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret.new"), "half").unwrap();
        let mut left = File::open(dir.path().join("secret.new")).unwrap();
        replace(&dir.path().join("secret"), "4321", 0o600).unwrap();
        let mut seen = String::new();
        left.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "half");
    }

    #[test]
    fn a_broken_site_keeps_the_baked_one_in_force_and_reports_the_error() {
        let (_dir, paths) = booted(Some(&EDITED.replace("apn=", "apm=")));
        assert!(matches!(apply(&paths).unwrap(), SiteInForce::Broken { .. }));
        assert_eq!(hostname(&paths), "one");
        let record = paths.published("site").unwrap();
        assert_eq!(record.get("site"), Some("broken"));
        let why = record.get("why").unwrap();
        assert!(why.contains("site.toml:5:1: unknown key `apm`"), "{why}");
    }

    #[test]
    fn a_site_that_breaks_later_restores_the_baked_one() {
        let (_dir, paths) = booted(Some(EDITED));
        apply(&paths).unwrap();
        replace(&paths.edited_site(), "role=", 0o600).unwrap();
        assert!(matches!(apply(&paths).unwrap(), SiteInForce::Broken { .. }));
        assert_eq!(hostname(&paths), "one");
        assert!(paths.path("/etc/ppp/peers/free").exists());
        assert!(!paths.path("/etc/ppp/peers/orange").exists());
    }
}
