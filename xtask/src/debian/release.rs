//! A suite's signed `Release` file: how old it is, and the hashes of its indices.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime},
};

use crate::{
    debian::control,
    error::{Error, Result},
};

const DAY: u64 = 24 * 60 * 60;

/// A signed file may be that old. A suite's point releases come every few months.
const OLDEST: u64 = 365 * DAY;

/// How far this machine's clock may be behind.
const CLOCK_ERROR: u64 = DAY;

/// How old a signed file may be.
#[derive(Debug)]
pub enum Age {
    /// Not older than the one of its suite that the lock was made from: its date, seconds since 1970.
    NotOlderThan(BTreeMap<String, u64>),
    /// As old as it likes, but for a file that says until when it is valid.
    Any,
}

/// The content of the file.
#[derive(Debug)]
pub struct Release {
    /// When it was made, seconds since 1970.
    pub date: u64,
    valid_until: Option<u64>,
    by_hash: bool,
    names: Vec<String>,
    files: HashMap<String, (u64, String)>,
}

/// An index file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// `dists/bookworm/main/binary-armel/Packages.xz`
    pub name: String,
    /// Where to get it, below the mirror.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Hexadecimal.
    pub sha256: String,
}

impl Release {
    /// Reads the text that was signed.
    pub fn parse(text: &str) -> Result<Self> {
        let paragraph = control::paragraphs(text).next().ok_or_else(|| Error::new("it is empty"))?;
        let moment = |name: &str| paragraph.get(name).map(|value| seconds(name, value)).transpose();
        let mut files = HashMap::new();
        for line in paragraph.get("SHA256").unwrap_or_default().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [sha256, size, name] = words[..] {
                let size = size.parse().map_err(|_| Error::new(format!("{name} has the size `{size}`")))?;
                files.insert(name.to_owned(), (size, sha256.to_ascii_lowercase()));
            }
        }
        Ok(Self {
            date: moment("Date")?.ok_or_else(|| Error::new("it has no Date"))?,
            valid_until: moment("Valid-Until")?,
            by_hash: paragraph.get("Acquire-By-Hash") == Some("yes"),
            names: ["Suite", "Codename"]
                .iter()
                .filter_map(|it| paragraph.get(it))
                .map(str::to_owned)
                .collect(),
            files,
        })
    }

    /// Checks that it is for this suite, and neither too old nor from the future. An old file that is replayed would
    /// hide security updates.
    pub fn check(&self, suite: &str, now: u64, age: &Age) -> Result<()> {
        if !self.names.iter().any(|it| it == suite) {
            return Err(Error::new(format!("it is signed for {}, not for {suite}", self.names.join(" or "))));
        }
        let mirror = "use a mirror that is kept up to date (--mirror URL)";
        let told = |what: &str| {
            let error = Error::new(what).fact(format!("made on     {}", date(self.date)));
            error.fact(format!("this clock  {}", date(now)))
        };
        // The box accepts no earlier date than this one.
        if self.date > now + CLOCK_ERROR {
            return Err(told("it is dated in the future").hint("set this machine's clock"));
        }
        match (self.valid_until, age) {
            (Some(end), _) if end < now => {
                let error = told(&format!("it expired on {}", date(end)));
                Err(error.hint(format!("{mirror}, or set this machine's clock")))
            }
            // The file of a stable suite has no `Valid-Until`: every version that was ever signed stays valid.
            (None, Age::NotOlderThan(_)) if self.date + OLDEST < now => {
                let error = told(&format!("it is more than {} days old", OLDEST / DAY));
                Err(error.hint(format!("{mirror}; for a suite that is no longer updated --allow-older")))
            }
            (_, Age::NotOlderThan(locked)) => self.refuse_older(locked.get(suite).copied()),
            (_, Age::Any) => Ok(()),
        }
    }

    fn refuse_older(&self, locked: Option<u64>) -> Result<()> {
        match locked {
            Some(locked) if self.date < locked => {
                Err(Error::new("it is older than the one that image/packages.lock was made from")
                    .fact(format!("made on   {}", date(self.date)))
                    .fact(format!("the lock  {}", date(locked)))
                    .hint("use a mirror that is kept up to date (--mirror URL), or --allow-older"))
            }
            _ => Ok(()),
        }
    }

    /// The index of a component for an architecture.
    pub fn packages(&self, suite: &str, component: &str, architecture: &str) -> Result<IndexFile> {
        self.index(suite, &format!("{component}/binary-{architecture}"), "Packages.xz")
    }

    /// The index of a component's source packages.
    pub fn sources(&self, suite: &str, component: &str) -> Result<IndexFile> {
        self.index(suite, &format!("{component}/source"), "Sources.xz")
    }

    fn index(&self, suite: &str, directory: &str, file: &str) -> Result<IndexFile> {
        let name = format!("{directory}/{file}");
        // Debian's security archive drops the smaller architectures of an old release.
        let none = || {
            Error::new(format!("it has no {name}"))
                .hint("take another suite: this one has no such component, or not for this processor")
        };
        let (size, sha256) = self.files.get(&name).ok_or_else(none)?;
        let path = match self.by_hash {
            true => format!("dists/{suite}/{directory}/by-hash/SHA256/{sha256}"),
            false => format!("dists/{suite}/{name}"),
        };
        Ok(IndexFile { name: format!("dists/{suite}/{name}"), path, size: *size, sha256: sha256.clone() })
    }
}

