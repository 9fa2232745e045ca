//! A locked package that has left the archive: another version is taken from the signed indices, and said so.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::Arc,
    thread,
    time::SystemTime,
};

use insta::assert_snapshot;
use liblzma::read::XzEncoder;

use crate::{
    checkout::{Checkout, sha256},
    package::deb,
};

/// A Debian archive of the suite `bookworm`: signed file, indices, pool.
pub struct Archive {
    files: BTreeMap<String, Vec<u8>>,
    packages: String,
    sources: String,
    architecture: &'static str,
}

impl Archive {
    fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            packages: String::new(),
            sources: String::new(),
            architecture: "armel",
        }
    }

    /// All packages of a checkout's lock but these.
    pub fn without(checkout: &Checkout, gone: &[&str]) -> Self {
        let mut archive = Self::new();
        for (path, deb) in checkout.downloads() {
            let name = path.trim_start_matches("/pool/").trim_end_matches(".deb");
            if !gone.contains(&name) {
                archive.add(name, "1", &deb);
                archive.files.insert(path, deb);
            }
        }
        archive
    }

    /// A package, in the indices and in the pool.
    fn with(mut self, name: &str, version: &str, deb: &[u8]) -> Self {
        let path = self.add(name, version, deb);
        self.files.insert(path, deb.to_vec());
        self
    }

    /// A package that only the indices have.
    fn listing(mut self, name: &str, version: &str, deb: &[u8]) -> Self {
        self.add(name, version, deb);
        self
    }

    fn add(&mut self, name: &str, version: &str, deb: &[u8]) -> String {
        let path = match version {
            "1" => format!("pool/{name}.deb"),
            _ => format!("pool/{name}_{version}_armel.deb"),
        };
        self.packages += &format!(
            "Package: {name}\nVersion: {version}\nArchitecture: armel\nFilename: {path}\nSize: {}\nSHA256: {}\n\n",
            deb.len(),
            sha256(deb)
        );
        let dsc = format!("{name} dsc").into_bytes();
        self.sources += &format!(
            "Package: {name}\nVersion: {version}\nDirectory: pool\nChecksums-Sha256:\n {} {} {name}.dsc\n\n",
            sha256(&dsc),
            dsc.len()
        );
        self.files.insert(format!("/pool/{name}.dsc"), dsc);
        format!("/{path}")
    }

    /// Serves it; returns the address.
    pub fn serve(mut self) -> String {
        let mut release = String::from("Codename: bookworm\nDate: ");
        let now = httpdate::fmt_http_date(SystemTime::now()).replace("GMT", "UTC");
        release += &format!("{now}\nSHA256:\n");
        let index = format!("main/binary-{}/Packages.xz", self.architecture);
        for (name, text) in [(&*index, &self.packages), ("main/source/Sources.xz", &self.sources)] {
            let mut packed = Vec::new();
            XzEncoder::new(text.as_bytes(), 6).read_to_end(&mut packed).unwrap();
            release += &format!(" {} {} {name}\n", sha256(&packed), packed.len());
            self.files.insert(format!("/dists/bookworm/{name}"), packed);
        }
        self.files.insert("/dists/bookworm/InRelease".into(), release.into_bytes());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let files = Arc::new(self.files);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let files = Arc::clone(&files);
                thread::spawn(move || answer(connection.unwrap(), &files));
            }
        });
        url
    }
}

fn answer(mut connection: TcpStream, files: &BTreeMap<String, Vec<u8>>) {
    let lines = BufReader::new(connection.try_clone().unwrap()).lines();
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|it| !it.is_empty()).collect();
    let found = head.first().and_then(|it| files.get(it.split(' ').nth(1)?));
    let (status, body) = found.map_or(("404 Not Found", &b""[..]), |it| ("200 OK", it));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = connection.write_all(&[head.as_bytes(), body].concat());
}

/// Signatures are not under test here, but that none of this happens without a good one is.
pub fn with_signatures(checkout: &Checkout, checker: &str) {
    checkout.write("image/keys/a.asc", "");
    let rest = format!("#!/bin/sh\ncase \"$*\" in *inrelease*) {checker} ;; esac\n");
    checkout.edit("../cargo", "#!/bin/sh\n", &rest);
}

fn build(checkout: &Checkout, url: &str) -> Command {
    let mut xtask = checkout.build_image();
    xtask.args(["--mirror", url]);
    xtask
}

/// The checkout, and an archive in which a newer busybox has replaced the locked one.
fn replaced() -> (Checkout, String) {
    let checkout = Checkout::new();
    with_signatures(&checkout, "exec cat");
    let newer = deb(&[("/bin/busybox", b"a newer shell")]);
    let url = Archive::without(&checkout, &["busybox"]).with("busybox", "2", &newer).serve();
    (checkout, url)
}

