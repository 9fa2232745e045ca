//! WinChipHead's CH341: an RS-232 port on USB, as `drivers/usb/serial/ch341.c` expects it.

use super::device::{Description, Device, Endpoint, Flow, Interface, Outward, Reply};
use super::fifo::Fifo;
use super::packet::Setup;
use std::time::Duration;

const STATUS: u8 = 0x81;
const DATA_IN: u8 = 0x82;
/// 0x02 on the real one; see `hso.rs` for the reason.
const DATA_OUT: u8 = 0x03;
/// The driver's buffers hold one packet.
const STREAM: Flow = Flow::Stream { buffer: 32 };

static CH341: Description = Description {
    class: [0xff, 0, 0],
    vendor: 0x1a86,
    product: 0x7523,
    version: 0x0254,
    names: ["QinHeng Electronics", "USB2.0-Serial"],
    interfaces: &[Interface {
        number: 0,
        before: &[],
        class: [0xff, 1, 2],
        extra: &[],
        endpoints: &[
            Endpoint { address: DATA_IN, max_packet: 32, flow: STREAM },
            Endpoint { address: DATA_OUT, max_packet: 32, flow: STREAM },
            Endpoint { address: STATUS, max_packet: 8, flow: Flow::Messages { interval: 1 } },
        ],
    }],
};

/// The modem's lines as the chip reports them, 0 for on (`CH341_BIT_CTS` and its neighbours): CTS and DSR are on.
const LINES: u8 = 0b1111_1100;
const DCD: u8 = 1 << 3;

/// One adapter. Its port is number 0.
#[derive(Debug, Default)]
pub struct Ch341 {
    received: Fifo,
    dtr: bool,
    dcd: bool,
    /// DCD as last reported to the driver.
    reported: bool,
    outward: Vec<Outward>,
}

