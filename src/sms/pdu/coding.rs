//! The coding of the user data. TS 23.038 §4.

/// The coding in the data coding scheme. Classes and message waiting indications concern a telephone's screen and are
/// ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// The 7 bit default alphabet, septets packed into octets.
    Gsm7,
    /// 8 bit data.
    Octets,
    /// UCS2, in fact UTF-16 since telephones send emoji, big end first.
    Ucs2,
    /// Compressed (TS 23.042): not in use, and not decoded.
    Compressed,
}

impl Coding {
    /// Parses TP-DCS. "Any reserved codings shall be assumed to be the GSM 7 bit default alphabet".
    pub fn of(scheme: u8) -> Self {
        match scheme >> 4 {
            // General data coding, and the same marked for automatic deletion.
            0b0000..=0b0111 if scheme & 0b0010_0000 != 0 => Self::Compressed,
            0b0000..=0b0111 => match scheme >> 2 & 0b11 {
                0b01 => Self::Octets,
                0b10 => Self::Ucs2,
                _ => Self::Gsm7,
            },
            // Message waiting, store the message, in UCS2.
            0b1110 => Self::Ucs2,
            // Data coding and message class.
            0b1111 if scheme & 0b0100 != 0 => Self::Octets,
            _ => Self::Gsm7,
        }
    }

    /// TP-DCS without a class.
    pub fn scheme(self) -> u8 {
        match self {
            Self::Gsm7 => 0b0000_0000,
            Self::Octets | Self::Compressed => 0b0000_0100,
            Self::Ucs2 => 0b0000_1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3GPP TS 23.038 §4, group by group.
    #[test]
    fn every_group_of_coding_schemes_is_parsed() {
        for (schemes, coding) in [
            (&[0x00, 0x10, 0x11, 0x13][..], Coding::Gsm7), // class 0 is a "flash" message
            (&[0x04, 0x15, 0xf4, 0xf5, 0xf6, 0xff], Coding::Octets), // f5: over-the-air settings
            (&[0x08, 0x18, 0x19, 0x48, 0xe0, 0xe8], Coding::Ucs2),
            (&[0x0c, 0x1c, 0x4c], Coding::Gsm7), // reserved alphabet
            (&[0x20, 0x28, 0x3b, 0x60, 0x7f], Coding::Compressed),
            (&[0x40, 0x50, 0x51], Coding::Gsm7),       // deleted when read
            (&[0x80, 0x90, 0xa4, 0xbf], Coding::Gsm7), // reserved groups
            (&[0xc0, 0xc8, 0xd0, 0xdb], Coding::Gsm7), // message waiting: discard, store
            (&[0xf0, 0xf1, 0xf3, 0xf8], Coding::Gsm7),
        ] {
            for scheme in schemes {
                assert_eq!(Coding::of(*scheme), coding, "{scheme:#04x}");
            }
        }
    }
}
