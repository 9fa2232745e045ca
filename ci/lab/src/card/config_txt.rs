//! `config.txt` as the Pi's firmware reads it for a Pi 1: the few keys that decide what is loaded.
//!
//! Source: "config.txt" in the Raspberry Pi documentation: `key=value` lines, except `initramfs FILE ADDRESS`;
//! `#` starts a comment; `[…]` filters the lines up to the next filter, and `[all]` ends it.

/// The names of the files to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `kernel=`; the default of a Pi 1 is `kernel.img`.
    pub kernel: String,
    /// `initramfs NAME followkernel`
    pub initramfs: Option<String>,
    /// `device_tree=`; without it the firmware chooses by board.
    pub device_tree: Option<String>,
    /// `cmdline=`
    pub cmdline: String,
}

impl Config {
    /// Reads the text of a `config.txt`. Unknown lines are skipped, as the firmware does.
    pub fn parse(text: &str) -> Self {
        let mut config = Self {
            kernel: "kernel.img".to_owned(),
            initramfs: None,
            device_tree: None,
            cmdline: "cmdline.txt".to_owned(),
        };
        let mut applies = true;
        for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
            if let Some(filter) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                applies = matches!(filter, "all" | "pi1");
            } else if applies {
                config.take(line);
            }
        }
        config
    }

    fn take(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("initramfs ") {
            self.initramfs = rest.split_whitespace().next().map(str::to_owned);
        }
        let Some((key, value)) =
            line.split_once('=').map(|(key, value)| (key.trim(), value.trim().to_owned()))
        else {
            return;
        };
        match key {
            "kernel" => self.kernel = value,
            "ramfsfile" => self.initramfs = Some(value),
            "device_tree" if !value.is_empty() => self.device_tree = Some(value),
            "cmdline" => self.cmdline = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_firmwares_default_names_apply_without_settings() {
        let config = Config::parse("");
        assert_eq!((config.kernel.as_str(), config.cmdline.as_str()), ("kernel.img", "cmdline.txt"));
        assert_eq!((config.initramfs, config.device_tree), (None, None));
    }

    #[test]
    fn the_last_line_that_applies_to_a_pi_1_wins() {
        let config = Config::parse(
            "# a comment\nkernel=a.img # another\n initramfs first.gz followkernel\n[pi4]\nkernel=b.img\n\
             [all]\ninitramfs second.gz 0x00800000\nunknown\n[pi1]\ncmdline=line.txt\n[pi3]\ndevice_tree=x.dtb\n",
        );
        let expected = Config {
            kernel: "a.img".into(),
            initramfs: Some("second.gz".into()),
            device_tree: None,
            cmdline: "line.txt".into(),
        };
        assert_eq!(config, expected);
    }
}
