//! A box that nobody reaches is mended by one proven message, and by none that is not proven, wherever the power fails.

use std::fs;

use super::hut::Hut;
use super::world::*;
use super::*;
use crate::dialer::trial::Reach;
use crate::sms::proof;
use crate::state::Store;

/// How a box comes to be stranded, and the message that mends it.
struct Stranding {
    name: &'static str,
    proof: &'static str,
    strand: fn(&mut Hut),
    from: &'static str,
    message: &'static str,
    /// Who then opens the link, if the message does not.
    opens: Option<&'static str>,
}

const fn set(name: &'static str, strand: fn(&mut Hut), message: &'static str) -> Stranding {
    Stranding { name, proof: "hotp", strand, from: OWNER, message, opens: None }
}

const STRANDINGS: [Stranding; 11] = [
    set("the server was moved", |hut| hut.world.server = Some((MOVED, KEY)), "set endpoint 198.51.100.7:443"),
    set(
        "the server was moved to an address that has a name",
        |hut| {
            hut.world.server = Some(("198.51.100.7:444", KEY));
            hut.world.named = Some(Ipv4Addr::new(198, 51, 100, 7));
        },
        "set endpoint hut.example.net:444",
    ),
    set(
        "the server has another key",
        |hut| hut.world.server = Some((HOME, NEW_KEY)),
        "Set key LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils=",
    ),
    set("the APN has another name", |hut| hut.world.apn = "web.example", "set apn web.example"),
    set("the password was changed", |hut| hut.world.account.1 = "n{E}w 1", "set password \"n{E}w 1\""),
    set(
        "no name is resolved",
        |hut| {
            hut.world.server = Some((MOVED, KEY));
            hut.world.named = Some(Ipv4Addr::new(198, 51, 100, 7));
            hut.world.has_dns = false;
        },
        "set endpoint 198.51.100.7:443",
    ),
    Stranding {
        name: "the VPN was dead for a day",
        proof: "hotp",
        strand: |hut| {
            let server = hut.world.server.take();
            hut.proven(OWNER, "connect");
            hut.pass_time(DAY / 8);
            // Nothing happens after the limits of a session.
            hut.jump(DAY * 7 / 8);
            assert!(!hut.is_reached());
            hut.world.server = server;
        },
        from: OWNER,
        message: "connect",
        opens: None,
    },
    set(
        "the SIM is another operator's",
        |hut| (hut.world.apn, hut.world.account) = ("orange.fr", ("orange", "orange")),
        "set apn orange.fr user orange password orange",
    ),
    Stranding {
        name: "the owner has another number",
        proof: "hotp",
        strand: |_| {},
        from: COLLEAGUE,
        message: "set numbers +33611111111 +33622222222",
        opens: Some(NEW_OWNER),
    },
    Stranding {
        name: "the clock is wrong",
        proof: "totp",
        strand: |hut| {
            hut.is_ambiguous = true;
            hut.boot();
            hut.pass_time(60 * SECOND);
            assert!(matches!(hut.wall, WallClock::Known(unix) if unix.abs_diff(hut.true_time()) > 3000));
        },
        from: OWNER,
        message: "connect",
        opens: None,
    },
    set(
        "a trial was confirmed by nobody",
        |hut| {
            hut.world.server = Some((MOVED, KEY));
            hut.proven(OWNER, "set endpoint 198.51.100.8:443");
            hut.pass_time(60 * SECOND);
            assert!(hut.is_trying());
            assert!(hut.until(|hut| !hut.is_trying()));
            assert!(hut.sent.contains("taken back: endpoint; not confirmed within 15m"), "{}", hut.sent);
        },
        "set endpoint 198.51.100.7:443",
    ),
];

fn stranded(stranding: &Stranding) -> Hut {
    let mut hut = Hut::new(stranding.proof);
    hut.pass_time(60 * SECOND);
    (stranding.strand)(&mut hut);
    hut
}

/// Sends the message, and the one after it, if it needs one, and waits.
fn mend(hut: &mut Hut, stranding: &Stranding) -> bool {
    hut.proven(stranding.from, stranding.message);
    if let Some(opens) = stranding.opens {
        hut.pass_time(120 * SECOND);
        hut.proven(opens, "connect");
    }
    hut.until(|hut| hut.is_reached() && !hut.is_trying())
}

#[test]
fn each_stranding_is_mended_by_one_proven_message_and_stays_mended() {
    for stranding in &STRANDINGS {
        let mut hut = stranded(stranding);
        assert!(mend(&mut hut, stranding), "{}: {}", stranding.name, hut.sent);
        // What the message has set is in force after a reboot, too.
        hut.boot();
        hut.pass_time(60 * SECOND);
        hut.proven(stranding.opens.unwrap_or(OWNER), "connect");
        assert!(hut.until(Hut::is_reached), "{}: {}", stranding.name, hut.sent);
        let record = Store::new(hut.paths.state()).read(Reach::FILE).unwrap_or_default();
        assert!(!record.contains("trial-"), "{record}");
    }
}

