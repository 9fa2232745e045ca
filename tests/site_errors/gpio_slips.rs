//! The mistakes in `[gpio]`: each makes one of the valid sites invalid.

use super::valid::*;

/// One error in an otherwise valid site.
pub const GPIO_SLIPS: &[(&str, &str, &str, &str)] = &[
    ("line that the board does not have", GPIO, "\"b-plus\"", "\"b\""),
    ("line of the console", GPIO, "line = 5\n", "line = 14\n"),
    ("line of an add-on board's EEPROM", GPIO, "line = 5\n", "line = 0\n"),
    ("line of the card", GPIO, "line = 5\n", "line = 48\n"),
    ("line that no board has", GPIO, "line = 5\n", "line = 54\n"),
    ("line twice", GPIO, "line = 27\n", "line = 5\n"),
    ("name of a line twice", GPIO, "\"door\"", "\"router\""),
    ("name of a line that is a key of the site", GPIO, "\"router\"", "\"password\""),
    ("name of a line with a capital letter", GPIO, "\"router\"", "\"Router\""),
    ("gpio without a board", GPIO, "board = \"b-plus\"\n", ""),
    ("unknown board", GPIO, "\"b-plus\"", "\"b+\""),
    ("level between on and off", GPIO, "at-boot = \"on\"", "at-boot = \"half\""),
    ("unknown resistor", GPIO, "\"pull-up\"", "\"up\""),
    ("gpio without lines", DIALER, "[operator]", "[gpio]\nboard = \"zero\"\n[operator]"),
    ("gpio of a dial-in", DIAL_IN, "[[line]]", "[gpio]\nboard = \"zero\"\n[[line]]"),
    (
        "inputs to tell of that are not there",
        DIALER,
        "[operator]",
        "[tell]\nto = [\"+33612345678\"]\non = [\"gpio\"]\n[operator]",
    ),
];
