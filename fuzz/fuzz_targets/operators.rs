//! Whatever is in the list of operators: the draft is TOML with known keys and has nothing that is not in the list, and
//! notes and errors are printable.
#![no_main]

mod draft;

use libfuzzer_sys::fuzz_target;
use xtask::verb::site::draft::Draft;
use xtask::verb::site::operators::Operator;

/// The input replaces the name of the operator, and its first access point.
const FRAME: [&str; 3] = [
    "<!DOCTYPE serviceproviders [<!ENTITY e \"name\"><!ENTITY f \"&e;&e;\">]>\n<serviceproviders><country code=\"fr\">\
     <provider><name>Free</name><name>",
    "</name><gsm><apn value=\"other\"><usage type=\"internet\"/>",
    "</apn></gsm></provider></country></serviceproviders>",
];

fuzz_target!(|text: &str| {
    look_up(text);
    let (name, access_point) = text.split_once('\0').unwrap_or(("", text));
    let [before, between, after] = FRAME;
    look_up(&format!("{before}{name}{between}{access_point}{after}"));
});

fn look_up(xml: &str) {
    for operator in [Some("Free"), None] {
        match Operator::find_in(xml, "fr", operator) {
            Ok(found) => {
                let mut site = Draft::from_example(draft::EXAMPLE);
                let notes = found.fill(&mut site);
                let text = site.text();
                draft::check(&text, &notes);
                for key in ["apn", "user", "password"] {
                    let Some(value) = draft::text_of(&text, "operator", key) else { continue };
                    // Entities, references and CDATA are text of another form.
                    assert!(
                        xml.contains(&value)
                            || xml.contains(['&', '\r', '\n', '\t'])
                            || xml.contains("<![CDATA[")
                    );
                }
            }
            Err(error) => draft::is_printable(&error.to_string()),
        }
    }
}
