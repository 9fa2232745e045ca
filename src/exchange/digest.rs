//! Digest authentication (RFC 3261 §22, RFC 8760): challenges, nonces, and the check of an answer.
//!
//! Nonces need no memory until one is used: they carry their serial number and time, and a MAC under a key that lives
//! as long as the process. A used one is remembered with its count, so that a recorded request is of no use.

use std::time::Duration;

use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::header;
use crate::site::{DigestAlgorithm, ExchangeAccount};

/// How long a nonce can be used. Adapters refresh a registration every few minutes to an hour, and take `stale`.
const LIFETIME: Duration = Duration::from_secs(300);
/// Nonces that an account has in use at a time: more than it has contacts.
const IN_USE: usize = 8;

/// Who issues and recognises nonces.
#[derive(Debug)]
pub struct Nonces {
    key: [u8; 32],
    serial: u64,
}

/// Why a nonce is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadNonce {
    /// It was issued here and is too old or used: the client may try again with a new one.
    Stale,
}

impl Nonces {
    /// Nonces under this key of random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, serial: 0 }
    }

    /// A new nonce.
    pub fn issue(&mut self, now: Duration) -> String {
        self.serial += 1;
        let plain = format!("{:016x}{:08x}", self.serial, now.as_secs());
        let mac = self.mac(&plain);
        plain + &mac
    }

    /// The serial number of a valid nonce. One of an earlier process looks forged, and is as stale.
    ///
    /// # Errors
    /// It is too old, or not one of ours.
    pub fn check(&self, nonce: &str, now: Duration) -> Result<u64, BadNonce> {
        let (plain, mac) = nonce.split_at_checked(24).ok_or(BadNonce::Stale)?;
        if !bool::from(self.mac(plain).as_bytes().ct_eq(mac.as_bytes())) {
            return Err(BadNonce::Stale);
        }
        let (serial, issued) = plain.split_at_checked(16).ok_or(BadNonce::Stale)?;
        let issued = u64::from_str_radix(issued, 16).map_err(|_| BadNonce::Stale)?;
        if now.saturating_sub(Duration::from_secs(issued)) > LIFETIME {
            return Err(BadNonce::Stale);
        }
        u64::from_str_radix(serial, 16).map_err(|_| BadNonce::Stale)
    }

    fn mac(&self, plain: &str) -> String {
        // HMAC takes a key of any length (RFC 2104 §2): there is no error.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(plain.as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }
}

/// The nonces that an account has used, with the highest count of each.
#[derive(Debug, Default)]
pub struct Used {
    counts: Vec<(u64, u32)>,
    /// Nonces up to this serial number are forgotten, and refused.
    floor: u64,
}

impl Used {
    /// Notes the use of a nonce.
    ///
    /// # Errors
    /// It was used with this count or a higher one, or is forgotten.
    pub fn spend(&mut self, serial: u64, count: u32) -> Result<(), BadNonce> {
        if let Some(known) = self.counts.iter_mut().find(|known| known.0 == serial) {
            if count <= known.1 {
                return Err(BadNonce::Stale);
            }
            known.1 = count;
            return Ok(());
        }
        if serial <= self.floor {
            return Err(BadNonce::Stale);
        }
        if self.counts.len() == IN_USE
            && let Some(oldest) = (0..IN_USE).min_by_key(|at| self.counts[*at].0)
        {
            self.floor = self.floor.max(self.counts.swap_remove(oldest).0);
        }
        // A nonce that is older than the forgotten one could be used again.
        if serial <= self.floor {
            return Err(BadNonce::Stale);
        }
        self.counts.push((serial, count));
        Ok(())
    }
}

/// The value of WWW-Authenticate or Proxy-Authenticate. One algorithm at a time: telephones that see two challenges
/// give up, or take the last one (measured with baresip 1.1, PJSIP 2.15.1 and SIPp 3.6.1).
pub fn challenge(realm: &str, nonce: &str, algorithm: DigestAlgorithm, stale: bool) -> String {
    let stale = if stale { ", stale=true" } else { "" };
    format!(r#"Digest realm="{realm}", nonce="{nonce}", algorithm={}, qop="auth"{stale}"#, token(algorithm))
}

fn token(algorithm: DigestAlgorithm) -> &'static str {
    match algorithm {
        DigestAlgorithm::Md5 => "MD5",
        DigestAlgorithm::Sha256 => "SHA-256",
    }
}

/// A client's answer to a challenge: the value of Authorization or Proxy-Authorization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The account.
    pub username: String,
    /// The realm; a request may carry answers for others.
    pub realm: String,
    /// The nonce.
    pub nonce: String,
    uri: String,
    response: String,
    algorithm: Option<String>,
    qop: Option<String>,
    cnonce: String,
    count: String,
}

