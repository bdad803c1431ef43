//! What a text message is, and how long it is for a telephone.

use serde::{Deserialize, Serialize};

/// The longest message, over all its parts (SNS Developer Guide, "Publishing to a mobile phone").
pub const LENGTH_MAX: usize = 1600;

/// What a message is for; carriers give codes precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextKind {
    Promotional,
    Transactional,
}

impl TextKind {
    pub fn as_str(self) -> &'static str {
        match self {
            TextKind::Promotional => "Promotional",
            TextKind::Transactional => "Transactional",
        }
    }
}

/// A text message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    /// A number as E.164 writes it.
    pub to: String,
    pub text: String,
    pub sender_id: Option<String>,
    pub kind: TextKind,
}

/// How a text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM 7-bit default alphabet (3GPP TS 23.038).
    Gsm7,
    Ucs2,
}

/// How long a message is for a telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub encoding: Encoding,
    /// Messages it is cut into, each paid for.
    pub parts: usize,
}

/// Measures a text: 160 letters of the default alphabet or 70 of any fit into one message; several lose a header each.
pub fn size(text: &str) -> Size {
    let gsm7: Option<usize> = text.chars().map(gsm7_units).sum();
    let (encoding, units, alone, joined) = match gsm7 {
        Some(units) => (Encoding::Gsm7, units, 160, 153),
        None => (Encoding::Ucs2, text.encode_utf16().count(), 70, 67),
    };
    let parts = if units <= alone { 1 } else { units.div_ceil(joined) };
    Size { encoding, parts }
}

/// The places that a letter takes in the GSM 7-bit default alphabet; nothing if it is not in it.
fn gsm7_units(letter: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
                         ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENDED: &str = "\u{c}^{}\\[~]|€";
    if BASIC.contains(letter) {
        Some(1)
    } else if EXTENDED.contains(letter) {
        Some(2)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_measured_as_telephones_do() {
        let size = |text: &str| {
            let size = size(text);
            (size.encoding, size.parts)
        };
        assert_eq!(size("Your authentication code is 12345678. "), (Encoding::Gsm7, 1));
        assert_eq!(size(&"a".repeat(160)), (Encoding::Gsm7, 1));
        assert_eq!(size(&"a".repeat(161)), (Encoding::Gsm7, 2));
        assert_eq!(size(&"€".repeat(80)), (Encoding::Gsm7, 1));
        assert_eq!(size(&"€".repeat(81)), (Encoding::Gsm7, 2));
        assert_eq!(size(&"я".repeat(70)), (Encoding::Ucs2, 1));
        assert_eq!(size(&"я".repeat(71)), (Encoding::Ucs2, 2));
        assert_eq!(size("👋"), (Encoding::Ucs2, 1));
    }
}
