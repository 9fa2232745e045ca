//! The settings of `init` and `watchdogd` on the kernel's command line.

use std::path::PathBuf;

/// Our parameters on the kernel's command line; the others are the kernel's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmdline {
    /// `dialbox.root=A,B`: the partitions with a root, tried in this order.
    pub roots: Vec<PathBuf>,
    /// `dialbox.state=`: the state partition.
    pub state: PathBuf,
    /// `dialbox.boot=`: the FAT partition.
    pub boot: PathBuf,
    /// `dialbox.watchdog=`: overrides the site's watchdog device; `none` disables it.
    pub watchdog: Option<PathBuf>,
    /// `modules-load=a,b`: kernel modules to load in addition to those of hot-plug.
    pub modules: Vec<String>,
}

impl Default for Cmdline {
    fn default() -> Self {
        Self {
            roots: vec!["/dev/mmcblk0p2".into(), "/dev/mmcblk0p3".into()],
            state: "/dev/mmcblk0p4".into(),
            boot: "/dev/mmcblk0p1".into(),
            watchdog: None,
            modules: Vec::new(),
        }
    }
}

impl Cmdline {
    /// Reads the content of `/proc/cmdline`. As for the kernel's own settings, the last one wins.
    pub fn parse(text: &str) -> Self {
        let settings = text.split_whitespace().filter_map(|w| w.split_once('='));
        settings.fold(Self::default(), |mut cmdline, (key, value)| {
            let list = || value.split(',').filter(|part| !part.is_empty());
            match key {
                "dialbox.root" => cmdline.roots = list().map(PathBuf::from).collect(),
                "dialbox.state" => cmdline.state = value.into(),
                "dialbox.boot" => cmdline.boot = value.into(),
                "dialbox.watchdog" => cmdline.watchdog = Some(value.into()),
                "modules-load" => cmdline.modules.extend(list().map(str::to_owned)),
                _ => {}
            }
            cmdline
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_our_parameters_the_defaults_are_a_pis_card() {
        let cmdline = Cmdline::parse("console=ttyAMA0,115200 panic=10 quiet\n");
        assert_eq!(cmdline, Cmdline::default());
    }

    #[test]
    fn every_parameter_is_read_and_the_last_one_wins() {
        let cmdline = Cmdline::parse(
            "dialbox.root=/dev/sda2,/dev/sda3 dialbox.state=/dev/sda4 dialbox.boot=/dev/sda1 \
             dialbox.watchdog=/dev/watchdog dialbox.watchdog=/dev/watchdog1 \
             modules-load=softdog,loop",
        );
        assert_eq!(
            cmdline,
            Cmdline {
                roots: vec!["/dev/sda2".into(), "/dev/sda3".into()],
                state: "/dev/sda4".into(),
                boot: "/dev/sda1".into(),
                watchdog: Some("/dev/watchdog1".into()),
                modules: vec!["softdog".into(), "loop".into()],
            }
        );
    }
}
