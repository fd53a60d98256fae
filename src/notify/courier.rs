//! Hands our own mails over: lettre's transport in front, the app's courier behind.

use std::future::Future;
use std::pin::Pin;

use lettre::AsyncTransport;
use lettre::address::Envelope as LettreEnvelope;

use crate::mail::address::{Address, AddressFault};
use crate::mail::envelope::Envelope;

/// Takes a mail into custody.
pub trait Courier: Send + Sync + 'static {
    /// Takes the mail, durably, before it returns `Ok`. A second mail of the same `once` name is the same mail: it is
    /// `Ok` and goes nowhere.
    fn carry(
        &self,
        once: String,
        envelope: Envelope,
        message: Vec<u8>,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// Why a mail was not handed over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CourierFault {
    /// The envelope has an address our grammar refuses.
    #[error("an address of the notice: {0}")]
    Address(#[from] AddressFault),
    /// The courier did not take it.
    #[error("not taken: {0}")]
    NotTaken(String),
}

/// A transport for one mail with a name of its own.
pub struct Handover<'a, C> {
    /// Who takes it.
    pub courier: &'a C,
    /// The unique name of the mail.
    pub once: String,
}

impl<C: Courier> AsyncTransport for Handover<'_, C> {
    type Ok = ();
    type Error = CourierFault;

    // Written out as `async_trait` expects it, which is no dependency of ours.
    fn send_raw<'s, 'e, 'm, 'f>(
        &'s self,
        envelope: &'e LettreEnvelope,
        email: &'m [u8],
    ) -> Pin<Box<dyn Future<Output = Result<(), CourierFault>> + Send + 'f>>
    where
        's: 'f,
        'e: 'f,
        'm: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (envelope, message) = (convert(envelope)?, email.to_vec());
            self.courier.carry(self.once.clone(), envelope, message).await.map_err(CourierFault::NotTaken)
        })
    }
}

/// Our bodies are quoted-printable or base64, so seven bits are enough.
fn convert(envelope: &LettreEnvelope) -> Result<Envelope, AddressFault> {
    let parse = |address: &lettre::Address| Address::parse(address.as_ref());
    let sender = envelope.from().map(parse).transpose()?;
    let recipients = envelope.to().iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let smtputf8 = sender.iter().chain(&recipients).any(Address::needs_smtputf8);
    Ok(Envelope { sender, recipients, smtputf8, ..Envelope::default() })
}
