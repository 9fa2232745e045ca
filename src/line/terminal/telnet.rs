//! The little of Telnet that a terminal needs (RFC 854): its commands are taken out of the data and answered, the ends
//! of lines are as it wants them. Options that are not needed are refused.
//!
//! The crate `libtelnet-rs` parses as much, with a copy of every event and without the ends of lines or the answers,
//! which are most of this file.

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// The beginning of a subnegotiation, and its end.
const SB: u8 = 250;
const SE: u8 = 240;

const NUL: u8 = 0;
const BACKSPACE: u8 = 8;
const LF: u8 = 10;
const CR: u8 = 13;
const DELETE: u8 = 127;

/// One end of a Telnet connection, without the connection.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
    /// What the service does.
    service: Options,
    /// What this end does.
    own: Options,
    /// The caller's last byte was a CR that was sent as CR LF.
    after_line: bool,
}

/// The options that are agreed to.
#[derive(Debug, Default, Clone, Copy)]
struct Options {
    /// RFC 856: no ends of lines.
    binary: bool,
    /// RFC 857: the service shows what the caller types.
    echo: bool,
    /// RFC 858: a character at a time.
    suppress_go_ahead: bool,
}

impl Options {
    /// The option of this number; `None` for one that is refused.
    fn of(&mut self, number: u8) -> Option<&mut bool> {
        match number {
            0 => Some(&mut self.binary),
            1 => Some(&mut self.echo),
            3 => Some(&mut self.suppress_go_ahead),
            _ => None,
        }
    }
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Data,
    /// After a CR: a NUL belongs to it.
    Cr,
    Iac,
    /// After one of WILL, WONT, DO and DONT.
    Option(u8),
    Subnegotiation,
    SubnegotiationIac,
}

