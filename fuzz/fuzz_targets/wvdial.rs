//! Whatever is in a `wvdial.conf`: the draft is TOML with known keys, and the notes are printable and show no PIN.
#![no_main]

mod draft;

use libfuzzer_sys::fuzz_target;
use xtask::verb::site::draft::Draft;
use xtask::verb::site::wvdial::Wvdial;

fuzz_target!(|text: &str| {
    for text in [text, &format!("[Dialer Defaults]\n{text}")] {
        match Wvdial::parse(text) {
            Ok(settings) => {
                let mut site = Draft::from_example(draft::EXAMPLE);
                let notes = settings.fill(&mut site);
                draft::check(&site.text(), &notes);
                // A PIN that also stands elsewhere in the file may be noted from there.
                let pin = draft::text_of(&site.text(), "modem", "pin");
                let pin = pin.filter(|pin| pin.len() >= 4 && text.matches(pin.as_str()).count() == 1);
                assert!(pin.is_none_or(|pin| !notes.concat().contains(&pin)));
            }
            Err(error) => draft::is_printable(&error.to_string()),
        }
    }
});
