//! A cache of several machines: what is taken from it and stored there, and what a server may do wrong.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use insta::assert_snapshot;

use crate::checkout::Checkout;

pub type Stored = BTreeMap<String, Vec<u8>>;

/// What the server does wrong.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// A login page for every path.
    WebPage,
    /// Half of each file, though it promises all of it.
    CutFile,
    /// Only the first half of each record, as the whole answer.
    CutRecord,
    /// Every file with its first byte changed.
    OtherContent,
    /// Records whose files are gone.
    NoFiles,
    Error,
    /// Takes the request and says nothing.
    Mute,
    /// A byte now and then.
    Trickle,
}

/// An HTTP server that keeps what is PUT (RFC 9110) and gives it back.
pub struct Server {
    pub url: String,
    stored: Arc<Mutex<Stored>>,
    puts: Arc<Mutex<usize>>,
}

impl Server {
    pub fn new(stored: Stored, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stored, puts) = (Arc::new(Mutex::new(stored)), Arc::new(Mutex::new(0)));
        let (ours, counted) = (Arc::clone(&stored), Arc::clone(&puts));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (stored, puts) = (Arc::clone(&ours), Arc::clone(&counted));
                thread::spawn(move || serve(connection.unwrap(), &stored, &puts, fault));
            }
        });
        Self { url, stored, puts }
    }

    fn content(&self) -> Stored {
        self.stored.lock().unwrap().clone()
    }
}

