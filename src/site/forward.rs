//! What the far side of the VPN reaches of the box's local network, and the other way.

use super::{Endpoint, Ipv4Net, Port, Speed, TcpPort};

/// The traffic between the VPN and the local network.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Networks and hosts on the local network that the far side of the VPN reaches.
    pub networks: Vec<Ipv4Net>,
    /// TCP ports of the box's address in the VPN that lead to the local network.
    pub ports: Vec<PortForward>,
    /// TCP ports of the box's address in the VPN that lead to serial ports.
    pub serial: Vec<SerialForward>,
    /// To the local network, the far side has the box's own address there.
    pub masquerade: bool,
    /// The local network reaches the networks of the VPN.
    pub from_lan: bool,
}

/// One TCP port that leads to the local network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortForward {
    /// The port of the box.
    pub listen: TcpPort,
    /// Address and port on the local network.
    pub to: Endpoint,
}

/// One TCP port that leads to a serial port of the box.
#[derive(Clone, Debug, PartialEq)]
pub struct SerialForward {
    /// The port of the box.
    pub listen: TcpPort,
    /// The serial port, and not that of the modem.
    pub port: Port,
    /// Its speed, with eight bits and no parity.
    pub speed: Speed,
}

impl Forward {
    /// Whether packets pass between the VPN and the local network.
    #[must_use]
    pub fn passes_packets(&self) -> bool {
        !self.networks.is_empty() || !self.ports.is_empty() || self.from_lan
    }
}
