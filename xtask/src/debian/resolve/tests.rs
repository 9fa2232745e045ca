//! A small archive: `testdata/Packages`, and the content of its packages.

use std::cell::RefCell;

use super::*;
use crate::{
    debian::listing::Kind,
    manifest::{Disk, Recipe, Suite},
};

const LIB: &str = "/lib/arm-linux-gnueabi";

/// Records which packages were read.
struct SmallArchive {
    index: Index,
    read: RefCell<Vec<String>>,
}

impl SmallArchive {
    fn new() -> Self {
        let mut index = Index::default();
        index.add(include_str!("../testdata/Packages")).unwrap();
        Self { index, read: RefCell::default() }
    }
}

impl Archive for SmallArchive {
    fn index(&self, _: &PackageId) -> Result<&Index> {
        Ok(&self.index)
    }

    fn prepare(&self, _: &[(&PackageId, &Entry)]) -> Result<()> {
        Ok(())
    }

    fn listing(&self, _: &PackageId, entry: &Entry) -> Result<Rc<Listing>> {
        self.read.borrow_mut().push(entry.name.clone());
        let file = |path: String, needs: &[&str]| {
            let needed = |it: &&str| match it.strip_prefix("loader ") {
                Some(path) => Needed::Loader(path.to_owned()),
                None => Needed::Library((*it).to_owned()),
            };
            (path, Kind::File(needs.iter().map(needed).collect()))
        };
        let files = match entry.name.as_str() {
            "ppp" => vec![
                file("/usr/sbin/pppd".into(), &["loader /lib/ld-linux.so.3", "libpcap.so.0.8", "libc.so.6"]),
                file("/usr/sbin/pppstats".into(), &["libunheard.so.1"]),
                file("/usr/bin/pon".into(), &[]),
            ],
            "libpcap0.8" => vec![
                (format!("{LIB}/libpcap.so.0.8"), Kind::Link(format!("{LIB}/libpcap.so.1.10.3"))),
                file(format!("{LIB}/libpcap.so.1.10.3"), &["libdbus-1.so.3", "libc.so.6"]),
            ],
            "libdbus-1-3" => vec![file(format!("{LIB}/libdbus-1.so.3"), &["libc.so.6"])],
            "libc6" => vec![
                file(format!("{LIB}/libc.so.6"), &["ld-linux.so.3"]),
                (String::from("/lib/ld-linux.so.3"), Kind::Link(format!("{LIB}/ld-linux.so.3"))),
                file(format!("{LIB}/ld-linux.so.3"), &[]),
            ],
            "libgcc-s1" => vec![file(format!("{LIB}/libgcc_s.so.1"), &["libc.so.6"])],
            "rust-src" => vec![file("/usr/src/rustc/library/std/src/lib.rs".into(), &[])],
            _ => Vec::new(),
        };
        Ok(Rc::new(files.into_iter().collect()))
    }
}

/// The checkout, with nothing below it.
const WHOLE: Scope = Scope { recipes: Recipes::OfLevel(0), locked: &[] };

fn package(name: &str, files: &[&str]) -> Package {
    Package {
        id: PackageId { name: name.into(), suite: "bookworm".into(), architecture: "armel".into() },
        version: None,
        files: files.iter().map(|it| (*it).to_owned()).collect(),
        boot: BTreeMap::new(),
        kernel: None,
    }
}

fn recipe(name: &str, packages: Vec<Package>) -> Recipe {
    Recipe { name: name.into(), packages, ..Recipe::default() }
}

fn manifest(recipes: Vec<Recipe>) -> Manifest {
    Manifest {
        name: "test".into(),
        disk: Disk { boot_mib: 1, root_mib: 1, state_mib: 1, signature: 1 },
        suites: BTreeMap::new(),
        recipes,
        tools: Vec::new(),
        layers: Vec::new(),
        left_out: Vec::new(),
    }
}

fn lock(packages: Vec<Package>) -> Result<Vec<LockedPackage>> {
    resolve(&manifest(vec![recipe("ppp", packages)]), &SmallArchive::new(), &WHOLE)
}

fn in_short(packages: &[LockedPackage]) -> String {
    let line = |it: &LockedPackage| {
        let why = if it.is_named() { "named".into() } else { it.libraries.join(" ") };
        format!("{} {} for {}: {why}\n", it.name, it.version, it.recipes.join(" "))
    };
    packages.iter().map(line).collect()
}

