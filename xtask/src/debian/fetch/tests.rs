//! Downloads from a local mirror with faults.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::*;
use crate::cli::Sources;

const PATIENCE: Patience =
    Patience { tries: 3, first_pause: Duration::from_millis(1), silence: Duration::from_millis(300) };

/// What the mirror does with one request.
#[derive(Clone)]
enum Answer {
    /// The whole file, or the requested range.
    Whole(Vec<u8>),
    /// The whole file, whatever the request says.
    NoRanges(Vec<u8>),
    /// This many bytes of it, then the connection is closed.
    BreakOff(Vec<u8>, usize),
    /// Only this status.
    Status(u16),
    /// Nothing at all.
    Silence,
}

/// A mirror that gives these answers in order and then repeats the last one.
struct Mirror {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/debian", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (Arc::clone(&requests), answers.to_vec());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let (request, from) = read_request(&connection);
                let mut seen = seen.lock().unwrap();
                let answer = answers[seen.len().min(answers.len() - 1)].clone();
                seen.push(request);
                drop(seen);
                thread::spawn(move || answer.give(connection, from));
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The path, with the range if there is one, and where the range begins.
fn read_request(connection: &TcpStream) -> (String, usize) {
    let lines = BufReader::new(connection).lines().map(|it| it.unwrap());
    let head: Vec<String> = lines.take_while(|it| !it.is_empty()).collect();
    let path = head[0].split(' ').nth(1).unwrap();
    let range = head.iter().find_map(|it| it.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let from = range.as_deref().map_or(0, |it| it.trim_end_matches('-').parse().unwrap());
    (format!("{path}{}", range.map_or(String::new(), |it| format!(" {it}"))), from)
}

impl Answer {
    fn give(self, mut connection: TcpStream, from: usize) {
        let (head, body) = match self {
            Self::Whole(file) | Self::BreakOff(file, _) if from > file.len() => {
                (status(416), file[..0].to_vec())
            }
            Self::Whole(file) => (partial(&file, from), file[from..].to_vec()),
            Self::NoRanges(file) => (partial(&file, 0), file),
            Self::BreakOff(file, count) => (partial(&file, from), file[from..][..count].to_vec()),
            Self::Status(code) => (status(code), Vec::new()),
            Self::Silence => return thread::sleep(Duration::from_secs(2)),
        };
        // The client may have closed the connection.
        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
    }
}

fn status(code: u16) -> String {
    format!("HTTP/1.1 {code} Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn partial(file: &[u8], from: usize) -> String {
    let length = file.len();
    let head = match from {
        0 => "HTTP/1.1 200 OK".to_owned(),
        _ => format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{length}", length - 1),
    };
    format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", length - from)
}

/// A checkout with a lock, an empty download directory, and the mirror.
struct Bench {
    directory: tempfile::TempDir,
    ctx: BuildContext,
}

impl Bench {
    fn new(mirror: Option<&Mirror>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ctx = BuildContext {
            workspace: directory.path().to_owned(),
            downloads: directory.path().join("downloads"),
            offline: false,
            mirror: mirror.map(|it| it.url.clone()),
            apt_dir: directory.path().join("apt"),
            ..BuildContext::new(&Sources::default())
        };
        fs::create_dir(ctx.image_dir()).unwrap();
        fs::create_dir(&ctx.downloads).unwrap();
        let line = format!("sha256 = \"{}\"\n", wanted().sha256);
        fs::write(ctx.lock_file(), format!("epoch = 1\n\n{line}")).unwrap();
        Self { directory, ctx }
    }

    fn fetch(&self) -> Result<Vec<u8>> {
        files_with(&self.ctx, &[wanted()], PATIENCE).map(|it| fs::read(&it[0]).unwrap())
    }

    /// The error without the parts that differ from run to run.
    fn error(&self) -> String {
        let error = self.fetch().unwrap_err().to_string();
        let error = error.replace(&self.directory.path().display().to_string(), "CHECKOUT");
        match &self.ctx.mirror {
            Some(url) => error.replace(url, "http://mirror.example/debian"),
            None => error,
        }
    }

    fn left_behind(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.ctx.downloads).unwrap();
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn content() -> Vec<u8> {
    (0..335_720_u32).map(|it| (it % 251) as u8).collect()
}

fn wanted() -> Wanted {
    let content = content();
    Wanted {
        name: "ppp_2.4.9_armel.deb".into(),
        path: "pool/main/p/ppp/ppp_2.4.9_armel.deb".into(),
        size: content.len() as u64,
        sha256: transfer::sha256(&mut &content[..]).unwrap(),
        origin: Origin::Lock,
    }
}

#[test]
fn a_file_is_downloaded_once_and_kept_under_its_hash() {
    let mirror = Mirror::new(&[Answer::Whole(content())]);
    let mut bench = Bench::new(Some(&mirror));
    assert_eq!(bench.fetch().unwrap(), content());
    assert_eq!(bench.left_behind(), [wanted().sha256]);
    bench.ctx.offline = true;
    assert_eq!(bench.fetch().unwrap(), content());
    assert_eq!(mirror.requests(), ["/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb"]);
}

#[test]
fn files_are_returned_in_the_order_of_the_request() {
    let mirror = Mirror::new(&[Answer::Whole(content())]);
    let bench = Bench::new(Some(&mirror));
    let all: Vec<Wanted> = (0..20).map(|_| wanted()).collect();
    let files = files_with(&bench.ctx, &all, PATIENCE).unwrap();
    assert_eq!(files, vec![bench.ctx.downloads.join(wanted().sha256); 20]);
    assert_eq!(mirror.requests().len(), 1, "the same file is not fetched twice");
    assert_eq!(bench.left_behind(), [wanted().sha256]);
}

#[test]
fn an_interrupted_download_is_resumed() {
    let mirror = Mirror::new(&[Answer::BreakOff(content(), 100_000), Answer::Whole(content())]);
    assert_eq!(Bench::new(Some(&mirror)).fetch().unwrap(), content());
    assert_eq!(mirror.requests()[1], "/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb 100000-");
}

#[test]
fn a_mirror_without_ranges_sends_the_file_again() {
    let mirror = Mirror::new(&[Answer::BreakOff(content(), 100_000), Answer::NoRanges(content())]);
    assert_eq!(Bench::new(Some(&mirror)).fetch().unwrap(), content());
}

#[test]
fn a_busy_mirror_is_tried_again() {
    let mirror = Mirror::new(&[Answer::Status(503), Answer::Silence, Answer::Whole(content())]);
    assert_eq!(Bench::new(Some(&mirror)).fetch().unwrap(), content());
}

#[test]
fn a_mirror_that_always_breaks_off_is_given_up_and_the_partial_file_kept() {
    let mirror = Mirror::new(&[Answer::BreakOff(content(), 100_000), Answer::BreakOff(content(), 5_000)]);
    let mut bench = Bench::new(Some(&mirror));
    insta::assert_snapshot!(bench.error(), @r"
    error: the download of ppp_2.4.9_armel.deb broke off 3 times
      110000 of 335720 bytes came: Peer disconnected
      http://mirror.example/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb
      next: run the same command again: it goes on where it stopped
    ");
    let recovered = Mirror::new(&[Answer::Whole(content())]);
    bench.ctx.mirror = Some(recovered.url.clone());
    assert_eq!(bench.fetch().unwrap(), content());
    assert_eq!(recovered.requests(), ["/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb 110000-"]);
}

#[test]
fn a_wrong_hash_names_the_line_of_the_lock_and_keeps_nothing() {
    let mut spoilt = content();
    spoilt[200_000] ^= 1;
    let bench = Bench::new(Some(&Mirror::new(&[Answer::Whole(spoilt)])));
    insta::assert_snapshot!(bench.error(), @r"
    error: hash mismatch for ppp_2.4.9_armel.deb
      expected  19f26a9358acc046cf15d201e7ef7368526a23abadb30f77af8ae511f254ccb0  (image/packages.lock:3)
      found     d9df4ebd4983c2e3eb542b821f7aea04cd163cd77049b66ca728da80712ed00f  (all 335720 bytes came)
      next: run the same command again, or try another --mirror; the broken file was not kept
    ");
    assert!(bench.left_behind().is_empty());
}

#[test]
fn a_file_of_another_size_is_refused_immediately() {
    for size in [12_288, 400_000] {
        let mut other = content();
        other.resize(size, 0);
        let mirror = Mirror::new(&[Answer::Whole(other)]);
        let bench = Bench::new(Some(&mirror));
        let error = bench.error();
        assert!(error.contains(&format!("found     {size} bytes")), "{error}");
        assert_eq!(mirror.requests().len(), 1);
        assert!(bench.left_behind().is_empty());
    }
}

#[test]
fn a_package_that_the_mirror_no_longer_has() {
    let bench = Bench::new(Some(&Mirror::new(&[Answer::Status(404)])));
    insta::assert_snapshot!(bench.error(), @r"
    error: no mirror has ppp_2.4.9_armel.deb
      wanted by  image/packages.lock:3
      404        http://mirror.example/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb
      next: Debian drops a package when a newer one replaces it: `cargo xtask lock` chooses again
    ");
    assert!(bench.left_behind().is_empty());
}

#[test]
fn a_mirror_that_refuses() {
    let bench = Bench::new(Some(&Mirror::new(&[Answer::Status(403)])));
    insta::assert_snapshot!(bench.error(), @r"
    error: the mirror refuses ppp_2.4.9_armel.deb: 403
      http://mirror.example/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb
      next: try another --mirror
    ");
}

#[test]
fn a_file_missing_on_one_mirror_of_apt_comes_from_the_next() {
    let (security, main) = (Mirror::new(&[Answer::Status(404)]), Mirror::new(&[Answer::Whole(content())]));
    let bench = Bench::new(None);
    fs::create_dir(&bench.ctx.apt_dir).unwrap();
    let list = format!("deb {} bookworm-security main\ndeb {} bookworm main\n", security.url, main.url);
    fs::write(bench.ctx.apt_dir.join("sources.list"), list).unwrap();
    assert_eq!(bench.fetch().unwrap(), content());
}

#[test]
fn no_mirror_is_known() {
    insta::assert_snapshot!(Bench::new(None).error(), @r"
    error: no Debian mirror is known
      neither --mirror nor DIALBOX_MIRROR is given, and CHECKOUT/apt names none
      next: --mirror URL, or set DIALBOX_MIRROR=URL
    ");
}

#[test]
fn a_download_directory_filled_by_hand_needs_no_mirror() {
    let bench = Bench::new(None);
    fs::write(bench.ctx.downloads.join("ppp_2.4.9_armel.deb"), content()).unwrap();
    assert_eq!(bench.fetch().unwrap(), content());
}

#[test]
fn offline_missing_and_different_files_are_listed() {
    let mut bench = Bench::new(None);
    bench.ctx.offline = true;
    fs::write(bench.ctx.downloads.join("ppp_2.4.9_armel.deb"), "another build of it").unwrap();
    insta::assert_snapshot!(bench.error(), @r"
    error: offline, and one package is not in downloads
      ppp_2.4.9_armel.deb  sha256 19f26a9358acc046cf15d201e7ef7368526a23abadb30f77af8ae511f254ccb0
        downloads/ppp_2.4.9_armel.deb is there, but its sha256 is db4be3c3e53f8265f18f42710f35c8d00405294177a14f9c68bba9837bfd5755
      next: run it once without --offline, or put the files there
    ");
}

#[test]
fn a_damaged_stored_file_is_fetched_again() {
    let bench = Bench::new(Some(&Mirror::new(&[Answer::Whole(content())])));
    fs::write(bench.ctx.downloads.join(wanted().sha256), "rot").unwrap();
    assert_eq!(bench.fetch().unwrap(), content());
}

#[test]
fn a_download_directory_that_cannot_be_written_is_named() {
    let mirror = Mirror::new(&[Answer::Whole(content())]);
    let mut bench = Bench::new(Some(&mirror));
    bench.ctx.downloads = bench.ctx.lock_file().join("downloads");
    insta::assert_snapshot!(bench.error(), @r"
    error: cannot make image/packages.lock/downloads
      Not a directory (os error 20)
    ");
}
