//! The verdicts of boots, kept beside a recording: a run that was ended goes on where it was.
//!
//! A file `booted` in the story's directory, a line for each boot: seed, number of the cut, `up` or `failed`, how the
//! state was mounted or what failed, and what was forgotten, separated by tabs.

use super::boot::Booted;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const FILE: &str = "booted";

/// What is known of the boots of a recording.
#[derive(Debug)]
pub struct Verdicts {
    path: PathBuf,
    seed: u64,
    known: HashMap<u64, Verdict>,
}

/// What a boot has shown, or why there was none.
pub type Verdict = std::result::Result<Booted, String>;

impl Verdicts {
    /// Those of a recording's directory that were made with this seed.
    pub fn load(dir: &Path, seed: u64) -> Self {
        let path = dir.join(FILE);
        // No boot has been made if there is no such file.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines = text.lines().filter_map(parse);
        let known =
            lines.filter(|(of, ..)| *of == seed).map(|(_, index, verdict)| (index, verdict)).collect();
        Self { path, seed, known }
    }

    /// The verdict of a cut; boots its card if there is none yet.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn of(&mut self, index: u64, boot: impl FnOnce() -> Result<Booted>) -> Result<Verdict> {
        if let Some(verdict) = self.known.get(&index) {
            return Ok(verdict.clone());
        }
        let verdict = boot().map_err(|error| error.to_string());
        let file = File::options().append(true).create(true).open(&self.path);
        file.and_then(|mut file| writeln!(file, "{}", line(self.seed, index, &verdict)))
            .map_err(|e| Error::io("write", &self.path, e))?;
        self.known.insert(index, verdict.clone());
        Ok(verdict)
    }
}

fn line(seed: u64, index: u64, verdict: &Verdict) -> String {
    let (word, what, forgotten) = match verdict {
        Ok(Booted { state, forgotten }) => ("up", state, forgotten.as_slice()),
        Err(why) => ("failed", why, &[][..]),
    };
    let fields = [what].into_iter().chain(forgotten).map(|field| field.replace(['\t', '\n'], " "));
    format!("{seed}\t{index}\t{word}\t{}", fields.collect::<Vec<_>>().join("\t"))
}

fn parse(line: &str) -> Option<(u64, u64, Verdict)> {
    let mut fields = line.split('\t');
    let (seed, index) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let (word, what) = (fields.next()?, fields.next()?.to_owned());
    let verdict = match word {
        "up" => Ok(Booted { state: what, forgotten: fields.map(str::to_owned).collect() }),
        "failed" => Err(what),
        _ => return None,
    };
    Some((seed, index, verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_booted_once_and_its_verdict_is_kept_for_its_seed() {
        let dir = tempfile::tempdir().unwrap();
        let booted = Booted { state: "recovered".to_owned(), forgotten: vec!["used 7".to_owned()] };
        let mut verdicts = Verdicts::load(dir.path(), 1);
        assert_eq!(verdicts.of(5, || Ok(booted.clone())).unwrap(), Ok(booted.clone()));
        let failure = || Err(Error::Unexpected("no\n\tconsole".to_owned()));
        assert!(verdicts.of(6, failure).unwrap().is_err());

        let never = || panic!("it was booted before");
        let mut later = Verdicts::load(dir.path(), 1);
        assert_eq!(later.of(5, never).unwrap(), Ok(booted));
        assert_eq!(later.of(6, never).unwrap(), Err("no  console".to_owned()));
        let other = Booted { state: "clean".to_owned(), forgotten: vec![] };
        assert_eq!(Verdicts::load(dir.path(), 2).of(5, || Ok(other.clone())).unwrap(), Ok(other));
    }
}
