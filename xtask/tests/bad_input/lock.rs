//! What a mirror can do to `cargo xtask lock` with signed files.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::Command,
    thread,
};

use insta::assert_snapshot;

use crate::checkout::Checkout;

const RELEASE: &str = "Codename: bookworm\nDate: Tue, 14 Nov 2023 22:13:19 UTC\nSHA256:\n";
/// A second later.
const LOCKED: &str = "epoch = 1700000000\n\n[releases]\nbookworm = 1700000000\n";

/// Serves this text for every path.
fn mirror(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let lines = BufReader::new(connection.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|it| !it.is_empty()).for_each(drop);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            connection.write_all((head + text).as_bytes()).unwrap();
        }
    });
    url
}

/// `cargo xtask lock` with a fake that accepts every signature: signatures are not under test here.
fn lock(checkout: &Checkout) -> Command {
    checkout.write("image/keys/a.asc", "");
    checkout.edit("../cargo", "#!/bin/sh\n", "#!/bin/sh\ncase \"$*\" in *inrelease*) exec cat ;; esac\n");
    let mut xtask = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    xtask.args(["lock", "--mirror", &mirror(RELEASE)]);
    xtask
}

#[test]
fn a_signed_index_older_than_the_last_one_is_refused() {
    let checkout = Checkout::new();
    checkout.edit("image/packages.lock", "epoch = 1700000000\n", LOCKED);
    assert_snapshot!(checkout.refuses(lock(&checkout)), @r"
    error: dists/bookworm/InRelease cannot be used
      it is older than the one that image/packages.lock was made from
      made on   Tue, 14 Nov 2023 22:13:19 UTC
      the lock  Tue, 14 Nov 2023 22:13:20 UTC
      next: use a mirror that is kept up to date (--mirror URL), or --allow-older
    ");
}

#[test]
fn an_older_signed_index_is_accepted_on_request_and_by_a_lock_without_dates() {
    let checkout = Checkout::new();
    // It has no index, which is the next file that `lock` looks for.
    let no_index = "it has no main/binary-armel/Packages.xz";
    let mut lock = lock(&checkout);
    assert!(checkout.refuses(lock).contains(no_index));
    checkout.edit("image/packages.lock", "epoch = 1700000000\n", LOCKED);
    lock = self::lock(&checkout);
    lock.arg("--allow-older");
    assert!(checkout.refuses(lock).contains(no_index));
}
