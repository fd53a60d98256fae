//! The ways in which a mail is asked about, and the envelope of one that has none.

use jiff::Timestamp;

use super::{Outcome, Policy, Received, refer, untouched};
use crate::mail::address::Address;
use crate::mail::envelope::{Body, Envelope};
use crate::mail::message::Message;

/// What an answer turns on beside the mail and the policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Chooses the contract version.
    pub(super) now: Timestamp,
    /// Mails of nearly an approved template that were seen within a short time, this one included.
    pub(super) burst_mails: u32,
    /// Whether all recipients get the same octets.
    pub(super) in_one_copy: bool,
}

/// Decides on one message. `now` chooses the contract version.
pub fn process(received: &Received, policy: &Policy, now: Timestamp) -> Outcome {
    process_in_burst(received, policy, (now, 1))
}

/// The same where so many mails of nearly an approved template were seen within a short time: then it is one of it.
pub fn process_in_burst(received: &Received, policy: &Policy, (now, burst_mails): (Timestamp, u32)) -> Outcome {
    answer(received, policy, Asked { now, burst_mails, in_one_copy: false })
}

/// The same for a door that cannot give each recipient a copy of his own: several candidates share a link that names
/// the company and none of them (design §5), and if one of them may have no line, nobody gets it.
pub fn process_in_one_copy(received: &Received, policy: &Policy, (now, burst_mails): (Timestamp, u32)) -> Outcome {
    answer(received, policy, Asked { now, burst_mails, in_one_copy: true })
}

/// Why a mail is no company's, as its header shows; nothing when it is one's. The body changes nothing about it.
pub fn no_company(received: &Received, policy: &Policy) -> Option<&'static str> {
    policy.company_of(received, &Message::read(&received.message)).err()
}

fn answer(received: &Received, policy: &Policy, asked: Asked) -> Outcome {
    let message = Message::read(&received.message);
    match policy.company_of(received, &message) {
        Err(reason) => untouched(None, reason),
        Ok(company) => refer(received, company, &message, policy, asked).unwrap_or_else(Outcome::Untouched),
    }
}

/// The envelope that the header of a mail in a file suggests: From as the sender, To, Cc and Bcc as the recipients.
pub fn envelope_of(message: &Message<'_>) -> Envelope {
    let mut recipients: Vec<Address> = Vec::new();
    for address in message.to_and_cc().iter().chain(message.bcc()) {
        if !recipients.iter().any(|r| r.is_same_mailbox(address)) {
            recipients.push(address.clone());
        }
    }
    let body = Body::EightBitMime;
    let smtputf8 = recipients.iter().any(Address::needs_smtputf8);
    Envelope { sender: message.from().cloned(), recipients, body, smtputf8, ..Envelope::default() }
}
