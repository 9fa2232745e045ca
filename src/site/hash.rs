//! Passwords that are stored as hashes.

use super::secret::{MASK, Secret};
use super::text::{Invalid, Text, text_value};
use sha_crypt::{Params, PasswordHasher, PasswordVerifier, ShaCrypt};
use std::fmt;

/// A password's hash in the format of crypt(5): `$5$` or `$6$`, perhaps `rounds=…$`, a salt, `$`, and the hash itself.
/// `Debug` shows dots and there is no `Display`; [`PasswordHash::reveal`] returns the text.
#[derive(Clone, PartialEq)]
pub struct PasswordHash(String);

/// The most rounds, which take a Pi 1 some seconds while the caller waits.
const MOST_ROUNDS: u32 = 50_000;
const LONGEST_SALT: usize = 16;
/// Octets of a salt that gives sixteen letters in base64.
pub const SALT: usize = 12;

impl PasswordHash {
    /// The SHA-512 hash of a password, with the number of rounds of `openssl passwd -6`.
    ///
    /// # Errors
    /// The password is longer than crypt(5) allows.
    pub fn new(password: &Secret, salt: [u8; SALT]) -> Result<Self, Invalid> {
        let too_long = |_| Invalid::new("the password has no hash", "choose a shorter one");
        let hash = ShaCrypt::SHA512.hash_password_with_salt(password.reveal().as_bytes(), &salt);
        Self::from_text(hash.map_err(too_long)?.as_str())
    }

    /// The hash as text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the hash is this password's. Computes all rounds.
    #[must_use]
    pub fn fits(&self, password: &[u8]) -> bool {
        ShaCrypt::default().verify_password(password, self.reveal()).is_ok()
    }

    pub(super) fn masked() -> Self {
        Self(MASK.to_owned())
    }
}

impl Text for PasswordHash {
    const EXPECTED: &'static str = "the hash of a password";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let invalid = |why: &str| {
            Err(Invalid::new(
                why,
                "take what `openssl passwd -6` prints: a hash of SHA-512, as in \"$6$…$…\"",
            ))
        };
        let (digits, rest) = match text.split_at_checked(3) {
            Some(("$5$", rest)) => (43, rest),
            Some(("$6$", rest)) => (86, rest),
            _ => return invalid("this is no hash of crypt(5) by SHA-256 or SHA-512"),
        };
        let (rounds, rest) = match rest.strip_prefix("rounds=").map(|rest| rest.split_once('$')) {
            None => (Params::RECOMMENDED_ROUNDS, rest),
            Some(Some((rounds, rest))) => (rounds.parse().unwrap_or(0), rest),
            Some(None) => return invalid("the hash is cut off"),
        };
        if !(Params::ROUNDS_MIN..=MOST_ROUNDS).contains(&rounds) {
            return Err(Invalid::new(
                format!("a hash of less than {} or more than {MOST_ROUNDS} rounds", Params::ROUNDS_MIN),
                "choose between them; without `rounds=` there are 5000",
            ));
        }
        match rest.split_once('$') {
            Some((salt, hash))
                if (1..=LONGEST_SALT).contains(&salt.len())
                    && hash.len() == digits
                    && (salt.chars().chain(hash.chars()))
                        .all(|c| c.is_ascii_alphanumeric() || "./".contains(c)) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => invalid("the hash is cut off or has a wrong character"),
        }
    }
}

text_value!(PasswordHash);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({MASK})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512".
    #[test]
    fn the_vectors_of_the_specification_match() {
        let table = [
            ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"),
            (
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
                "Hello world!",
            ),
            ("$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA", "Hello world!"),
        ];
        for (hash, password) in table {
            let parsed: PasswordHash = hash.parse().unwrap_or_else(|e| panic!("{hash}: {e}"));
            assert!(parsed.fits(password.as_bytes()), "{hash}");
            assert!(!parsed.fits(b"Hello world"), "{hash}");
        }
    }

    #[test]
    fn a_new_hash_matches_only_its_password() {
        let password = |text: &str| Secret::from_text(text).unwrap();
        let hash = PasswordHash::new(&password("kqtn-cdfg"), [7; SALT]).unwrap();
        assert!(hash.fits(b"kqtn-cdfg"), "{}", hash.reveal());
        assert!(!hash.fits(b"kqtn-cdfh"));
        assert_ne!(hash, PasswordHash::new(&password("kqtn-cdfg"), [8; SALT]).unwrap());
    }

    #[test]
    fn hashes_that_pppd_cannot_use_are_refused() {
        let whole = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
        let wrong = [
            "".to_owned(),
            "hunter2".to_owned(),
            whole.replace("$5$", "$1$"),
            whole.replace("$5$", "$y$"),
            whole.replace("$5$", "$6$"),
            whole.replace("saltstring", ""),
            whole.replace("saltstring", "saltstringsaltstr"),
            whole.replace("saltstring", "rounds=999$saltstring"),
            whole.replace("saltstring", "rounds=1000000$saltstring"),
            whole.replace("saltstring", "rounds=many$saltstring"),
            whole.replace("saltstring", "rounds=5000"),
            whole.replace('.', ":"),
            whole[..whole.len() - 1].to_owned(),
            format!("{whole}$"),
        ];
        for text in wrong {
            assert!(text.parse::<PasswordHash>().is_err(), "{text}");
        }
    }
}
