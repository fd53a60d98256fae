//! Packets: four octets of length, one that says what it is, and its data.

use bytes::{Bytes, BytesMut};

/// The longest packet taken, its first octet included. An MTA that may send body chunks of a megabyte sends no longer
/// one, and header fields are held far below that.
pub const PACKET_OCTETS_MAX: usize = (1 << 20) + 1024;
/// Octets of the length.
const LENGTH_OCTETS: usize = 4;

/// One packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// What it is.
    pub kind: u8,
    /// What stands behind that.
    pub data: Bytes,
}

/// Why what comes in cannot be cut into packets any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PacketFault {
    /// A length of nothing, or of more than any packet has.
    #[error("a packet of {0} octets")]
    Length(u32),
}

/// Cuts octets into packets, however they come in.
#[derive(Debug, Default)]
pub struct Packets {
    buffer: BytesMut,
}

impl Packets {
    /// Takes octets that came in.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Octets that wait for the rest of their packet.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole packet.
    ///
    /// # Errors
    /// [`PacketFault`] for a length nobody means; nothing behind it can be read then.
    pub fn take(&mut self) -> Result<Option<Packet>, PacketFault> {
        let Some(length) = self.buffer.first_chunk::<LENGTH_OCTETS>() else { return Ok(None) };
        let told = u32::from_be_bytes(*length);
        let length = usize::try_from(told).unwrap_or(usize::MAX);
        if !(1..=PACKET_OCTETS_MAX).contains(&length) {
            return Err(PacketFault::Length(told));
        }
        if self.buffer.len() < LENGTH_OCTETS + length {
            return Ok(None);
        }
        let mut packet = self.buffer.split_to(LENGTH_OCTETS + length).freeze().split_off(LENGTH_OCTETS);
        let data = packet.split_off(1);
        Ok(Some(Packet { kind: packet[0], data }))
    }
}

/// Writes a packet whose data are these pieces one behind the other.
pub(super) fn put(out: &mut Vec<u8>, kind: u8, pieces: &[&[u8]]) {
    let length = 1 + pieces.iter().map(|p| p.len()).sum::<usize>();
    // No packet of ours is longer than a header field or a chunk of a body.
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.push(kind);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_the_same_however_their_octets_come() {
        let mut wire = Vec::new();
        put(&mut wire, b'H', &[b"mail.example\0"]);
        put(&mut wire, b'N', &[]);
        put(&mut wire, b'B', &[b"ab", b"cd"]);
        for step in 1..=wire.len() {
            let (mut packets, mut found) = (Packets::default(), Vec::new());
            for octets in wire.chunks(step) {
                packets.push(octets);
                while let Some(packet) = packets.take().expect("sound packets") {
                    found.push((packet.kind, packet.data));
                }
            }
            let expected = [(b'H', &b"mail.example\0"[..]), (b'N', b""), (b'B', b"abcd")];
            assert_eq!(found, expected.map(|(k, d)| (k, Bytes::from_static(d))), "in steps of {step}");
            assert_eq!(packets.waiting(), 0);
        }
    }

    #[test]
    fn a_length_nobody_means_is_refused_before_anything_of_it_is_kept() {
        for told in [0u32, (1 << 20) + 1025, 1 << 31, u32::MAX] {
            let mut packets = Packets::default();
            packets.push(&told.to_be_bytes());
            assert_eq!(packets.take(), Err(PacketFault::Length(told)));
        }
    }
}
