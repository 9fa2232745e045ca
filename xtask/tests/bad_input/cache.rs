//! A cache that other users can read or write.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::checkout::Checkout;

const SITE: &str = "role = \"dialer\"\nhostname = \"cabin\"\n[modem]\npin = \"4711\"\n\
                    [operator]\nname = \"free\"\napn = \"free\"\n";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file below a directory.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    // The builder's cargo home has symlinks to the user's.
    let entries = entries.filter(|it| !it.is_symlink());
    entries.flat_map(|it| if it.is_dir() { files_below(&it) } else { vec![it] }).collect()
}

/// The directory that holds a task's only output.
fn output(checkout: &Checkout, task: &str) -> PathBuf {
    let shelf = checkout.path(&format!("target/dialbox/tasks/{task}"));
    let outputs: Vec<_> = fs::read_dir(shelf).unwrap().map(|it| it.unwrap().path()).collect();
    outputs.into_iter().find(|it| it.is_dir()).unwrap()
}

fn built_for(site: &str) -> Checkout {
    let checkout = Checkout::new();
    checkout.write("cabin.toml", site);
    let mut build = checkout.build_image_offline();
    build.args(["--site", "cabin.toml"]);
    checkout.succeeds(build);
    checkout
}

#[test]
fn no_other_user_can_read_a_sites_secrets() {
    let checkout = built_for(SITE);
    let cache = checkout.path("target/dialbox");
    assert_eq!((mode(&cache), mode(&checkout.path("out"))), (0o700, 0o700));
    let mut holding_it = 0;
    for file in files_below(&cache).into_iter().chain(files_below(&checkout.path("out"))) {
        let bytes = fs::read(&file).unwrap();
        if bytes.windows(4).any(|it| it == b"4711") {
            holding_it += 1;
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
    // The boot partition and the finished image, in the cache and in out/.
    assert!(holding_it >= 3, "{holding_it} files hold the PIN");
    for holder in ["root", "boot", "disk"] {
        let dir = output(&checkout, holder);
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
        files_below(&dir).iter().for_each(|it| assert_eq!(mode(it), 0o600, "{}", it.display()));
    }
    for file in ["out/small.img", "out/small.img.gz", "target/dialbox/squashfs-blocks"] {
        assert_eq!(mode(&checkout.path(file)), 0o600, "{file}");
    }
}

#[test]
fn the_inputs_of_a_task_are_recorded_as_hashes() {
    let checkout = built_for(SITE);
    let mut tasks = BTreeSet::new();
    for record in files_below(&checkout.path("target/dialbox/tasks")) {
        if record.extension().is_some_and(|it| it == "record") {
            let text = fs::read_to_string(&record).unwrap();
            assert!(!text.contains("4711") && !text.contains("cabin"), "{}:\n{text}", record.display());
            tasks.insert(record.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    for task in ["root", "boot", "disk"] {
        assert!(tasks.contains(task), "{task} has no record: {tasks:?}");
    }
}

#[test]
fn the_cache_of_an_earlier_builder_is_made_private_and_its_records_removed() {
    let checkout = built_for(SITE);
    let cache = checkout.path("target/dialbox");
    fs::set_permissions(&cache, Permissions::from_mode(0o755)).unwrap();
    let old = "target/dialbox/tasks/root/0123456789abcdef0123456789abcdef";
    checkout.write(&format!("{old}/root.squashfs"), "4711");
    checkout.write(&format!("{old}.toml"), "digest = \"0\"\n[inputs]\n\"site.toml\" = \"pin = 4711\"\n");
    checkout.write("overlay/etc/motd", "another image\n");
    checkout.succeeds(checkout.build_image_offline());
    assert_eq!(mode(&cache), 0o700);
    assert!(!checkout.path(old).exists() && !checkout.path(&format!("{old}.toml")).exists());
}

/// Each output is changed in turn; the next build reads it.
#[test]
fn a_changed_output_does_not_go_into_the_next_image() {
    for (task, file) in [
        ("initramfs", "initramfs.gz"),
        ("root", "root.squashfs"),
        ("boot", "boot.fat"),
        ("programs", "service"),
        ("unpack/busybox", "data.tar"),
        ("unpack/busybox", "list"),
        ("disk", "small.img"),
    ] {
        let checkout = Checkout::new();
        checkout.succeeds(checkout.build_image_offline());
        let changed = output(&checkout, task).join(file);
        let mut bytes = fs::read(&changed).unwrap();
        let at = match file {
            "data.tar" => 512, // behind the header of its only file; what no build reads is not checked
            _ => bytes.len() / 2,
        };
        bytes[at] ^= 1;
        fs::write(&changed, bytes).unwrap();
        // Another input is changed, so that the next task reads the output; for the last task the image is removed. What
        // changes the root changes the boot partition, too, which has the root hash: there the next output is removed.
        match task {
            "initramfs" | "root" => checkout.write("image/boot/cmdline.txt", "quiet panic=1\n"),
            "boot" => fs::remove_dir_all(checkout.path("target/dialbox/tasks/disk")).unwrap(),
            "disk" => fs::remove_file(checkout.path("out/small.img")).unwrap(),
            _ => checkout.write("overlay/etc/motd", "another image\n"),
        }
        let told = checkout.succeeds(checkout.build_image_offline());
        let expected = format!("error: the output of {task} was changed after it was made\n");
        assert!(told.contains(&expected), "{told}");
        assert!(told.contains("\n  next: find out who can write there; it is made again\n"), "{told}");
        if task == "root" {
            let clean = Checkout::new();
            clean.write("image/boot/cmdline.txt", "quiet panic=1\n");
            clean.succeeds(clean.build_image_offline());
            assert_eq!(checkout.out(), clean.out());
        }
    }
}

/// An added file is a change as well.
#[test]
fn a_file_added_to_the_standard_library_is_detected() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    fs::write(output(&checkout, "sysroot").join("lib/c/libm.a"), "").unwrap();
    checkout.write("src/bin/service.rs", "fn main() { loop {} }\n");
    let told = checkout.succeeds(checkout.build_image_offline());
    assert!(told.contains("error: the output of sysroot was changed after it was made\n"), "{told}");
}

#[test]
fn a_changed_block_of_the_compressed_root_is_compressed_again() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    let blocks = checkout.path("target/dialbox/squashfs-blocks");
    let good = checkout.out();
    let mut bytes = fs::read(&blocks).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&blocks, bytes).unwrap();
    fs::remove_dir_all(checkout.path("target/dialbox/tasks/root")).unwrap();
    fs::remove_dir_all(checkout.path("target/dialbox/tasks/disk")).unwrap();
    checkout.succeeds(checkout.build_image_offline());
    assert_eq!(checkout.out(), good);
}
