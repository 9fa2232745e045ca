//! Mobile sticks that are routers: a network card and a web page, without a port for commands.

use std::fs;
use std::path::Path;

use crate::paths::Paths;

const DEVICES: &str = "/sys/bus/usb/devices";

/// Makers of mobile sticks, by `idVendor`: a network card of another maker is most likely one for the box's own LAN.
const MAKERS: &[&str] = &[
    "05c6", // Qualcomm, which sticks of many brands name
    "0af0", // Option
    "1199", // Sierra Wireless
    "12d1", // Huawei
    "19d2", // ZTE
    "1bbb", // TCL, Alcatel
    "1bc7", // Telit
    "1e0e", // SIMCom
    "2001", // D-Link
    "2c7c", // Quectel
];

/// The interfaces of a network card: class, subclass, protocol.
const NETWORK: &[[&str; 3]] = &[
    ["02", "06", "00"], // Ethernet (USB CDC ECM 1.2)
    ["02", "0d", "00"], // NCM (USB CDC NCM 1.0)
    ["e0", "01", "03"], // RNDIS (linux/drivers/net/usb/rndis_host.c)
    ["ef", "04", "01"], // the same, of newer devices
];

/// Says which stick is a router, if there is one: such as `1-1.2 (12d1:14dc HUAWEI_MOBILE)`.
pub fn find(paths: &Paths) -> Option<String> {
    let mut interfaces: Vec<_> =
        fs::read_dir(paths.path(DEVICES)).into_iter().flatten().flatten().map(|it| it.path()).collect();
    interfaces.sort();
    interfaces.iter().find_map(|interface| {
        let name = interface.file_name()?.to_str()?;
        let (place, _) = name.split_once(':')?;
        let class = ["bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"];
        let class = class.map(|file| read(interface, file).unwrap_or_default());
        let device = interface.with_file_name(place);
        let vendor = read(&device, "idVendor")?;
        let is_router = NETWORK.iter().any(|it| class == *it) && MAKERS.contains(&vendor.as_str());
        is_router.then(|| {
            let product = read(&device, "idProduct").unwrap_or_default();
            let name = read(&device, "product").map(|name| format!(" {name}")).unwrap_or_default();
            format!("{place} ({vendor}:{product}{name})")
        })
    })
}

/// What a stick says about itself goes to the log and to the status.
fn read(dir: &Path, file: &str) -> Option<String> {
    let text = fs::read_to_string(dir.join(file)).ok()?;
    Some(text.trim().chars().filter(|c| !c.is_control()).take(40).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Plugs in a device with one interface: `idVendor`, `idProduct` and name; class, subclass and protocol.
    pub fn plug_in(paths: &Paths, place: &str, device: [&str; 3], class: [&str; 3]) {
        let dir = paths.path(DEVICES);
        let write = |path: std::path::PathBuf, files: [&str; 3], values: [&str; 3]| {
            fs::create_dir_all(&path).unwrap();
            for (file, value) in files.iter().zip(values) {
                fs::write(path.join(file), format!("{value}\n")).unwrap();
            }
        };
        write(dir.join(place), ["idVendor", "idProduct", "product"], device);
        let class_files = ["bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"];
        write(dir.join(format!("{place}:1.0")), class_files, class);
    }

    #[test]
    fn a_network_card_is_a_router_if_a_maker_of_mobile_sticks_made_it() {
        for (device, class, expected) in [
            // Ids and classes of a Huawei E3372h in HiLink mode, a ZTE MF823, and a Realtek adapter.
            (["12d1", "14dc", "HUAWEI_MOBILE"], ["02", "06", "00"], Some("1-1.2 (12d1:14dc HUAWEI_MOBILE)")),
            (["19d2", "1405", "ZTE Mobile"], ["e0", "01", "03"], Some("1-1.2 (19d2:1405 ZTE Mobile)")),
            (["0bda", "8153", "USB 10/100/1000 LAN"], ["02", "06", "00"], None),
            (["12d1", "1506", "HUAWEI Mobile"], ["ff", "02", "01"], None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let paths = Paths::below(dir.path());
            plug_in(&paths, "1-1.2", device, class);
            assert_eq!(find(&paths).as_deref(), expected, "{device:?}");
        }
    }
}