/// `Sat, 11 Jul 2026 10:16:37 UTC`
fn seconds(name: &str, value: &str) -> Result<u64> {
    let moment = httpdate::parse_http_date(&value.replace("UTC", "GMT")).ok();
    let since = moment.and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map(|it| it.as_secs()).ok_or_else(|| Error::new(format!("its {name} is `{value}`")))
}

fn date(seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).replace("GMT", "UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: &str = "\
Origin: Debian Backports
Suite: stable-backports
Codename: trixie-backports
Date: Sat, 21 Nov 2026 02:10:46 UTC
Valid-Until: Sat, 28 Nov 2026 02:10:46 UTC
Acquire-By-Hash: yes
MD5Sum:
 00000000000000000000000000000000 144284 main/binary-all/Packages.xz
SHA256:
 46B4badb 144284 main/binary-all/Packages.xz
 ca46a6f2   268572 main/binary-armel/Packages.xz
";
    const NOV_22: u64 = 1_795_305_600;

    fn latest() -> Age {
        Age::NotOlderThan(BTreeMap::new())
    }

    #[test]
    fn an_index_is_fetched_by_its_hash_if_the_archive_offers_it() {
        let release = Release::parse(RELEASE).unwrap();
        assert_eq!(
            release.packages("trixie-backports", "main", "all").unwrap(),
            IndexFile {
                name: "dists/trixie-backports/main/binary-all/Packages.xz".into(),
                path: "dists/trixie-backports/main/binary-all/by-hash/SHA256/46b4badb".into(),
                size: 144_284,
                sha256: "46b4badb".into(),
            }
        );
        let plain = Release::parse(&RELEASE.replace("Acquire-By-Hash: yes\n", "")).unwrap();
        let path = plain.packages("trixie-backports", "main", "armel").unwrap().path;
        assert_eq!(path, "dists/trixie-backports/main/binary-armel/Packages.xz");
        let error = release.packages("trixie-backports", "contrib", "armel").unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: it has no contrib/binary-armel/Packages.xz\n  \
             next: take another suite: this one has no such component, or not for this processor"
        );
    }

    #[test]
    fn a_release_must_be_for_the_requested_suite() {
        let release = Release::parse(RELEASE).unwrap();
        assert!(release.check("trixie-backports", NOV_22, &latest()).is_ok());
        assert!(release.check("stable-backports", NOV_22, &latest()).is_ok());
        let error = release.check("bookworm", NOV_22, &latest()).unwrap_err().to_string();
        assert_eq!(error, "error: it is signed for stable-backports or trixie-backports, not for bookworm");
    }

    #[test]
    fn a_valid_release_older_than_the_lock_is_refused() {
        let release = Release::parse(RELEASE).unwrap();
        let locked = |date| Age::NotOlderThan(BTreeMap::from([("trixie-backports".to_owned(), date)]));
        let check = |age: &Age| release.check("trixie-backports", NOV_22, age);
        assert!(check(&locked(release.date)).is_ok());
        assert!(check(&Age::Any).is_ok());
        insta::assert_snapshot!(check(&locked(NOV_22)).unwrap_err(), @r"
        error: it is older than the one that image/packages.lock was made from
          made on   Sat, 21 Nov 2026 02:10:46 UTC
          the lock  Sun, 22 Nov 2026 00:00:00 UTC
          next: use a mirror that is kept up to date (--mirror URL), or --allow-older
        ");
    }

    #[test]
    fn an_expired_release_is_refused_with_its_dates() {
        let release = Release::parse(RELEASE).unwrap();
        assert!(release.check("trixie-backports", NOV_22 + 6 * DAY, &latest()).is_ok());
        for age in [latest(), Age::Any] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(release.check("trixie-backports", NOV_22 + 7 * DAY, &age).unwrap_err(), @r"
                error: it expired on Sat, 28 Nov 2026 02:10:46 UTC
                  made on     Sat, 21 Nov 2026 02:10:46 UTC
                  this clock  Sun, 29 Nov 2026 00:00:00 UTC
                  next: use a mirror that is kept up to date (--mirror URL), or set this machine's clock
                ");
            }
        }
    }

    #[test]
    fn a_release_without_an_end_is_refused_after_a_year_unless_asked_for() {
        let lasting = Release::parse(&RELEASE.replace("Valid-Until", "X-Valid-Until")).unwrap();
        let check = |days: u64, age: &Age| lasting.check("trixie-backports", NOV_22 + days * DAY, age);
        assert!(check(360, &latest()).is_ok());
        assert!(check(900, &Age::Any).is_ok());
        insta::assert_snapshot!(check(400, &latest()).unwrap_err(), @r"
        error: it is more than 365 days old
          made on     Sat, 21 Nov 2026 02:10:46 UTC
          this clock  Mon, 27 Dec 2027 00:00:00 UTC
          next: use a mirror that is kept up to date (--mirror URL); for a suite that is no longer updated --allow-older
        ");
    }

    #[test]
    fn a_release_from_the_future_is_refused() {
        let release = Release::parse(RELEASE).unwrap();
        let check = |days: u64| release.check("trixie-backports", NOV_22 - days * DAY, &Age::Any);
        assert!(check(1).is_ok());
        insta::assert_snapshot!(check(40).unwrap_err(), @r"
        error: it is dated in the future
          made on     Sat, 21 Nov 2026 02:10:46 UTC
          this clock  Tue, 13 Oct 2026 00:00:00 UTC
          next: set this machine's clock
        ");
    }
}