#[test]
fn another_version_is_taken_and_named_at_the_end_and_beside_the_image() {
    let (checkout, url) = replaced();
    let lock = fs::read_to_string(checkout.path("image/packages.lock")).unwrap();
    let said = checkout.succeeds(build(&checkout, &url));
    let change = "  busybox (bookworm, armel) 1 -> 2\n";
    let end = said.rsplit_once("out/small.not-locked.txt: ").unwrap().1;
    assert!(end.starts_with("this is not the image of packages.lock: "), "{said}");
    assert!(end.contains(change), "{said}");
    let note = fs::read_to_string(checkout.path("out/small.not-locked.txt")).unwrap();
    assert!(note.contains(change), "{note}");
    let sums = fs::read_to_string(checkout.path("out/SHA256SUMS")).unwrap();
    assert!(sums.contains("  small.not-locked.txt\n"), "{sums}");
    let files = fs::read_to_string(checkout.path("out/small.files.tsv")).unwrap();
    let busybox = files.lines().find(|it| it.starts_with("/bin/busybox\t")).unwrap();
    assert!(busybox.ends_with("\t2"), "{busybox}");
    assert_eq!(fs::read_to_string(checkout.path("image/packages.lock")).unwrap(), lock);
}

#[test]
fn the_same_archive_gives_the_same_image() {
    let (checkout, url) = replaced();
    checkout.succeeds(build(&checkout, &url));
    let first = checkout.out();
    fs::remove_dir_all(checkout.path("target")).unwrap();
    checkout.succeeds(build(&checkout, &url));
    assert_eq!(checkout.out(), first);
}

#[test]
fn only_the_locked_image_if_that_is_asked_for() {
    let (checkout, url) = replaced();
    let mut locked = build(&checkout, &url);
    locked.arg("--locked");
    assert_snapshot!(checkout.refuses(locked), @r"
    error: no mirror has these locked packages any more
      busybox (bookworm, armel)
      next: `cargo xtask lock` chooses again; without --locked this build does so for itself; or --mirror URL
    ");
}

#[test]
fn lock_makes_it_permanent_and_the_next_image_is_a_locked_one() {
    let (checkout, url) = replaced();
    checkout.succeeds(build(&checkout, &url));
    let mut lock = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    lock.args(["lock", "--mirror", &url]);
    let said = checkout.succeeds(lock);
    assert!(said.contains("  busybox (bookworm, armel) 1 -> 2\n"), "{said}");
    let mut locked = build(&checkout, &url);
    locked.arg("--locked");
    let said = checkout.succeeds(locked);
    assert!(!said.contains("not the image of packages.lock"), "{said}");
    assert!(!checkout.path("out/small.not-locked.txt").exists());
}

#[test]
fn nothing_is_taken_from_an_index_without_a_good_signature() {
    let (checkout, url) = replaced();
    checkout.edit("../cargo", "exec cat", "echo 'no key of the keyrings has signed it' >&2; exit 1");
    let error = checkout.refuses(build(&checkout, &url));
    assert!(error.contains("\n  it has no good signature\n"), "{error}");
    assert!(error.contains(" by this machine's clock\n") && error.contains("next: set the clock"), "{error}");
}

#[test]
fn a_version_that_a_recipe_pins_is_not_replaced() {
    let (checkout, url) = replaced();
    checkout.edit("image/recipes/base.toml", "name = \"busybox\"", "name = \"busybox\"\nversion = \"1\"");
    assert_snapshot!(checkout.refuses(build(&checkout, &url)), @r"
    error: no mirror has busybox (bookworm, armel) any more, and nothing can be taken instead
      recipe `base`: busybox cannot be locked
      bookworm does not have version 1 of `busybox`
      it has 2
      next: change `version` in the recipe, or leave it out for the newest
    ");
}

#[test]
fn an_older_version_is_not_taken() {
    let checkout = Checkout::new();
    with_signatures(&checkout, "exec cat");
    let older = deb(&[("/bin/busybox", b"an older shell")]);
    let url = Archive::without(&checkout, &["busybox"]).with("busybox", "0.9", &older).serve();
    assert_snapshot!(checkout.refuses(build(&checkout, &url)), @r"
    error: no mirror has busybox (bookworm, armel) any more, and nothing can be taken instead
      the mirror has only the older version 0.9 of busybox (bookworm, armel)
      next: use a mirror that is kept up to date (--mirror URL)
    ");
}

#[test]
fn a_mirror_that_lacks_what_its_index_names() {
    let checkout = Checkout::new();
    with_signatures(&checkout, "exec cat");
    let locked = checkout.downloads()["/pool/busybox.deb"].clone();
    let url = Archive::without(&checkout, &["busybox"]).listing("busybox", "1", &locked).serve();
    let error = checkout.refuses(build(&checkout, &url)).replace(&url, "http://mirror.example");
    assert_snapshot!(error, @r"
    error: no mirror has busybox (bookworm, armel) any more, and nothing can be taken instead
      no mirror has busybox.deb
      wanted by  the signed index of bookworm
      404        http://mirror.example/pool/busybox.deb
      next: this mirror is not complete: try another --mirror, or this one later
    ");
}

#[test]
fn a_mirror_without_this_architecture_is_told_as_that() {
    let checkout = Checkout::new();
    with_signatures(&checkout, "exec cat");
    let other = Archive { architecture: "amd64", ..Archive::new() };
    let error = checkout.refuses(build(&checkout, &other.serve()));
    assert!(error.contains("any more, and nothing can be taken instead\n"), "{error}");
    assert!(error.contains("\n  it has no main/binary-armel/Packages.xz"), "{error}");
    assert!(!error.contains("Debian drops a package"), "{error}");
}
