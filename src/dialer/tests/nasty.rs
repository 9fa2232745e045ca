//! Proven messages with values that the box cannot use: one clear answer each, and nothing is applied.

use std::fs;

use super::hut::Hut;
use super::*;
use crate::dialer::trial::Reach;
use crate::sms::gsm7;
use crate::state::Store;

/// The longest text of one message (3GPP TS 23.040 §9.2.3.16).
const ONE_MESSAGE: usize = 160;

const NASTY: &[(&str, &str)] = &[
    ("set", "not set: write set, a key, its value"),
    ("set endpoint", "not set: no value for endpoint"),
    ("set endpoint 0.0.0.0:1", "not set: endpoint: write as in"),
    ("set endpoint 198.51.100.7:0", "not set: endpoint: write as in"),
    ("set endpoint 198.51.100.7:65536", "not set: endpoint: write as in"),
    ("set endpoint [2001:db8::1]:443", "not set: endpoint: write as in"),
    ("set endpoint $(reboot).example.net:443", "not set: endpoint: write as in"),
    ("set endpoint a.example.net;reboot:443", "not set: endpoint: write as in"),
    (
        "set endpoint 192.168.7.9:443",
        "not set: the server is reached over the link, and this is in the local",
    ),
    ("set endpoint 10.9.0.2:443", "not set: this is the box's own address in the VPN"),
    ("set endpoint 198.51.100.7:443 endpoint 198.51.100.8:443", "not set: endpoint is there twice"),
    ("set endpoint 198.51.100.7:443 apn", "not set: no value for apn"),
    ("set endpoint 198.51.100.7:443 rm -rf", "not set: no such key"),
    ("set key hunter2", "not set: public-key: copy the 44 characters"),
    ("set key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not set: public-key: copy"),
    (
        "set key aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4=",
        "not set: 'private-key' and 'public-key' are the same",
    ),
    (
        "set psk aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4=",
        "not set: 'preshared-key' and 'private-key' are the same",
    ),
    ("set psk hunter2", "not set: preshared-key: copy"),
    ("set apn free\rATD112", "not set: no such key"),
    ("set apn free\",\"x", "not set: apn: use letters"),
    ("set apn a..b", "not set: apn: use letters"),
    ("set apn \"\"", "not set: no value for apn"),
    ("set user \"a\tb\"", "not set: user: "),
    ("set password hunter2\u{7}", "not set: password: use letters"),
    ("set password hünter2", "not set: password: use letters"),
    ("set password @/etc/shadow", "not set: password: choose one"),
    ("set user me password", "not set: no value for password"),
    ("set numbers", "not set: no value for numbers"),
    ("set numbers +33612345678 +33612345678", "not set: this number is given twice"),
    ("set numbers +336", "not set: numbers: write"),
    ("set numbers +33622222222", "not set: it would cut you off: add +33612345678"),
    ("set numbers +33612345678 0622222222", "not set: no such key"),
    ("set numbers +33612345678 key yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "not set: numbers need"),
    ("set private-key yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "not set: no such key"),
    ("set secret hunter2", "not set: no such key"),
    ("set router on", "the site has no [gpio]"),
    ("set router on 9999999999999999999d", ""),
    ("get ../../etc/shadow", ""),
    ("connect -1", ""),
    ("connect 1e9", ""),
    ("connect 32d", ""),
    ("confirm", "nothing is on trial"),
    ("confirm hunter2", ""),
    ("status; reboot", ""),
    ("reboot now", ""),
];

/// An empty answer is none: the text is no command, and its code is not used.
#[test]
fn what_cannot_be_used_is_answered_with_the_reason_and_changes_nothing() {
    let mut hut = Hut::new("hotp");
    hut.pass_time(60 * SECOND);
    let files = |hut: &Hut| {
        let mut all: Vec<_> = hut.site.render().iter().map(|file| hut.file(&file.path)).collect();
        all.push(Store::new(hut.paths.state()).read(Reach::FILE).unwrap_or_default());
        all.push(fs::read_to_string(hut.paths.site()).unwrap());
        all
    };
    let before = files(&hut);
    for (text, expected) in NASTY {
        hut.sent.clear();
        hut.proven(OWNER, text);
        hut.pass_time(2 * SECOND);
        let answers: Vec<&str> = hut.sent.lines().collect();
        match answers[..] {
            [] => assert_eq!(*expected, "", "{text:?} is not answered: {}", hut.logged),
            [answer] => {
                let answer = answer.strip_prefix(OWNER).and_then(|rest| rest.strip_prefix(": ")).unwrap();
                assert!(!expected.is_empty() && answer.starts_with(expected), "{text:?}: {answer}");
                let septets = gsm7::encode(answer).map(|septets| septets.len());
                assert!(septets.is_some_and(|septets| septets <= ONE_MESSAGE), "{text:?}: {answer}");
            }
            _ => panic!("{text:?}: {answers:?}"),
        }
        assert!(!hut.is_trying() && hut.line == super::hut::Line::Idle, "{text:?}");
        assert_eq!(files(&hut), before, "{text:?}");
        for secret in ["hunter2", "hünter2", "aAtSHj", "yAnz5T"] {
            assert!(!hut.sent.contains(secret) && !hut.logged.contains(secret), "{text:?}: {}", hut.logged);
        }
    }
    // It is the same box as before.
    hut.proven(OWNER, "connect");
    assert!(hut.until(Hut::is_reached), "{}", hut.sent);
}
