//! Outputs of the GPIO controller, by the kernel's older interface `/sys/class/gpio`
//! (Documentation/admin-guide/gpio/sysfs.rst).
//!
//! A line of the character device belongs to a process: when that ends, the kernel makes the pin an input
//! (drivers/pinctrl/bcm/pinctrl-bcm2835.c, `bcm2835_pmx_free`), and a relay falls back whenever the service starts
//! again. What is exported here belongs to nobody, and keeps its level until the board is reset.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DRIVER;
use crate::paths::Paths;
use crate::site::{GpioOutput, Level};

const CLASS: &str = "/sys/class/gpio";

/// A line of the header that is an output.
#[derive(Debug)]
pub struct Output {
    dir: PathBuf,
    active_low: bool,
}

impl Output {
    /// Makes the line an output, at this level from the first moment on. One that is an output already changes only if
    /// its level is another one.
    ///
    /// # Errors
    /// Another driver or program has the line, or the kernel has no such interface.
    pub fn take(paths: &Paths, site: &GpioOutput, level: Level) -> io::Result<Self> {
        let class = paths.path(CLASS);
        let number = first_number(&class)? + u32::from(site.line.get());
        let output = Self { dir: class.join(format!("gpio{number}")), active_low: site.active_low };
        if !output.dir.exists() {
            fs::write(class.join("export"), number.to_string())?;
        }
        if output.read("direction")? == "out" {
            output.set(level)?;
        } else {
            let high = output.is_high(level);
            fs::write(output.dir.join("direction"), if high { "high" } else { "low" })?;
        }
        Ok(output)
    }

    /// The level at the pin.
    ///
    /// # Errors
    /// The kernel refuses to tell.
    pub fn level(&self) -> io::Result<Level> {
        let high = self.read("value")? == "1";
        Ok(if high == self.active_low { Level::Off } else { Level::On })
    }

    /// Switches it.
    ///
    /// # Errors
    /// Somebody has made it an input.
    pub fn set(&self, level: Level) -> io::Result<()> {
        fs::write(self.dir.join("value"), if self.is_high(level) { "1" } else { "0" })
    }

    fn is_high(&self, level: Level) -> bool {
        (level == Level::On) != self.active_low
    }

    fn read(&self, attribute: &str) -> io::Result<String> {
        read(&self.dir.join(attribute))
    }
}

/// The number of the controller's line 0, by which the kernel counts the lines of all controllers.
fn first_number(class: &Path) -> io::Result<u32> {
    for entry in fs::read_dir(class)? {
        let controller = entry?.path();
        if read(&controller.join("label")).is_ok_and(|label| label == DRIVER) {
            return read(&controller.join("base"))?.parse().map_err(io::Error::other);
        }
    }
    Err(io::Error::other(format!("{CLASS} has no {DRIVER}")))
}

fn read(file: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(file)?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::GpioNumber;

    /// A directory as the kernel's: two controllers, and line 17 exported as this.
    fn class(direction: &str, value: &str) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let files = [
            ("gpiochip400/label", "ftdi-cbus\n"),
            ("gpiochip400/base", "400\n"),
            ("gpiochip458/label", "pinctrl-bcm2835\n"),
            ("gpiochip458/base", "458\n"),
            ("gpio475/direction", direction),
            ("gpio475/value", value),
        ];
        for (file, content) in files {
            let file = paths.path(CLASS).join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        (dir, paths)
    }

    fn line_17(active_low: bool) -> GpioOutput {
        let (name, line) = ("router".parse().unwrap(), GpioNumber::constant(17));
        GpioOutput { name, line, at_boot: Level::Off, active_low }
    }

    fn content(paths: &Paths, file: &str) -> String {
        fs::read_to_string(paths.path(CLASS).join(file)).unwrap()
    }

    #[test]
    fn an_input_becomes_an_output_at_its_level_in_one_step() {
        for (active_low, level, written) in
            [(false, Level::On, "high"), (false, Level::Off, "low"), (true, Level::On, "low")]
        {
            let (_dir, paths) = class("in\n", "untouched");
            Output::take(&paths, &line_17(active_low), level).unwrap();
            assert_eq!(content(&paths, "gpio475/direction"), written);
            assert_eq!(content(&paths, "gpio475/value"), "untouched");
        }
    }

    #[test]
    fn an_output_of_an_earlier_start_stays_one() {
        let (_dir, paths) = class("out\n", "1\n");
        let output = Output::take(&paths, &line_17(true), Level::On).unwrap();
        assert_eq!(content(&paths, "gpio475/direction"), "out\n");
        assert_eq!(content(&paths, "gpio475/value"), "0");
        assert_eq!(output.level().unwrap(), Level::On);
        output.set(Level::Off).unwrap();
        assert_eq!(content(&paths, "gpio475/value"), "1");
    }

    #[test]
    fn a_line_is_exported_by_its_number_at_the_processors_controller() {
        let (_dir, paths) = class("in\n", "0\n");
        fs::remove_dir_all(paths.path(CLASS).join("gpio475")).unwrap();
        // Only the kernel makes the directory.
        Output::take(&paths, &line_17(false), Level::On).unwrap_err();
        assert_eq!(content(&paths, "export"), "475");
    }
}
