//! The sites that the documents show.

use dialbox::site::Site;

use crate::HASH_6;

#[test]
fn the_examples_of_what_follows_the_login_are_valid() {
    let docs = include_str!("../../docs/dial-in.md");
    let examples = docs.split("```\n").skip(1).step_by(2).filter(|block| block.contains("\nservices = "));
    let place = "[[line]]\nport = 'auto'\nlocal = '192.168.32.1'\nremote = '192.168.32.105'\n";
    for example in examples.clone() {
        let line = if example.contains("[[line]]") { "" } else { "[[line]]\nlogin = true\n" };
        let tables = format!("{example}{line}").replace("[[line]]\n", place);
        Site::parse(&format!("role = 'dial-in'\nhostname = 'x'\n{tables}"))
            .unwrap_or_else(|it| panic!("{it}"));
    }
    assert_eq!(examples.count(), 2);
}

#[test]
fn the_sites_of_the_layers_are_valid() {
    let docs = include_str!("../../docs/layers.md");
    let is_site =
        |block: &&str| ["[lan]\n", "[dial-in]\n", "[[line]]\n"].iter().any(|it| block.starts_with(it));
    let examples = docs.split("```\n").skip(1).step_by(2).filter(is_site);
    for example in examples.clone() {
        let mut site = format!("role = 'dial-in'\nhostname = 'x'\n{example}");
        if !site.contains("[[line]]") {
            site += "[[line]]\nlocal = '192.168.32.1'\n";
        }
        if !site.contains("\nremote =") {
            site += "remote = '192.168.32.105'\n";
        }
        if !site.contains("\nport =") {
            site += "port = 'auto'\n";
        }
        site += &format!("[[user]]\nname = 'caller'\npassword-hash = '{HASH_6}'\n");
        Site::parse(&site).unwrap_or_else(|it| panic!("{it}"));
    }
    assert_eq!(examples.count(), 3);
}