impl Device for Ch341 {
    fn description(&self) -> &'static Description {
        &CH341
    }

    fn request(&mut self, setup: Setup, _: &[u8], _: Duration) -> Reply {
        const READ_VERSION: u8 = 0x5f;
        const READ_REGISTERS: u8 = 0x95;
        const WRITE_REGISTERS: u8 = 0x9a;
        const INITIALISE: u8 = 0xa1;
        const SET_MODEM_LINES: u8 = 0xa4;
        match (setup.request_type, setup.request) {
            // A chip with the register for the character format.
            (0xc0, READ_VERSION) => Reply::Done(vec![0x31, 0]),
            // This includes the modem's lines.
            (0xc0, READ_REGISTERS) => Reply::Done(vec![self.tell_lines(), 0xee]),
            // The speed does not matter for a socket.
            (0x40, INITIALISE | WRITE_REGISTERS) => Reply::Done(Vec::new()),
            (0x40, SET_MODEM_LINES) => {
                const DTR_OFF: u16 = 1 << 5;
                let dtr = setup.value & DTR_OFF == 0;
                if dtr != self.dtr {
                    self.dtr = dtr;
                    self.outward.push(Outward::Dtr(0, dtr));
                }
                Reply::Done(Vec::new())
            }
            _ => Reply::Stall,
        }
    }

    fn receive(&mut self, endpoint: u8, data: &[u8]) {
        if endpoint == DATA_OUT {
            self.outward.push(Outward::Bytes(0, data.to_vec()));
        }
    }

    fn send(&mut self, endpoint: u8, limit: usize, _: Duration) -> Vec<u8> {
        match endpoint {
            DATA_IN => self.received.take(limit),
            // `ch341_update_status` reads the third byte of four.
            STATUS if self.reported != self.dcd && self.dtr => vec![0x08, 0, self.tell_lines(), 0xee],
            _ => Vec::new(),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn lose_power(&mut self) {
        *self = Self::default();
    }

    fn outward(&mut self) -> Vec<Outward> {
        std::mem::take(&mut self.outward)
    }

    fn room(&self, _: usize) -> usize {
        self.received.room()
    }

    fn inward(&mut self, _: usize, bytes: &[u8], _: Duration) {
        self.received.push(bytes);
    }

    /// A change is reported only while DTR is on: the driver does not read a closed port, and would later take the old
    /// report for one of the next call. The driver requests the state when it opens the port.
    fn carrier(&mut self, _: usize, on: bool) {
        self.dcd = on;
    }
}

impl Ch341 {
    fn tell_lines(&mut self) -> u8 {
        self.reported = self.dcd;
        if self.dcd { LINES & !DCD } else { LINES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(adapter: &mut Ch341, request_type: u8, request: u8, value: u16, length: u16) -> Reply {
        adapter.request(Setup { request_type, request, value, index: 0, length }, &[], Duration::ZERO)
    }

    #[test]
    fn the_drivers_requests_at_bind_and_open_are_answered() {
        let mut adapter = Ch341::default();
        // ch341.c: `ch341_configure`, `ch341_detect_quirks`, `ch341_get_status`; two bytes or it gives up.
        for (request, value) in [(0x5f, 0), (0x95, 0x1805), (0x95, 0x0706)] {
            let reply = ask(&mut adapter, 0xc0, request, value, 2);
            assert!(matches!(reply, Reply::Done(bytes) if bytes.len() == 2), "{request:#x}");
        }
        for request in [0xa1, 0x9a, 0xa4] {
            assert_eq!(ask(&mut adapter, 0x40, request, 0, 0), Reply::Done(Vec::new()), "{request:#x}");
        }
        assert_eq!(ask(&mut adapter, 0x40, 0x77, 0, 0), Reply::Stall);
    }

    #[test]
    fn dtr_is_reported_when_it_changes() {
        let mut adapter = Ch341::default();
        // `ch341_set_handshake` sends the complement: DTR is bit 5, RTS bit 6.
        for lines in [0x60, 0x20, 0x40, 0x00] {
            ask(&mut adapter, 0x40, 0xa4, !lines, 0);
        }
        assert_eq!(adapter.outward(), [Outward::Dtr(0, true), Outward::Dtr(0, false)]);
    }

    #[test]
    fn the_carrier_is_reported_on_change_and_on_request() {
        let mut adapter = Ch341::default();
        ask(&mut adapter, 0x40, 0xa4, !0x60, 0);
        let dcd = |adapter: &mut Ch341| match ask(adapter, 0xc0, 0x95, 0x0706, 2) {
            // `ch341_get_status`: CH341_BITS_MODEM_STAT, 0 for on.
            Reply::Done(bytes) => !bytes[0] & 0x0f,
            Reply::Stall => panic!("it knows its registers"),
        };
        assert_eq!((dcd(&mut adapter), adapter.send(STATUS, 8, Duration::ZERO)), (0b0011, Vec::new()));
        for (on, bits) in [(true, 0b1011), (false, 0b0011)] {
            adapter.carrier(0, on);
            let message = adapter.send(STATUS, 8, Duration::ZERO);
            assert_eq!((message.len(), !message[2] & 0x0f, dcd(&mut adapter)), (4, bits, bits));
            adapter.carrier(0, on);
            assert_eq!(adapter.send(STATUS, 8, Duration::ZERO), [0; 0]);
        }
        ask(&mut adapter, 0x40, 0xa4, !0, 0);
        adapter.carrier(0, true);
        assert_eq!(adapter.send(STATUS, 8, Duration::ZERO), [0; 0], "the port is closed");
    }

    #[test]
    fn bytes_pass_both_ways() {
        let mut adapter = Ch341::default();
        adapter.receive(DATA_OUT, b"AT\r");
        assert_eq!(adapter.outward(), [Outward::Bytes(0, b"AT\r".to_vec())]);
        adapter.inward(0, b"\r\nOK\r\n", Duration::ZERO);
        assert_eq!(adapter.send(DATA_IN, 4, Duration::ZERO), b"\r\nOK");
        assert_eq!(adapter.send(DATA_IN, 4, Duration::ZERO), b"\r\n");
        assert_eq!(adapter.send(STATUS, 8, Duration::ZERO), [0; 0]);
    }
}
