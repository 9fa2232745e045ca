//! `dialctl codes resync`.

use std::fs;
use std::time::Duration;

use crate::control::{self, Reply, Request};
use crate::paths::Paths;
use crate::site::{OneTimeCode, Proof, Role, Site};
use crate::sms::code::Code;
use crate::sms::proof::{self, FARTHEST};

/// A request that needs only a write to the card.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Sets the HOTP counter by two consecutive codes of the app: both count as used.
///
/// # Errors
/// The reason why it is not set, as text.
pub fn resync(paths: &Paths, first: &str, second: &str) -> Result<String, String> {
    let codes = counted_codes(paths)?;
    let used = counter(&codes, first, second)?;
    match control::request(paths, &Request::SetCounter(used), AT_ONCE).map_err(|error| error.to_string())? {
        Reply::Done(what) => Ok(format!("{what}\n")),
        Reply::Failed(why) => Err(why),
    }
}

fn counted_codes(paths: &Paths) -> Result<OneTimeCode, String> {
    let path = paths.site();
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Role::Dialer(dialer) = Site::parse(&text).map_err(|error| error.to_string())?.role else {
        return Err("this box is no dialer: it takes no text messages".to_owned());
    };
    match dialer.sms.map(|sms| sms.proof) {
        Some(Proof::Hotp(codes)) => Ok(codes),
        Some(Proof::Totp(_)) => Err("the site's codes go by the clock: they have no counter".to_owned()),
        Some(Proof::SenderOnly) => Err("the site asks for no code".to_owned()),
        None => Err("the site has no [sms]".to_owned()),
    }
}

fn counter(codes: &OneTimeCode, first: &str, second: &str) -> Result<u64, String> {
    let digits = codes.digits.count();
    let code = |text| Code::parse(text).filter(|code| code.reveal().len() == digits);
    let (Some(first), Some(second)) = (code(first), code(second)) else {
        return Err(format!("no two codes of {digits} digits\n  next: write each without blanks"));
    };
    proof::find_pair(codes, &first, &second).ok_or_else(|| {
        format!(
            "these two do not follow each other among the first {FARTHEST} codes of the site's secret\n  next: \
             have the app show a code and then the next one; if that does not help, compare its secret with the \
             site's"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Server;
    use std::thread;

    /// RFC 4226's secret: the codes of Appendix D are 755224, 287082, 359152, …
    const SITE: &str = "role='dialer'\nhostname='x'\n[operator]\nname='free'\napn='free'\n\
        [sms]\nnumbers=['+33612345678']\nproof='hotp'\nsecret='GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'\ndigits=6\n";

    fn test_box(site: &str) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        fs::create_dir_all(paths.site().parent().unwrap()).unwrap();
        fs::write(paths.site(), site).unwrap();
        (dir, paths)
    }

    #[test]
    fn the_dialer_gets_the_counter_of_the_second_code() {
        let (_dir, paths) = test_box(SITE);
        let mut server = Server::open(&paths).unwrap();
        thread::scope(|scope| {
            let told = scope.spawn(|| resync(&paths, "287082", "359152"));
            let (client, request) = loop {
                if let Some(request) = server.poll().pop() {
                    break request;
                }
                thread::yield_now();
            };
            assert_eq!(request, Request::SetCounter(2));
            server.answer(client, &Reply::Done("set".to_owned()));
            assert_eq!(told.join().unwrap(), Ok("set\n".to_owned()));
        });
    }

    #[test]
    fn a_request_without_a_counter_fails_with_the_reason_and_reaches_no_dialer() {
        for (site, first, second, why) in [
            (SITE, "755224", "359152", "do not follow each other among the first 100000 codes"),
            (SITE, "287082", "755224", "do not follow each other"),
            (SITE, "755224", "755224", "do not follow each other"),
            (SITE, "755 224", "287082", "no two codes of 6 digits"),
            (SITE, "28755224", "82287082", "no two codes of 6 digits"),
            (&SITE.replace("'hotp'", "'totp'"), "755224", "287082", "go by the clock"),
            (SITE.split_once("[sms]").unwrap().0, "755224", "287082", "no [sms]"),
            (SITE, "755224", "287082", "the dialer is not running"),
        ] {
            let (_dir, paths) = test_box(site);
            let told = resync(&paths, first, second).unwrap_err();
            assert!(told.contains(why), "{first} {second}: {told}");
        }
    }
}
