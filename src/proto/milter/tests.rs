//! Conversations as MTAs have them, and an MTA that does what it is told.

mod changing;
mod golden;
mod hostile;

use super::*;
use crate::mail::edit::{Edit, Edits};

/// A packet as an MTA writes it.
fn packet(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    super::packet::put(&mut out, kind, &[data]);
    out
}

/// An offer of terms.
fn offer(version: u32, actions: u32, steps: u32) -> Vec<u8> {
    packet(b'O', &[version, actions, steps].map(u32::to_be_bytes).concat())
}

/// What Postfix 3 offers.
fn postfix_offer() -> Vec<u8> {
    offer(6, 0x1ff, 0x1f_ffff)
}

fn limits() -> Limits {
    Limits { message_octets_max: 100_000, recipients_max: 10 }
}

/// A mail of these fields and this body, as an MTA tells it.
fn mail(fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut wire = packet(b'M', b"<hr@sakura.example>\0");
    wire.extend(packet(b'R', b"<taro@candidate.example>\0"));
    for (name, value) in fields {
        wire.extend(packet(b'L', format!("{name}\0{value}\0").as_bytes()));
    }
    wire.extend(packet(b'N', b""));
    for chunk in body.chunks(65_535) {
        wire.extend(packet(b'B', chunk));
    }
    wire.extend(packet(b'E', b""));
    wire
}

/// Hears all of it and goes on at each header; the mails that were told, and what was answered on the way.
fn hear(session: &mut Session, wire: &[u8]) -> Result<(Vec<Gathered>, Vec<Packet>), Fault> {
    let (mut mails, mut answers) = (Vec::new(), Packets::default());
    session.push(wire);
    while let Some(event) = session.event()? {
        match event {
            Event::Header => session.go_on(),
            Event::Mail(mail) => {
                mails.push(*mail);
                session.leave();
            }
            Event::Aborted => {}
            Event::Quit => break,
        }
    }
    answers.push(&session.take_output());
    let mut found = Vec::new();
    while let Some(packet) = answers.take()? {
        found.push(packet);
    }
    Ok((mails, found))
}

fn edits(list: &[(usize, &[u8])]) -> Edits {
    Edits::new(list.iter().map(|(at, insert)| Edit { at: *at, insert: (*insert).into() }).collect())
}

/// The kinds of packets.
fn kinds(packets: &[Packet]) -> String {
    packets.iter().map(|p| p.kind as char).collect()
}