/// One request.
fn serve(connection: TcpStream, stored: &Mutex<Stored>, puts: &Mutex<usize>, fault: Fault) -> Option<()> {
    let mut reader = BufReader::new(&connection);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let (method, path) = (head.first()?.split(' ').next()?, head.first()?.split(' ').nth(1)?);
    let length = head.iter().find_map(|it| it.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let known = stored.lock().unwrap().get(path).cloned();
    let is_record = path.starts_with("/ac/");
    let html = b"<html>Welcome</html>".to_vec();
    let (status, promised, sent) = match (method, known, fault) {
        (_, _, Fault::Mute) => {
            thread::sleep(Duration::from_secs(20));
            return None;
        }
        (_, _, Fault::Error) => (503, 0, Vec::new()),
        (_, _, Fault::WebPage) => (200, html.len(), html),
        ("PUT", ..) => {
            *puts.lock().unwrap() += 1;
            stored.lock().unwrap().insert(path.to_owned(), body);
            (201, 0, Vec::new())
        }
        (_, None, _) => (404, 0, Vec::new()),
        (_, Some(_), Fault::NoFiles) if !is_record => (404, 0, Vec::new()),
        (_, Some(it), Fault::CutFile) if !is_record => (200, it.len() + 1, it),
        (_, Some(it), Fault::CutRecord) if is_record => (200, it.len() / 2, it[..it.len() / 2].to_vec()),
        (_, Some(mut it), Fault::OtherContent) if !is_record => {
            it.push(0);
            it.remove(0);
            (200, it.len(), it)
        }
        (_, Some(it), Fault::Trickle) if it.len() > 10_000 => (200, it.len(), Vec::new()),
        (_, Some(it), _) => (200, it.len(), it),
    };
    let mut connection = &connection;
    write!(connection, "HTTP/1.1 {status} X\r\nContent-Length: {promised}\r\nConnection: close\r\n\r\n")
        .ok()?;
    connection.write_all(&sent).ok()?;
    if promised > sent.len() + 1 {
        (0..1000)
            .try_for_each(|_| {
                thread::sleep(Duration::from_millis(50));
                connection.write_all(b"x")
            })
            .ok()?;
    }
    Some(())
}

fn build(checkout: &Checkout, cache: &str, options: &[&str]) -> Command {
    let mut build = checkout.build_image();
    // The packages are there, and no mirror is asked.
    build.arg("--downloads").arg(checkout.path("../downloads")).args(["--mirror", "http://127.0.0.1:9"]);
    build.args(["--cache", cache]).args(options);
    build
}

/// A checkout with a large program.
fn machine() -> Checkout {
    let checkout = Checkout::new();
    checkout.write("src/bin/service.rs", "// A service.\n".repeat(10_000));
    checkout
}

/// What a filled cache has, and the image of the machine that filled it.
fn filled() -> (Stored, Vec<(String, String)>) {
    let (checkout, server) = (machine(), Server::new(Stored::new(), Fault::None));
    checkout.succeeds(build(&checkout, &server.url, &["--cache-push"]));
    (server.content(), checkout.out())
}

/// The lines about the cache.
fn warnings(words: &str, url: &str) -> String {
    let lines = words.lines().filter(|it| it.contains("warning"));
    lines.map(|it| format!("{}\n", it.replace(url, "URL"))).collect()
}

#[test]
fn a_second_machine_compiles_nothing_and_makes_the_same_image() {
    let (stored, image) = filled();
    let (checkout, server) = (machine(), Server::new(stored.clone(), Fault::None));
    // It has no compiler.
    checkout.write("../cargo", "#!/bin/sh\nexit 1\n");
    let words = checkout.succeeds(build(&checkout, &server.url, &[]));
    for task in ["sysroot", "programs", "stub-libraries", "crates"] {
        let line = words.lines().find(|it| it.trim_start().starts_with(task)).unwrap_or_default();
        assert!(line.contains("from the shared cache"), "{task}: {words}");
    }
    assert_eq!(checkout.out(), image);
    assert_eq!((server.content(), *server.puts.lock().unwrap()), (stored, 0));
}

#[test]
fn the_environment_may_name_the_cache_and_offline_asks_none() {
    let (stored, _) = filled();
    let (checkout, server) = (machine(), Server::new(stored, Fault::None));
    checkout.write("../cargo", "#!/bin/sh\nexit 1\n");
    let mut offline = checkout.build_image_offline();
    offline.env("DIALBOX_CACHE", &server.url);
    assert!(checkout.refuses(offline).contains("cannot compile"));
    let mut build = build(&checkout, &server.url, &[]);
    build.env("DIALBOX_CACHE", "http://127.0.0.1:9");
    checkout.succeeds(build);
}

/// Passwords and keys of a site are for its owner; the cache is for others.
#[test]
fn nothing_of_a_site_is_stored() {
    let (stored, _) = filled();
    assert_eq!(stored.keys().filter(|it| it.starts_with("/ac/")).count(), 4);
    let site = include_str!("../../../image/sites/dialer.toml");
    let secret = site.lines().find(|it| it.starts_with("password")).unwrap();
    let has = |content: &Vec<u8>| content.windows(secret.len()).any(|it| it == secret.as_bytes());
    assert!(!stored.values().any(has));
}

#[test]
fn what_is_wrong_is_not_used_and_costs_one_line() {
    let (stored, image) = filled();
    for fault in [Fault::WebPage, Fault::CutRecord, Fault::OtherContent, Fault::NoFiles] {
        let (checkout, server) = (machine(), Server::new(stored.clone(), fault));
        let words = checkout.succeeds(build(&checkout, &server.url, &[]));
        let warnings = warnings(&words, &server.url);
        let made_here = warnings.lines().filter(|it| it.contains("is made here")).count();
        assert!(made_here == warnings.lines().count() && (1..=4).contains(&made_here), "{warnings}");
        assert_eq!(checkout.out(), image, "{warnings}");
    }
    let (checkout, server) = (machine(), Server::new(stored, Fault::OtherContent));
    let words = checkout.succeeds(build(&checkout, &server.url, &[]));
    let first = warnings(&words, &server.url).lines().next().unwrap_or_default().to_owned();
    assert!(
        first.starts_with("warning: the cache URL: its ") && first.contains("has another content"),
        "{first}"
    );
}

#[test]
fn a_server_that_does_not_work_is_asked_once() {
    let (stored, image) = filled();
    for fault in [Fault::Error, Fault::Mute, Fault::CutFile, Fault::Trickle] {
        let (checkout, server) = (machine(), Server::new(stored.clone(), fault));
        let words = checkout.succeeds(build(&checkout, &server.url, &["--cache-push"]));
        let warnings = warnings(&words, &server.url);
        assert_eq!(warnings.lines().count(), 1, "{warnings}");
        assert!(warnings.contains("it is not asked again in this run"), "{warnings}");
        assert_eq!(checkout.out(), image, "{warnings}");
    }
    let checkout = machine();
    let words = checkout.succeeds(build(&checkout, "http://user:secret@127.0.0.1:9", &[]));
    assert!(words.contains("warning: the cache http://•••@127.0.0.1:9: "), "{words}");
    assert_eq!(checkout.out(), image);
}

#[test]
fn an_address_that_is_none_and_a_push_without_a_cache() {
    let checkout = Checkout::new();
    assert_snapshot!(checkout.refuses(build(&checkout, "cache.example:80", &[])), @r"
    error: the cache `cache.example:80` is not an http or https address
      next: give the address above `ac` and `cas`, as in http://cache.example:8080
    ");
    let mut push = checkout.build_image();
    push.arg("--cache-push");
    assert_snapshot!(checkout.refuses(push), @r"
    error: --cache-push without a cache
      next: --cache URL, or set DIALBOX_CACHE=URL
    ");
}