#[test]
fn no_message_that_is_not_proven_mends_or_changes_anything() {
    for stranding in &STRANDINGS {
        let mut hut = stranded(stranding);
        let files = |hut: &Hut| {
            let mut all: Vec<_> = hut.site.render().iter().map(|file| hut.file(&file.path)).collect();
            all.push(Store::new(hut.paths.state()).read(Reach::FILE).unwrap_or_default());
            all
        };
        let before = files(&hut);
        let message = stranding.message;
        let used = hut.next_code.saturating_sub(1);
        let code = site::OneTimeCode { secret: SECRET.parse().unwrap(), digits: site::Digits::Eight };
        let used = if stranding.proof == "hotp" && hut.next_code > 0 {
            format!("{message} {:08}", proof::code(&code, used))
        } else {
            message.to_owned()
        };
        for (from, text) in [
            (stranding.from, message.to_owned()),
            (stranding.from, format!("{message} 00000000")),
            (stranding.from, format!("{message} 123456")),
            (STRANGER, format!("{message} {:08}", proof::code(&code, hut.next_code))),
            (NEW_OWNER, format!("{message} {:08}", proof::code(&code, hut.next_code))),
            (stranding.from, used),
        ] {
            hut.sms(from, &text);
            hut.pass_time(60 * SECOND);
        }
        hut.sent.clear();
        assert!(!hut.until(|hut| hut.is_reached() || hut.is_trying()), "{}", stranding.name);
        assert_eq!(files(&hut), before, "{}", stranding.name);
        assert_eq!(hut.sent, "", "{}", stranding.name);
    }
}

/// `set` is never lost: its record has the code as well. Of `connect`, the code may be stored and the rest not (a replay
/// must not run), and a power cut ends a link: so it may be sent again, which mends nothing but that.
#[test]
fn each_stranding_is_mended_wherever_the_power_fails() {
    for stranding in &STRANDINGS {
        let mut whole = stranded(stranding);
        let before = whole.writes;
        assert!(mend(&mut whole, stranding));
        let count = whole.writes - before;
        assert!(count > 1, "{}: {count} writes", stranding.name);
        for (write, is_after) in (0..count).flat_map(|write| [(write, false), (write, true)]) {
            let mut hut = stranded(stranding);
            hut.cut = Some((hut.writes + write, is_after));
            let mut is_mended = mend(&mut hut, stranding);
            if !is_mended {
                hut.proven(stranding.opens.unwrap_or(OWNER), "connect");
                is_mended = hut.until(|hut| hut.is_reached() && !hut.is_trying());
            }
            let place = format!("{}: write {write}, after it: {is_after}", stranding.name);
            assert!(is_mended, "{place}: {}", hut.sent);
            assert!(hut.cut.is_none(), "{place}: the power did not fail");
        }
    }
}

/// The password of a trial is in the store and in pppd's files, and nowhere else.
#[test]
fn a_message_that_cuts_off_its_sender_is_refused_and_no_answer_shows_a_password() {
    let mut hut = Hut::new("hotp");
    hut.pass_time(60 * SECOND);
    for (message, answer) in [
        ("set numbers +33622222222", "not set: it would cut you off: add +33612345678"),
        ("set password @login", "not set: password: choose one that is not"),
        ("set apn web numbers +33612345678", "not set: numbers need a message of their own"),
        ("set endpoint 10.9.0.7", "not set: endpoint: write as in"),
        ("confirm", "nothing is on trial"),
        ("set password correct-horse", "trying password: kept if the far side answers within 15m"),
    ] {
        hut.sent.clear();
        hut.proven(OWNER, message);
        hut.pass_time(2 * SECOND);
        assert!(hut.sent.starts_with(&format!("{OWNER}: {answer}")), "{message}: {}", hut.sent);
    }
    let dialer = &hut.begun.as_ref().unwrap().dialer;
    let status = dialer.link_status(hut.at(), hut.wall);
    assert!(status.on_trial.is_some() && !format!("{status:?}").contains("horse"), "{status:?}");
    assert!(hut.file("/etc/ppp/pap-secrets").contains("correct-horse"));
    assert!(hut.logged.contains("set password, accepted"), "{}", hut.logged);
    assert!(!hut.logged.contains("horse"), "{}", hut.logged);
}

#[test]
fn what_is_kept_is_forgotten_when_the_site_is_edited() {
    let mut hut = stranded(&STRANDINGS[0]);
    assert!(mend(&mut hut, &STRANDINGS[0]));
    fs::write(hut.paths.site(), site_text("hotp") + "# edited\n").unwrap();
    hut.boot();
    assert_eq!(Store::new(hut.paths.state()).read(Reach::FILE), None);
    assert!(hut.file("/etc/wireguard/vpn.conf").contains(HOME));
}
