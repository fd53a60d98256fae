//! The mail about one grant, in Japanese and English, made with lettre's builder.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};

use crate::ledger::{Grant, Pool};
use crate::mail::address::Address;

/// Who writes.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The address in From and in the envelope.
    pub from: Address,
    /// What stands behind the `@` of message ids.
    pub hostname: String,
    /// The time zone of dates in the text.
    pub zone: TimeZone,
}

/// Who is written to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact {
    /// The company's name as HR writes it.
    pub name: String,
    /// HR's addresses.
    pub to: Vec<Address>,
}

/// Why a notice cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoticeFault {
    /// The builder does not take an address.
    #[error("an address of the notice: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The builder does not make the message.
    #[error("the notice: {0}")]
    Message(#[from] lettre::error::Error),
}

/// Makes the mail. The same grant always gives the same Message-ID.
///
/// # Errors
/// When an address is not for lettre, or nobody is written to.
pub fn compose(
    grant: &Grant,
    pool: &Pool,
    contact: &Contact,
    sender: &Sender,
    now: Timestamp,
) -> Result<Message, NoticeFault> {
    let id = format!("<{}@{}>", grant.id().replace(':', "."), sender.hostname);
    let from = Mailbox::new(Some("Career Relay".to_owned()), mailbox(&sender.from)?);
    let mut builder: MessageBuilder = Message::builder().from(from).date(now.into()).message_id(Some(id));
    for address in &contact.to {
        builder = builder.to(Mailbox::new(None, mailbox(address)?));
    }
    let mut message =
        builder.subject(subject(grant)).header(ContentType::TEXT_PLAIN).body(body(grant, pool, contact, sender))?;
    // RFC 3834 5: no autoresponder answers it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
    Ok(message)
}

fn mailbox(address: &Address) -> Result<lettre::Address, lettre::address::AddressError> {
    address.as_str().parse()
}

fn subject(grant: &Grant) -> String {
    let cycle = grant.cycle;
    format!("【キャリアリレー】無料採用枠 No.{cycle} が付与されました / Hire slot no. {cycle} is yours")
}

fn body(grant: &Grant, pool: &Pool, contact: &Contact, sender: &Sender) -> String {
    let Grant { company, series, cycle, threshold, .. } = grant;
    let day = grant.at.to_zoned(sender.zone.clone()).strftime("%Y-%m-%d").to_string();
    let (name, toward) = (&contact.name, pool.toward);
    format!(
        "{name}\n採用ご担当者様\n\n\
         いつもキャリアリレーをご利用いただき、ありがとうございます。\n\
         貴社からのご紹介が{threshold}名に達し、無料採用枠が付与されました。\n\n\
         ・採用枠：No.{cycle}（契約区分 {series}）\n\
         ・付与日：{day}\n\
         ・次の採用枠まで：現在 {toward}名 / {threshold}名\n\n\
         この採用枠で、キャリアリレーから1名を紹介料なしで採用いただけます。\n\
         ご利用の際は、募集職種と採用枠の番号を添えて、キャリアリレーの担当者へお知らせください。\n\
         ご紹介された方がどこかに採用されたかどうかは、付与に関係しません。\n\
         内訳の明細書は、メールの管理者が次のコマンドで出力できます：\n\
         career-relay ledger statement --company {company}\n\n\
         ----\n\n\
         To the recruiting team of {name},\n\n\
         thank you for using Career Relay. You have referred {threshold} people, and a free hire slot is yours.\n\n\
         \x20 Hire slot: no. {cycle} (contract series {series})\n\
         \x20 Granted: {day}\n\
         \x20 Toward the next one: {toward} of {threshold} so far\n\n\
         With it you may hire one person through Career Relay without a referral fee.\n\
         To use it, tell your contact at Career Relay the position to fill and the number of the slot.\n\
         Whether the people you referred were hired anywhere makes no difference to it.\n\
         Your mail administrator prints the statement with:\n\
         career-relay ledger statement --company {company}\n"
    )
}
