//! Why a mail gets no line although it is a rejection: the list that is shown to admins, each with a stable code.

use crate::mail::message::Fault;
use crate::mail::view::ViewFault;

/// A reason to leave a mail as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// `signed`: a multipart/signed or a detached signature at any depth (RFC 1847, 8551, 3156).
    #[error("the mail is signed; a line would break the signature")]
    Signed,
    /// `encrypted`: multipart/encrypted or PGP/MIME (RFC 1847, 3156).
    #[error("the mail is encrypted")]
    Encrypted,
    /// `pkcs7`: application/pkcs7-mime, signed, encrypted or a signed receipt (RFC 8551).
    #[error("the mail is an opaque S/MIME object")]
    Pkcs7,
    /// `inline_pgp`: a text with `-----BEGIN PGP` in it (RFC 9580 6.2).
    #[error("the text is signed or encrypted with PGP")]
    InlinePgp,
    /// `calendar`: an invitation or its answer (RFC 5545, 6047).
    #[error("the mail carries a calendar object")]
    Calendar,
    /// `report`: a delivery report or a read receipt (RFC 6522, 3464, 8098).
    #[error("the mail is a report")]
    Report,
    /// `message_rfc822`: nothing but a forwarded message (RFC 2046 5.2.1).
    #[error("the mail is nothing but a forwarded message")]
    MessageRfc822,
    /// `partial`: message/partial or message/external-body (RFC 2046 5.2.2, 5.2.3).
    #[error("the mail is a fragment, or its body lies elsewhere")]
    Partial,
    /// `amp`: a text/x-amp-html part, which its readers are shown instead of the texts that could carry the line.
    #[error("the mail has an AMP part, whose readers would not see the line")]
    Amp,
    /// `winmail_dat`: the text lies in a TNEF object alone.
    #[error("the text lies in winmail.dat alone; switch Outlook's rich text format off")]
    WinmailDat,
    /// The code of the fault, such as `malformed_unclosed` or `too_deep`: readers differ on such a message.
    #[error("the shape of the mail is ambiguous ({})", .0.code())]
    Malformed(Fault),
    /// The code of the fault, such as `charset_unsupported` or `transfer_unknown`: a text part cannot be read.
    #[error("a text part cannot be read ({})", .0.code())]
    Unreadable(ViewFault),
    /// `dkim_signed`: a DKIM-Signature (RFC 6376) that the line would break.
    #[error("the mail came with a DKIM signature that a line would break")]
    DkimSigned,
    /// `link_present`: the company's own link is in the newest text; it counts, and nothing is inserted.
    #[error("the company's link is in the mail already")]
    LinkPresent,
    /// `no_place`: no place between the result and the closing where a line can be put without rewriting anything.
    #[error("no safe place for the line")]
    NoPlace,
    /// `proof_failed`: the edited mail was not the original and the line, so the original goes out.
    #[error("the proof of the edit failed")]
    ProofFailed,
}

impl Refusal {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Encrypted => "encrypted",
            Self::Pkcs7 => "pkcs7",
            Self::InlinePgp => "inline_pgp",
            Self::Calendar => "calendar",
            Self::Report => "report",
            Self::MessageRfc822 => "message_rfc822",
            Self::Partial => "partial",
            Self::Amp => "amp",
            Self::WinmailDat => "winmail_dat",
            Self::Malformed(fault) => fault.code(),
            Self::Unreadable(fault) => fault.code(),
            Self::DkimSigned => "dkim_signed",
            Self::LinkPresent => "link_present",
            Self::NoPlace => "no_place",
            Self::ProofFailed => "proof_failed",
        }
    }
}