#[test]
fn only_packages_whose_libraries_are_needed_are_locked() {
    insta::assert_snapshot!(in_short(&lock(vec![package("ppp", &["/usr/sbin/pppd"])]).unwrap()), @r"
    libc6 2.36-9+deb12u13 for ppp: ld-linux.so.3 libc.so.6
    libdbus-1-3 1.14.10-1~deb12u1 for ppp: libdbus-1.so.3
    libpcap0.8 1.10.3-1 for ppp: libpcap.so.0.8
    ppp 2.4.9-1+1.1+b1 for ppp: named
    ");
}

#[test]
fn a_library_with_a_stub_is_locked_for_tools_only() {
    let pppd = || vec![package("ppp", &["/usr/sbin/pppd"])];
    let stub_libraries = vec!["libdbus-1.so.3".to_owned()];
    let mut manifest = manifest(vec![Recipe { stub_libraries, ..recipe("ppp", pppd()) }]);
    manifest.tools = vec![recipe("emulator", pppd())];
    insta::assert_snapshot!(in_short(&resolve(&manifest, &SmallArchive::new(), &WHOLE).unwrap()), @r"
    libc6 2.36-9+deb12u13 for emulator ppp: ld-linux.so.3 libc.so.6
    libdbus-1-3 1.14.10-1~deb12u1 for emulator: libdbus-1.so.3
    libpcap0.8 1.10.3-1 for emulator ppp: libpcap.so.0.8
    ppp 2.4.9-1+1.1+b1 for emulator ppp: named
    ");
}

#[test]
fn libraries_are_searched_in_the_order_of_the_suites() {
    let suite = |libraries: &[&str]| Suite {
        libraries: libraries.iter().map(|it| (*it).to_owned()).collect(),
        ..Suite::default()
    };
    let mut manifest = manifest(vec![recipe("ppp", vec![package("ppp", &["/usr/sbin/pppd"])])]);
    manifest.suites.insert("bookworm".into(), suite(&["security", "bookworm"]));
    let locked = resolve(&manifest, &SmallArchive::new(), &WHOLE).unwrap();
    let suites: Vec<_> = locked.iter().map(|it| format!("{} of {}", it.name, it.suite)).collect();
    // The archive of this test has every package in every suite.
    assert_eq!(
        suites,
        ["libc6 of security", "libdbus-1-3 of security", "libpcap0.8 of security", "ppp of bookworm"]
    );
}

#[test]
fn a_script_needs_no_libraries() {
    insta::assert_snapshot!(in_short(&lock(vec![package("ppp", &["/usr/bin/pon"])]).unwrap()), @"ppp 2.4.9-1+1.1+b1 for ppp: named");
}

#[test]
fn a_package_lists_every_recipe_that_needs_it() {
    let manifest = manifest(vec![
        recipe("dialer", vec![package("ppp", &["/usr/sbin/pppd"])]),
        recipe("capture", vec![package("libpcap0.8", &[&format!("{LIB}/libpcap.so.0.8")])]),
    ]);
    insta::assert_snapshot!(in_short(&resolve(&manifest, &SmallArchive::new(), &WHOLE).unwrap()), @r"
    libc6 2.36-9+deb12u13 for capture dialer: ld-linux.so.3 libc.so.6
    libdbus-1-3 1.14.10-1~deb12u1 for capture dialer: libdbus-1.so.3
    libpcap0.8 1.10.3-1 for capture dialer: named
    ppp 2.4.9-1+1.1+b1 for dialer: named
    ");
}

#[test]
fn packages_that_cannot_hold_a_library_are_not_read() {
    let archive = SmallArchive::new();
    resolve(&manifest(vec![recipe("ppp", vec![package("ppp", &["/usr/sbin/pppd"])])]), &archive, &WHOLE)
        .unwrap();
    let read: BTreeSet<String> = archive.read.into_inner().into_iter().collect();
    assert!(!read.contains("mawk") && !read.contains("libgcc-s1"), "{read:?}");
}

#[test]
fn the_newest_version_is_chosen_unless_the_recipe_pins_one() {
    let mut rust = package("rust-src", &["/usr/src/rustc/library/"]);
    assert_eq!(lock(vec![rust.clone()]).unwrap()[0].version, "1.96.1+dfsg1-2~bpo13+1");
    rust.version = Some("1.95.0+dfsg1-2~bpo13+1".into());
    assert_eq!(lock(vec![rust]).unwrap()[0].version, "1.95.0+dfsg1-2~bpo13+1");
}

#[test]
fn two_recipes_cannot_take_two_versions_of_a_package() {
    let rust = package("rust-src", &[]);
    let pinned = Package { version: Some("1.95.0+dfsg1-2~bpo13+1".into()), ..rust.clone() };
    let error = lock(vec![rust, pinned]).unwrap_err().to_string();
    assert!(error.contains("takes version 1.96.1+dfsg1-2~bpo13+1 of it, this one 1.95.0"), "{error}");
}

#[test]
fn an_impossible_lock_is_one_error_with_the_available_choices() {
    let unpinned = Package { version: Some("1.90.0".into()), ..package("rust-src", &[]) };
    let wrong = [
        package("libpcap1.0", &[]),
        unpinned,
        package("ppp", &["/opt/sbin/pppd"]),
        package("ppp", &["/usr/sbin/nothing"]),
        package("ppp", &["/usr/share/"]),
        package("ppp", &["/usr/sbin/pppstats"]),
    ];
    let told = wrong.map(|package| lock(vec![package]).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n\n"), @r"
    error: recipe `ppp`: libpcap1.0 cannot be locked
      bookworm has no package `libpcap1.0` for armel
      next: did you mean libpcap0.8?

    error: recipe `ppp`: rust-src cannot be locked
      bookworm does not have version 1.90.0 of `rust-src`
      it has 1.96.1+dfsg1-2~bpo13+1, 1.95.0+dfsg1-2~bpo13+1, 1.94.1+dfsg1-1~bpo13+3
      next: change `version` in the recipe, or leave it out for the newest

    error: recipe `ppp`: ppp cannot be locked
      the package has no /opt/sbin/pppd
      next: did you mean /usr/sbin/pppd?

    error: recipe `ppp`: ppp cannot be locked
      the package has no /usr/sbin/nothing

    error: recipe `ppp`: ppp cannot be locked
      the package has no /usr/share/

    error: recipe `ppp`: ppp cannot be locked
      no package that ppp depends on has the library libunheard.so.1
      searched in bookworm
      next: name the suite that has it in `libraries` of this one, in image/image.toml
    ");
}

#[test]
fn the_name_that_policy_gives_to_the_package_of_a_library() {
    let names = [
        ("libpcap.so.0.8", "libpcap0.8"),
        ("libfuse3.so.3", "libfuse3-3"),
        ("libdbus-1.so.3", "libdbus-1-3"),
        ("libgcc_s.so.1", "libgcc-s1"),
        ("ld-linux.so.3", "ld-linux3"),
    ];
    for (soname, package) in names {
        assert_eq!(policy_name(soname), package);
    }
}
