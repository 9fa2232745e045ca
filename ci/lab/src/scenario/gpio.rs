//! Lines of the board's header, switched by text message and by `dialctl`. The board's registers say what they do.

use super::{SERVICES_LOG, SITE, check, shows};
use crate::booted::Booted;
use crate::debugger::Debugger;
use crate::emulator;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::owner::{OWNER, Owner, sms_table};
use crate::stage::{Stage, stick};
use std::path::Path;

const LINES: &str = "[gpio]\nboard = \"b-plus\"\n\
    [[gpio.output]]\nname = \"router\"\nline = 17\nat-boot = \"on\"\n\
    [[gpio.output]]\nname = \"lamp\"\nline = 22\nactive-low = true\n\
    [[gpio.input]]\nname = \"door\"\nline = 27\nactive-low = true\n";
const ROUTER: u32 = 1 << 17;
const LAMP: u32 = 1 << 22;
const DOOR: u32 = 1 << 27;
/// The registers that set and clear the lines 0 to 31 (§6.1, GPSET0 and GPCLR0).
const SET: u32 = 0x2020_001c;
const CLEAR: u32 = 0x2020_0028;
/// QEMU's firmware does not know the supply voltage, so raspberrypi-hwmon finds no device: a directory like the driver's.
const VOLTAGE: &str = "mkdir -p /tmp/hwmon/hwmon0 && cd /tmp/hwmon/hwmon0 && echo rpi_volt >name && echo 0 >in0_lcrit_alarm \
    && cd / && mount --bind /tmp/hwmon /sys/class/hwmon";
/// The levels of the lines 0 to 31 (BCM2835 ARM Peripherals §6.1, GPLEV0).
const LEVELS: &str = "xp /1wx 0x20200034";
/// What the lines 10 to 19 are for, and the lines 20 to 29, in three bits each: 1 is an output (GPFSEL1, GPFSEL2).
const FUNCTIONS: [&str; 2] = ["xp /1wx 0x20200004", "xp /1wx 0x20200008"];

/// Outputs have their level at boot, are switched by a proven message and by none that is not, and keep their level when
/// the service starts again. A change of an input is told.
pub fn switched(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let site = "role = \"dialer\"\nhostname = \"dialer\"\n[operator]\nname = \"free\"\napn = \"free\"\n";
    let tell = format!("[tell]\nto = [\"{OWNER}\"]\non = [\"gpio\", \"undervoltage\"]\n");
    machine.card().write(SITE, format!("{site}{}{LINES}{tell}", sms_table()).as_bytes())?;
    let owner = Owner::of(stage, machine.modem()?)?;
    let mut booted = machine.boot()?;
    booted.until("logread", &["messages: in"])?;
    pins(&booted, "at boot", ROUTER | LAMP)?;

    owner.text("set router off");
    booted.until(SERVICES_LOG, &["refused, no code"])?;
    pins(&booted, "after a message without a code", ROUTER | LAMP)?;
    owner.text(&owner.order("set router off"));
    shows("the reply", &owner.reply(1)?, &["router is off"])?;
    pins(&booted, "after a message", LAMP)?;
    owner.text(&owner.order("get"));
    shows("the reply", &owner.reply(2)?, &["router is off, lamp is off, door is on"])?;

    booted.must("rm /usr/sbin/sms-dialer && kill $(pidof sms-dialer)")?;
    booted.until("pidof sms-dialer || echo none", &["none"])?;
    outputs(&booted, "without the service")?;
    booted.must(VOLTAGE)?;
    pins(&booted, "without the service", LAMP)?;
    booted.must("ln -s dialbox /usr/sbin/sms-dialer")?;
    booted.until("dialctl gpio router", &["router is off"])?;
    outputs(&booted, "after a restart of the service")?;
    pins(&booted, "after a restart of the service", LAMP)?;

    shows("dialctl", &booted.must("dialctl gpio lamp on 30s")?, &["lamp is on for 30s"])?;
    pins(&booted, "during a pulse", 0)?;
    shows("dialctl", &booted.must("dialctl gpio router off 1s")?, &["router is off for 1s"])?;
    booted.until("dialctl gpio router", &["router is on"])?;
    shows("dialctl", &booted.must("dialctl gpio lamp off")?, &["lamp is off"])?;
    pins(&booted, "after both pulses", ROUTER | LAMP)?;
    let refused = booted.run("dialctl gpio door on")?;
    check(refused.code != 0 && refused.text.contains("door is an input"), || refused.text)?;

    for (number, register, level) in [(3, SET, "off"), (4, CLEAR, "on")] {
        drive(&booted, register)?;
        shows("the news", &owner.reply(number)?, &[&format!("dialer: door is {level}")])?;
        shows("dialctl", &booted.must("dialctl gpio door")?, &[&format!("door is {level}")])?;
    }
    pins(&booted, "after the input's changes", ROUTER | LAMP)?;
    booted.must("echo 1 >/tmp/hwmon/hwmon0/in0_lcrit_alarm")?;
    shows("the news", &owner.reply(5)?, &["dialer: the supply voltage was too low"])
}

/// Gives the input's pin a level from outside. Of an input, the Pi keeps what these registers get for later; QEMU shows it
/// at once (hw/gpio/bcm2835_gpio.c, `gpset`).
fn drive(booted: &Booted, register: u32) -> Result<()> {
    let dir = booted.monitor.parent().unwrap_or(Path::new("."));
    let mut board = Debugger::connect(&emulator::stub(dir))?;
    board.write(register, DOOR)?;
    board.resume()
}

/// The pins of the outputs that are high, and no other of them.
fn pins(booted: &Booted, when: &str, high: u32) -> Result<()> {
    let levels = register(booted, LEVELS)?;
    check(levels & (ROUTER | LAMP) == high, || format!("{when} the levels of the pins are {levels:#010x}"))
}

/// The outputs are no inputs.
fn outputs(booted: &Booted, when: &str) -> Result<()> {
    let [of_router, of_lamp] = [register(booted, FUNCTIONS[0])?, register(booted, FUNCTIONS[1])?];
    let functions = [(of_router >> 21) & 7, (of_lamp >> 6) & 7];
    check(functions == [1, 1], || format!("{when} the pins' functions are {functions:?}"))
}

fn register(booted: &Booted, command: &str) -> Result<u32> {
    let said = Monitor::connect(&booted.monitor)?.command(command)?;
    let value = said.split_once(": 0x").and_then(|(_, value)| u32::from_str_radix(value.trim(), 16).ok());
    value.ok_or_else(|| Error::Unexpected(format!("QEMU says {said:?} of a register")))
}
