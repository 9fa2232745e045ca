//! Downloads from a local mirror with faults.

mod mirror;

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use super::*;
use crate::cli::Sources;
use mirror::{Answer, Mirror};

const PATIENCE: Patience = Patience {
    tries: 3,
    first_pause: Duration::from_millis(1),
    silence: Duration::from_secs(1),
    first_silence: Duration::from_secs(1),
};

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
            inherited: Vec::new(),
            path: vec![directory.path().to_owned()],
            ..BuildContext::new(&Sources::default())
        };
        fs::create_dir(ctx.image_dir()).unwrap();
        fs::create_dir(&ctx.downloads).unwrap();
        let line = format!("sha256 = \"{}\"\n", wanted().sha256);
        fs::write(ctx.image_dir().join("packages.lock"), format!("epoch = 1\n\n{line}")).unwrap();
        Self { directory, ctx }
    }

    /// These are the mirrors of the machine's apt.
    fn apt(&self, mirrors: &[&str]) {
        fs::create_dir(&self.ctx.apt_dir).unwrap();
        let list: String = mirrors.iter().map(|it| format!("deb {it} bookworm main\n")).collect();
        fs::write(self.ctx.apt_dir.join("sources.list"), list).unwrap();
    }

    /// The machine's apt prints these settings: its files cannot be moved, nor are they those of this machine.
    fn apt_config(&self, settings: &str) {
        let program = self.directory.path().join("apt-config");
        fs::write(&program, format!("#!/bin/sh\ncat <<end\n{settings}\nend\n")).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
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
        sha256: sink::sha256(&mut &content[..]).unwrap(),
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
    let [first, later] = [100_000, 5_000].map(|count| Answer::BreakOff(content(), count));
    let mirror = Mirror::new(&[first, later.clone(), later, Answer::Whole(content())]);
    let bench = Bench::new(Some(&mirror));
    insta::assert_snapshot!(bench.error(), @r"
    error: the download of ppp_2.4.9_armel.deb broke off 3 times
      110000 of 335720 bytes came: Peer disconnected
      http://mirror.example/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb
      next: run the same command again: it goes on where it stopped
    ");
    assert_eq!(bench.fetch().unwrap(), content());
    assert_eq!(mirror.requests()[3], "/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb 110000-");
    assert_eq!(bench.left_behind(), [wanted().sha256]);
}

#[test]
fn what_one_mirror_began_no_other_one_resumes() {
    // This one's file is another one, though as long.
    let foreign = vec![7; content().len()];
    let mirror = Mirror::new(&[Answer::BreakOff(foreign, 100_000)]);
    let mut bench = Bench::new(Some(&mirror));
    bench.fetch().unwrap_err();
    let good = Mirror::new(&[Answer::Whole(content())]);
    bench.ctx.mirror = Some(good.url.clone());
    assert_eq!(bench.fetch().unwrap(), content());
    assert_eq!(good.requests(), ["/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb"]);
}

#[test]
fn each_mirror_is_asked_once_before_one_is_asked_again() {
    let dead = "http://127.0.0.1:9/debian"; // discard (RFC 863), which no machine serves any more
    for (what, first) in [
        ("mute", Mirror::new(&[Answer::Silence])),
        ("a login page", Mirror::new(&[Answer::LoginPage])),
        ("breaks off", Mirror::new(&[Answer::BreakOff(vec![7; content().len()], 9_000)])),
        ("another file", Mirror::new(&[Answer::Whole(vec![7; content().len()])])),
    ] {
        let good = Mirror::new(&[Answer::Whole(content())]);
        let bench = Bench::new(None);
        bench.apt(&[dead, &first.url, &good.url]);
        assert_eq!(bench.fetch().unwrap(), content(), "{what}");
        assert_eq!((first.requests().len(), good.requests().len()), (1, 1), "{what}");
        assert_eq!(bench.left_behind(), [wanted().sha256], "{what}");
    }
}

#[test]
fn a_mirror_that_did_not_answer_is_asked_last_for_the_next_file() {
    let good = Mirror::new(&[Answer::Whole(b"a text".to_vec())]);
    let mute = Mirror::new(&[Answer::Silence]);
    let bench = Bench::new(None);
    let client = Client::new(&bench.ctx, PATIENCE);
    let urls = [&mute.url, &good.url].map(|it| format!("{it}/x"));
    for _ in 0..3 {
        assert!(client.text(&urls, |_| Ok(())).is_ok());
    }
    assert_eq!((mute.requests().len(), good.requests().len()), (1, 3));
}

#[test]
fn a_text_that_cannot_be_used_comes_from_the_next_mirror() {
    let [foreign, page, good] =
        [Answer::Whole(b"foreign".to_vec()), Answer::LoginPage, Answer::Whole(b"good".to_vec())]
            .map(|it| Mirror::new(&[it]));
    let bench = Bench::new(None);
    let accept = |text: &str| match text {
        "good" => Ok(text.to_owned()),
        _ => Err(Error::new("signed by nobody that we know")),
    };
    let urls = [&foreign, &page, &good].map(|it| format!("{}/x", it.url));
    assert_eq!(Client::new(&bench.ctx, PATIENCE).text(&urls, accept).unwrap(), "good");
    let failures = Client::new(&bench.ctx, PATIENCE).text(&urls[..2], accept).unwrap_err();
    assert!(matches!(&failures[..], [Failure::Unusable { .. }, Failure::WebPage { .. }]), "{failures:?}");
}

#[test]
fn a_login_page_is_named_and_not_kept() {
    let bench = Bench::new(Some(&Mirror::new(&[Answer::LoginPage])));
    insta::assert_snapshot!(bench.error(), @r"
    error: a web page came instead of ppp_2.4.9_armel.deb
      http://mirror.example/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb
      next: if this network has a login page, log in with a browser; or try another --mirror
    ");
    assert!(bench.left_behind().is_empty());
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
    bench.apt(&[&security.url, &main.url]);
    assert_eq!(bench.fetch().unwrap(), content());
}

#[test]
fn a_proxy_gets_the_whole_address_of_plain_http_and_its_password() {
    let proxy = Mirror::new(&[Answer::Whole(content())]);
    let mut bench = Bench::new(None);
    bench.ctx.mirror = Some("http://mirror.example/debian".to_owned());
    let address = proxy.url.replace("http://", "http://user:secret@").replace("/debian", "");
    bench.ctx.inherited = vec![("http_proxy".into(), address.into())];
    assert_eq!(bench.fetch().unwrap(), content());
    // RFC 7617: user:secret
    let credentials = "Basic dXNlcjpzZWNyZXQ=";
    let path = "http://mirror.example/debian/pool/main/p/ppp/ppp_2.4.9_armel.deb";
    assert_eq!(proxy.requests(), [format!("{path} through mirror.example as {credentials}")]);
}

#[test]
fn the_proxy_of_apt_is_used_and_a_mirror_that_no_proxy_names_is_asked_directly() {
    let (proxy, mirror) = (Mirror::new(&[Answer::Status(403)]), Mirror::new(&[Answer::Whole(content())]));
    let mut bench = Bench::new(Some(&mirror));
    bench.apt_config(&format!("Acquire::http::Proxy \"{}\";", proxy.url.replace("/debian", "")));
    assert!(bench.error().contains("403"));
    assert_eq!((proxy.requests().len(), mirror.requests().len()), (1, 0));
    bench.ctx.inherited = vec![("no_proxy".into(), "10.0.0.0/8,127.0.0.0/8".into())];
    assert_eq!(bench.fetch().unwrap(), content());
}

#[test]
fn a_proxy_that_does_not_answer_is_named_without_its_password() {
    let mut bench = Bench::new(None);
    bench.ctx.mirror = Some("http://mirror.example/debian".to_owned());
    bench.ctx.inherited = vec![("http_proxy".into(), "http://user:secret@127.0.0.1:9".into())];
    let error = bench.fetch().unwrap_err().to_string();
    assert!(
        error.contains("through the proxy http://•••@127.0.0.1:9") && !error.contains("secret"),
        "{error}"
    );
}

#[test]
fn a_redirect_is_followed_and_a_loop_of_them_ends() {
    let target = Mirror::new(&[Answer::Whole(content())]);
    let mirror = Mirror::new(&[Answer::Redirect(format!("{}/there", target.url))]);
    assert_eq!(Bench::new(Some(&mirror)).fetch().unwrap(), content());
    assert_eq!(target.requests(), ["/debian/there"]);
    let around = Mirror::new(&[Answer::Redirect("/debian/again".to_owned())]);
    let error = Bench::new(Some(&around)).error();
    assert!(error.contains("5 redirects and no file"), "{error}");
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
    bench.ctx.downloads = bench.ctx.image_dir().join("packages.lock").join("downloads");
    insta::assert_snapshot!(bench.error(), @r"
    error: cannot make image/packages.lock/downloads
      Not a directory (os error 20)
      next: name another place: a file stands where a directory must be
    ");
}
