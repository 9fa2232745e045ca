//! What a mirror can do to `cargo xtask lock` with signed files.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::Command,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::checkout::Checkout;

const DAY: u64 = 24 * 60 * 60;

/// Seconds since 1970; a signed file may be a year old.
fn days_ago(days: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - days * DAY
}

/// A signed file of that date.
fn release(date: u64) -> String {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(date)).replace("GMT", "UTC");
    format!("Codename: bookworm\nDate: {date}\nSHA256:\n")
}

/// Serves this text for every path.
fn mirror(text: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let lines = BufReader::new(connection.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|it| !it.is_empty()).for_each(drop);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            connection.write_all((head + &text).as_bytes()).unwrap();
        }
    });
    url
}

/// `cargo xtask lock` with a fake that accepts every signature: signatures are not under test here.
fn lock(checkout: &Checkout, release: String) -> Command {
    checkout.write("image/keys/a.asc", "");
    checkout.edit("../cargo", "#!/bin/sh\n", "#!/bin/sh\ncase \"$*\" in *inrelease*) exec cat ;; esac\n");
    let mut xtask = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    xtask.args(["lock", "--mirror", &mirror(release)]);
    xtask
}

fn locked(checkout: &Checkout, date: u64) {
    let releases = format!("epoch = 1700000000\n\n[releases]\nbookworm = {date}\n");
    checkout.edit("image/packages.lock", "epoch = 1700000000\n", &releases);
}

/// It has no index, which is the next file that `lock` looks for.
const NO_INDEX: &str = "it has no main/binary-armel/Packages.xz";

#[test]
fn a_signed_index_older_than_the_last_one_is_refused() {
    let checkout = Checkout::new();
    locked(&checkout, days_ago(30));
    let error = checkout.refuses(lock(&checkout, release(days_ago(31))));
    let lines: Vec<&str> = error.lines().take(2).collect();
    assert_eq!(
        lines,
        [
            "error: dists/bookworm/InRelease cannot be used",
            "  it is older than the one that image/packages.lock was made from",
        ]
    );
    assert!(
        error.ends_with("next: use a mirror that is kept up to date (--mirror URL), or --allow-older\n"),
        "{error}"
    );
}

#[test]
fn a_signed_index_of_another_time_is_refused() {
    let checkout = Checkout::new();
    let error = checkout.refuses(lock(&checkout, release(days_ago(400))));
    assert!(error.contains("\n  it is more than 365 days old\n"), "{error}");
    let mut asked_for = lock(&checkout, release(days_ago(400)));
    asked_for.arg("--allow-older");
    assert!(checkout.refuses(asked_for).contains(NO_INDEX));
    let error = checkout.refuses(lock(&checkout, release(days_ago(0) + 40 * DAY)));
    assert!(error.contains("\n  it is dated in the future\n"), "{error}");
}

#[test]
fn an_older_signed_index_is_accepted_on_request_and_by_a_lock_without_dates() {
    let checkout = Checkout::new();
    let old = release(days_ago(31));
    assert!(checkout.refuses(lock(&checkout, old.clone())).contains(NO_INDEX));
    locked(&checkout, days_ago(30));
    let mut lock = lock(&checkout, old);
    lock.arg("--allow-older");
    assert!(checkout.refuses(lock).contains(NO_INDEX));
}
