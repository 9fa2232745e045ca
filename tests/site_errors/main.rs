//! The error messages for mistakes in `site.toml`.

mod address_slips;
mod forward_slips;
mod gpio_slips;
mod impossible_slips;
mod reach_slips;
mod service_slips;
mod slips;
mod useless_slips;
mod valid;

use address_slips::ADDRESS_SLIPS;
use dialbox::site::Site;
use forward_slips::FORWARD_SLIPS;
use gpio_slips::GPIO_SLIPS;
use impossible_slips::IMPOSSIBLE_SLIPS;
use reach_slips::REACH_SLIPS;
use service_slips::SERVICE_SLIPS;
use slips::SLIPS;
use useless_slips::USELESS_SLIPS;
use valid::*;

fn slip(base: &str, good: &str, bad: &str) -> String {
    assert!(base.contains(good), "{good:?} is not in the good site");
    let text = base.replacen(good, bad, 1);
    match Site::parse(&text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_error_has_its_position_and_a_hint() {
    let slips = [
        SLIPS,
        FORWARD_SLIPS,
        SERVICE_SLIPS,
        ADDRESS_SLIPS,
        IMPOSSIBLE_SLIPS,
        GPIO_SLIPS,
        REACH_SLIPS,
        USELESS_SLIPS,
    ];
    let said = slips
        .into_iter()
        .flatten()
        .map(|(name, base, good, bad)| format!("## {name}\n{}\n", slip(base, good, bad)));
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_valid_sites_are_accepted() {
    for text in [DIALER, DIAL_IN, VPN, NAMED_VPN, FORWARD, DHCP_FORWARD, GPIO] {
        Site::parse(text).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A byte order mark and CR LF, as Windows Notepad writes them.
#[test]
fn a_site_edited_on_windows_is_read_and_its_errors_are_found() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(Site::parse(&windows(DIALER)), Site::parse(DIALER));
    let slip = DIALER.replace("hostname = \"dialbox\"", "hostname = \"dial box\"");
    let said = |text: &str| Site::parse(text).unwrap_err().to_string();
    assert_eq!(said(&windows(&slip)), said(&slip));
    let first = "hostnam = \"dialbox\"\n";
    assert_eq!(said(&windows(first)), said(first));
}

#[test]
fn no_error_contains_control_characters() {
    for value in ["dial\u{96}n", "\\u001b[2J", "a\\nb", "\\u009b"] {
        let error = Site::parse(&format!("role = \"{value}\"\n")).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(!error.headline().contains('\n'), "{text:?}");
    }
}

#[test]
fn the_error_names_the_given_file() {
    let error = Site::parse("").unwrap_err().in_file("/boot/site.toml");
    assert!(error.to_string().starts_with("/boot/site.toml:1:1: "), "{error}");
}

/// The error for an unknown key lists the known ones: each must be in the reference.
#[test]
fn docs_site_md_describes_every_key() {
    let reference = include_str!("../../docs/site.md");
    let tables = [
        ("top", "hostname =", DIALER),
        ("[reboot]", "[operator]", DIALER),
        ("[watchdog]", "[operator]", DIALER),
        ("[modem]", "[operator]", DIALER),
        ("[operator]", "[operator]", DIALER),
        ("[link]", "[operator]", DIALER),
        ("[sms]", "[operator]", DIALER),
        ("[vpn]", "[operator]", DIALER),
        ("[forward]", "[operator]", DIALER),
        ("[[forward.port]]", "[operator]", DIALER),
        ("[gpio]", "[operator]", DIALER),
        ("[[gpio.output]]", "[operator]", GPIO),
        ("[[gpio.input]]", "[operator]", GPIO),
        ("[schedule]", "[operator]", DIALER),
        ("[ssh]", "[operator]", DIALER),
        ("[dial-in]", "[[line]]", DIAL_IN),
        ("[[line]]", "[[line]]", DIAL_IN),
        ("[[user]]", "[[user]]", DIAL_IN),
        ("[exchange]", "[[user]]", DIAL_IN),
        ("[[exchange.account]]", "[[user]]", DIAL_IN),
        ("[[exchange.route]]", "[[user]]", DIAL_IN),
    ];
    for (table, place, base) in tables {
        let stranger = "zzzzzzzzzzzz = 1\n";
        let text = match table {
            "top" => base.replacen(place, &format!("{stranger}{place}"), 1),
            table if table == place => base.replacen(place, &format!("{place}\n{stranger}"), 1),
            table => base.replacen(place, &format!("{table}\n{stranger}{place}"), 1),
        };
        let error = Site::parse(&text).unwrap_err();
        let keys = error.next().strip_prefix("use one of ").unwrap_or_else(|| panic!("{table}: {error}"));
        for key in keys.split(", ") {
            assert!(
                reference.contains(&format!("`{key}`"))
                    || reference.contains(&format!("[{key}]"))
                    || reference.contains(&format!(".{key}]]")),
                "{table} {key}"
            );
        }
    }
}