impl Answer {
    /// Reads one; `None` for another scheme or a field that is missing.
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.split_once(char::is_whitespace)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let params = header::Params::parse(rest, ',')?;
        let text = |name: &str| params.get(name).map(str::to_owned);
        Some(Self {
            username: text("username")?,
            realm: text("realm")?,
            nonce: text("nonce")?,
            uri: text("uri")?,
            response: text("response")?,
            algorithm: text("algorithm"),
            qop: text("qop"),
            cnonce: text("cnonce").unwrap_or_default(),
            count: text("nc").unwrap_or_default(),
        })
    }

    /// How often the nonce was used, with this time. Without `qop` there is no count, and a nonce serves once.
    pub fn count(&self) -> u32 {
        u32::from_str_radix(&self.count, 16).unwrap_or(1)
    }

    /// Whether it proves the account's password. The URI is the client's own spelling of the Request-URI; adapters
    /// differ in port and parameters, and the count keeps the answer from being used twice.
    pub fn proves(&self, secret: &HashedPassword, method: &str) -> bool {
        let algorithm = secret.algorithm;
        if self.algorithm.as_deref().is_some_and(|named| !named.eq_ignore_ascii_case(token(algorithm))) {
            return false;
        }
        let request = hash(algorithm, &format!("{method}:{}", self.uri));
        let plain = match self.qop.as_deref() {
            // As it was written: a token is compared without case (RFC 3261 §7.3.1), and a hash is not.
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                format!("{}:{}:{}:{}:{qop}:{request}", secret.hash, self.nonce, self.count, self.cnonce)
            }
            Some(_) => return false,
            None => format!("{}:{}:{request}", secret.hash, self.nonce),
        };
        let expected = hash(algorithm, &plain);
        bool::from(expected.as_bytes().ct_eq(self.response.to_ascii_lowercase().as_bytes()))
    }
}

/// `H(A1)` of RFC 2617 §3.2.2.2: all that an account's password is needed for. `Debug` does not show it.
pub struct HashedPassword {
    /// The algorithm of the account.
    pub algorithm: DigestAlgorithm,
    hash: String,
}

impl HashedPassword {
    /// The hash for an account in this realm.
    pub fn new(account: &ExchangeAccount, realm: &str) -> Self {
        let plain = format!("{}:{realm}:{}", account.name, account.password.reveal());
        Self { algorithm: account.digest, hash: hash(account.digest, &plain) }
    }
}

impl std::fmt::Debug for HashedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HashedPassword({:?}, ••••)", self.algorithm)
    }
}

fn hash(algorithm: DigestAlgorithm, plain: &str) -> String {
    match algorithm {
        DigestAlgorithm::Md5 => hex(&Md5::digest(plain.as_bytes())),
        DigestAlgorithm::Sha256 => hex(&Sha256::digest(plain.as_bytes())),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// RFC 2617 §3.5 and RFC 7616 §3.9.1: Mufasa asks for /dir/index.html.
    #[test]
    fn the_examples_of_the_rfcs_are_accepted_and_nothing_near_them() {
        let md5 = r#"Digest username="Mufasa", realm="testrealm@host.com",
            nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001,
            cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1""#;
        let sha256 = r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html",
            algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth,
            response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1""#;
        let secret = |algorithm, realm: &str, password: &str| HashedPassword {
            algorithm,
            hash: hash(algorithm, &format!("Mufasa:{realm}:{password}")),
        };
        let old = Answer::parse(md5).unwrap();
        let right = secret(DigestAlgorithm::Md5, &old.realm, "Circle Of Life");
        assert!(old.proves(&right, "GET"));
        assert!(!old.proves(&right, "PUT"));
        assert!(!old.proves(&secret(DigestAlgorithm::Md5, &old.realm, "circle of life"), "GET"));
        assert!(!old.proves(&secret(DigestAlgorithm::Sha256, &old.realm, "Circle Of Life"), "GET"));
        let new = Answer::parse(sha256).unwrap();
        let right = secret(DigestAlgorithm::Sha256, &new.realm, "Circle of Life");
        assert!(new.proves(&right, "GET"));
        assert!(!Answer { qop: Some("auth-int".into()), ..new }.proves(&right, "GET"));
        assert_eq!(Answer::parse("NoOneKnowsThisScheme opaque-data=here"), None);
    }

    #[test]
    fn a_nonce_is_good_for_five_minutes_and_only_under_its_key() {
        let mut nonces = Nonces::new([7; 32]);
        let nonce = nonces.issue(100 * SECOND);
        assert_eq!(nonces.check(&nonce, 400 * SECOND), Ok(1));
        assert_eq!(nonces.check(&nonce, 401 * SECOND), Err(BadNonce::Stale));
        assert_eq!(Nonces::new([8; 32]).check(&nonce, 100 * SECOND), Err(BadNonce::Stale));
        let forged = nonce.replacen('1', "2", 1);
        assert_eq!(nonces.check(&forged, 100 * SECOND), Err(BadNonce::Stale));
        assert_eq!(nonces.check("ü", 100 * SECOND), Err(BadNonce::Stale));
    }

    #[test]
    fn a_nonce_with_a_count_serves_once_even_when_it_is_forgotten() {
        let mut used = Used::default();
        assert_eq!(used.spend(1, 1), Ok(()));
        assert_eq!(used.spend(1, 1), Err(BadNonce::Stale));
        assert_eq!(used.spend(1, 2), Ok(()));
        for serial in 2..=20 {
            assert_eq!(used.spend(serial, 1), Ok(()));
        }
        for serial in 1..=20 {
            assert_eq!(used.spend(serial, 1), Err(BadNonce::Stale), "{serial}");
        }
        assert!(used.counts.len() <= IN_USE);
    }
}