impl Telnet {
    /// Processes bytes of the service: data to the caller, answers to the service.
    pub fn hear_service(&mut self, bytes: &[u8], to_caller: &mut Vec<u8>, to_service: &mut Vec<u8>) {
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (State::Cr, NUL) => State::Data,
                (State::Data | State::Cr, IAC) => State::Iac,
                (State::Iac, IAC) => {
                    to_caller.push(IAC);
                    State::Data
                }
                (State::Data | State::Cr, byte) => {
                    to_caller.push(byte);
                    if byte == CR && !self.service.binary { State::Cr } else { State::Data }
                }
                (State::Iac, verb @ (WILL | WONT | DO | DONT)) => State::Option(verb),
                (State::Iac, SB) => State::Subnegotiation,
                // All other commands are for a keyboard and a screen that this end does not have.
                (State::Iac, _) => State::Data,
                (State::Option(verb), option) => {
                    to_service.extend(self.negotiate(verb, option).into_iter().flatten());
                    State::Data
                }
                (State::Subnegotiation, IAC) => State::SubnegotiationIac,
                (State::SubnegotiationIac, SE) => State::Data,
                (State::Subnegotiation | State::SubnegotiationIac, _) => State::Subnegotiation,
            };
        }
    }

    /// The answer to a request, and only to one that changes something or is refused: otherwise both ends could go on
    /// for ever (RFC 854, "loops"; RFC 1143 §4).
    fn negotiate(&mut self, verb: u8, option: u8) -> Option<[u8; 3]> {
        let (known, wanted, yes, no) = match verb {
            WILL | WONT => (self.service.of(option), verb == WILL, DO, DONT),
            // The service has no use for an echo of its own words.
            _ => (self.own.of(option).filter(|_| option != 1), verb == DO, WILL, WONT),
        };
        let answer = match known {
            Some(state) if *state == wanted => return None,
            Some(state) => {
                *state = wanted;
                if wanted { yes } else { no }
            }
            None if wanted => no,
            None => return None,
        };
        Some([IAC, answer, option])
    }

    /// Processes bytes of the caller: data to the service, and to the caller what it types if the service does not show
    /// it.
    pub fn hear_caller(&mut self, bytes: &[u8], to_caller: &mut Vec<u8>, to_service: &mut Vec<u8>) {
        for byte in bytes {
            let after_line = std::mem::take(&mut self.after_line);
            match *byte {
                IAC => to_service.extend([IAC, IAC]),
                CR if self.own.binary => to_service.push(CR),
                // RFC 1123 §3.3.1: a server takes either for the end of a line. One that echoes takes keys.
                CR if self.service.echo => to_service.extend([CR, NUL]),
                CR => {
                    to_service.extend([CR, LF]);
                    self.after_line = true;
                }
                LF if after_line => continue,
                byte => to_service.push(byte),
            }
            if !self.service.echo {
                match *byte {
                    CR => to_caller.extend([CR, LF]),
                    BACKSPACE | DELETE => to_caller.extend([BACKSPACE, b' ', BACKSPACE]),
                    b' '..=b'~' => to_caller.push(*byte),
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: u8 = 1;
    const SUPPRESS_GO_AHEAD: u8 = 3;
    const TERMINAL_TYPE: u8 = 24;

    /// What the caller and the service get of what the service sends.
    fn said(telnet: &mut Telnet, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut to_caller, mut to_service) = (Vec::new(), Vec::new());
        // One by one: a command may be cut anywhere.
        for byte in bytes {
            telnet.hear_service(&[*byte], &mut to_caller, &mut to_service);
        }
        (to_caller, to_service)
    }

    fn typed(telnet: &mut Telnet, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut to_caller, mut to_service) = (Vec::new(), Vec::new());
        telnet.hear_caller(bytes, &mut to_caller, &mut to_service);
        (to_caller, to_service)
    }

    #[test]
    fn the_beginning_of_a_telnet_server_is_answered_once() {
        // What telnetd of netkit sends first: DO TTYPE, WILL SGA, WILL ECHO.
        let begin = [IAC, DO, TERMINAL_TYPE, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, WILL, ECHO];
        let answer = [IAC, WONT, TERMINAL_TYPE, IAC, DO, SUPPRESS_GO_AHEAD, IAC, DO, ECHO];
        let mut telnet = Telnet::default();
        assert_eq!(said(&mut telnet, &begin), (vec![], answer.to_vec()));
        let again = [IAC, WILL, ECHO, IAC, WONT, TERMINAL_TYPE, IAC, DONT, TERMINAL_TYPE];
        assert_eq!(said(&mut telnet, &again), (vec![], vec![]), "RFC 1143");
        assert_eq!(said(&mut telnet, &[IAC, WONT, ECHO]), (vec![], vec![IAC, DONT, ECHO]));
        assert_eq!(said(&mut telnet, &[IAC, DO, ECHO]), (vec![], vec![IAC, WONT, ECHO]));
    }

    #[test]
    fn the_caller_gets_the_data_and_no_command() {
        let table: [(&[u8], &[u8]); 7] = [
            (b"login: ", b"login: "),
            (b"a\r\nb\r\0c", b"a\r\nb\rc"),
            (&[b'a', IAC, IAC, b'b'], &[b'a', IAC, b'b']),
            (&[b'a', IAC, 241, b'b', IAC, 249, b'c'], b"abc"), // NOP, GA
            (&[IAC, SB, 24, 1, IAC, SE, b'a'], b"a"),
            (&[IAC, SB, 24, IAC, IAC, SE, 1, IAC, SE, b'a'], b"a"),
            (&[0x1b, b'[', b'2', b'J', 0xdb], &[0x1b, b'[', b'2', b'J', 0xdb]),
        ];
        for (sent, expected) in table {
            assert_eq!(said(&mut Telnet::default(), sent).0, expected, "{sent:?}");
        }
    }

    #[test]
    fn a_service_without_an_echo_gets_lines_and_the_caller_sees_its_own_words() {
        let typed = |bytes: &[u8]| typed(&mut Telnet::default(), bytes);
        assert_eq!(typed(b"look\r"), (b"look\r\n".to_vec(), b"look\r\n".to_vec()));
        assert_eq!(typed(b"a\r\nb\n"), (b"a\r\nb".to_vec(), b"a\r\nb\n".to_vec()));
        assert_eq!(typed(b"x\x08"), (b"x\x08 \x08".to_vec(), b"x\x08".to_vec()));
        assert_eq!(typed(&[IAC, 3]), (vec![], vec![IAC, IAC, 3]));
    }

    #[test]
    fn a_service_with_an_echo_gets_keys_and_a_binary_one_every_byte() {
        let mut telnet = Telnet::default();
        said(&mut telnet, &[IAC, WILL, ECHO]);
        assert_eq!(typed(&mut telnet, b"ls\r\n\xff"), (vec![], b"ls\r\0\n\xff\xff".to_vec()));
        assert_eq!(said(&mut telnet, &[IAC, DO, 0, IAC, WILL, 0]).1, [IAC, WILL, 0, IAC, DO, 0]);
        assert_eq!(typed(&mut telnet, b"\r\n\r\0"), (vec![], b"\r\n\r\0".to_vec()));
        assert_eq!(said(&mut telnet, b"\r\0"), (b"\r\0".to_vec(), vec![]));
    }
}
