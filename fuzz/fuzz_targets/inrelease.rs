//! Whatever a mirror gives as `InRelease`: no text is believed but one that was signed, by a key that counts at that time.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use inrelease::keyring::Keyring;
use inrelease::verify::signed_text;
use libfuzzer_sys::fuzz_target;
use pgp::types::Timestamp;

/// Messages with good signatures by autumn, winter, both or a stranger, and one whose signature has expired.
const MESSAGES: [&str; 5] = [
    include_str!("../../xtask/inrelease/tests/data/signed-by-both.txt"),
    include_str!("../../xtask/inrelease/tests/data/signed-by-autumn.txt"),
    include_str!("../../xtask/inrelease/tests/data/signed-by-stranger.txt"),
    include_str!("../../xtask/inrelease/tests/data/signed-with-sha1.txt"),
    include_str!("../../xtask/inrelease/tests/data/expired-signature.txt"),
];

/// The keys have made nothing else.
const TEXT: &str = "Origin: Fixture\nSuite: test\nDescription: -- a line that is dash-escaped\n\
                    - and one that looks escaped\nSHA256:\n 00 0 main/binary-armel/Packages.xz\n-- dashes at the start";

/// Before the signatures were made, when both keys count, and when autumn has expired.
const TIMES: [u32; 3] = [1_772_323_199, 1_775_000_000, 1_830_000_000];

const PIECES: [&str; 16] = [
    "Suite: evil\n",
    "\r",
    "\n",
    " ",
    "\t",
    "- ",
    "--",
    "-----BEGIN PGP SIGNED MESSAGE-----\n",
    "-----BEGIN PGP SIGNATURE-----\n",
    "-----END PGP SIGNATURE-----\n",
    "Hash: SHA256\n\n",
    "Hash: SHA512\r\n",
    "NotDashEscaped: yes\n",
    "Comment: x\n",
    "\u{85}",
    "\0",
];

fuzz_target!(|bytes: &[u8]| {
    static KEYRING: OnceLock<Keyring> = OnceLock::new();
    let keyring = KEYRING.get_or_init(|| {
        let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/inrelease/tests/data"));
        // The fixtures of the tests: the target fails if they cannot be read.
        Keyring::load(&["autumn.asc", "winter.asc"].map(|file| data.join(file))).expect("keys")
    });
    let Some((&kind, edits)) = bytes.split_first() else { return };
    let message = match MESSAGES.get(usize::from(kind % 8)) {
        Some(message) => edited(message, edits),
        None => String::from_utf8_lossy(edits).into_owned(),
    };
    let time = usize::from(kind >> 6).min(2);
    if let Ok(text) = signed_text(&message, keyring, Timestamp::from_secs(TIMES[time])) {
        assert_eq!(text, TEXT);
        assert_ne!(time, 0, "a signature of the future");
        assert_ne!((kind % 8, time), (1, 2), "a key that has expired");
    }
});

/// The message after some changes of four bytes each: what, where, and how much.
fn edited(message: &str, edits: &[u8]) -> String {
    let mut message = message.as_bytes().to_vec();
    for edit in edits.chunks_exact(4) {
        let &[operation, high, low, argument] = edit else { continue };
        let at = usize::from(u16::from_be_bytes([high, low])) % (message.len() + 1);
        let end = (at + usize::from(argument)).min(message.len());
        let put = match operation % 5 {
            0 => vec![argument],
            1 => Vec::new(),
            2 => message[at..end].to_vec(),
            3 => PIECES[usize::from(argument) % PIECES.len()].as_bytes().to_vec(),
            _ => {
                let from = usize::from(argument) * 8 % (message.len() + 1);
                message[from..message.len().min(from + 64)].to_vec()
            }
        };
        let replaced = match operation % 5 {
            0 => at..message.len().min(at + 1),
            1 => at..end,
            _ => at..at,
        };
        message.splice(replaced, put);
    }
    String::from_utf8_lossy(&message).into_owned()
}
