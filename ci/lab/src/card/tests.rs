use super::*;

const IMAGE: u64 = 40 << 20;
const BOOT: Partition = Partition { kind: 0x0c, start: 1 << 20, bytes: 36 << 20 };
const STATE: Partition = Partition { kind: 0x83, start: 38 << 20, bytes: 1 << 20 };

/// A small image as the builder makes it.
fn card(dir: &Path, files: &[(&str, &str)]) -> Card {
    let image = dir.join("image");
    let mut file = File::create_new(&image).unwrap();
    file.set_len(IMAGE).unwrap();
    file.seek(SeekFrom::Start(510)).unwrap();
    file.write_all(&[0x55, 0xaa]).unwrap();
    let card = Card { path: image.clone() };
    card.set_partition(1, BOOT).unwrap();
    card.set_partition(4, STATE).unwrap();
    let mut window = Window::new(card.open().unwrap(), BOOT.start, BOOT.bytes);
    fatfs::format_volume(&mut window, fatfs::FormatVolumeOptions::new()).unwrap();
    let card = Card::copy_of(&image, dir.join("card"), 1).unwrap();
    for (name, content) in files {
        card.write(name, content.as_bytes()).unwrap();
    }
    card
}

#[test]
fn the_boot_files_are_those_that_config_txt_names() {
    let dir = tempfile::tempdir().unwrap();
    let card = card(
        dir.path(),
        &[
            ("config.txt", "kernel=linux\ninitramfs initramfs.gz followkernel\n"),
            ("cmdline.txt", "console=ttyAMA0,115200 panic=10\n"),
            ("linux", "the kernel"),
            ("initramfs.gz", "the initramfs"),
            ("bcm2835-rpi-b-plus.dtb", "the device tree"),
        ],
    );
    let boot = card.boot_files("bcm2835-rpi-b-plus").unwrap();
    assert_eq!(boot.kernel, b"the kernel");
    assert_eq!(boot.initramfs, b"the initramfs");
    assert_eq!(boot.device_tree, b"the device tree");
    assert_eq!(boot.command_line, "console=ttyAMA0,115200 panic=10");
    assert!(card.boot_files("bcm2835-rpi-a").unwrap_err().to_string().contains("bcm2835-rpi-a.dtb"));
}

#[test]
fn a_cards_size_is_a_power_of_two_and_the_image_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let card = card(dir.path(), &[("site.toml", "long and old")]);
    assert_eq!(std::fs::metadata(card.path()).unwrap().len(), 64 << 20);
    card.write("site.toml", b"new").unwrap();
    assert_eq!(card.read("site.toml").unwrap(), b"new");
    let image = Card { path: dir.path().join("image") };
    assert!(image.read("site.toml").is_err());
}

#[test]
fn partitions_can_be_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let card = card(dir.path(), &[]);
    card.fill_partition(4, 0xa5).unwrap();
    let content = std::fs::read(card.path()).unwrap();
    let (start, end) = (STATE.start as usize, (STATE.start + STATE.bytes) as usize);
    assert_eq!((content[start - 1], content[start], content[end - 1], content[end]), (0, 0xa5, 0xa5, 0));
    card.write_partition(4, b"new").unwrap();
    let content = std::fs::read(card.path()).unwrap();
    assert_eq!(content[start - 1..start + 4], *b"\0new\xa5");
    let refused = card.write_partition(4, &vec![0; end - start + 1]).unwrap_err().to_string();
    assert!(refused.contains("partition 4 has 1048576 bytes of 1048577"), "{refused}");
    card.set_partition(4, Partition::NONE).unwrap();
    assert_eq!(card.partitions().unwrap(), [BOOT, Partition::NONE, Partition::NONE, Partition::NONE]);
}
