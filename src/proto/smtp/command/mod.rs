//! SMTP commands by a closed grammar (RFC 5321 4.1), with the parameters of the extensions that are offered.
//!
//! Where the standard lets a server be lenient and clients need it, the leniency stands here by name: blanks behind
//! `FROM:` and `TO:`, trailing blanks, a source route that is taken off (RFC 5321 appendix C).

mod introduction;
mod parameters;
#[cfg(test)]
mod tests;

pub use introduction::{Introduction, Told};

use super::auth::{AuthCommand, Mechanism, Response};
use super::reply::Reply;
use crate::mail::address::Address;
use crate::mail::envelope::{Body, RecipientDsn, Ret};

/// One command line, understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// EHLO or HELO.
    Hello(Hello),
    /// MAIL FROM.
    Mail(MailFrom),
    /// RCPT TO.
    Rcpt(RcptTo),
    /// DATA.
    Data,
    /// BDAT: so many octets of the message follow (RFC 3030).
    Bdat {
        /// Octets of the chunk.
        octets: u64,
        /// Whether the message ends with it.
        last: bool,
    },
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954).
    Auth(AuthCommand),
    /// XCLIENT, as Postfix describes it.
    Xclient(Box<Introduction>),
    /// RSET.
    Rset,
    /// NOOP, with or without a text.
    Noop,
    /// QUIT.
    Quit,
    /// VRFY: never answered with what exists (RFC 5321 7.3).
    Vrfy,
    /// HELP.
    Help,
}

/// What the client calls itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hello {
    /// The name as given, with everything that has no place in a header field replaced by `_`.
    pub name: Box<str>,
    /// Whether it said EHLO.
    pub extended: bool,
}

impl Hello {
    /// A greeting by this name.
    pub fn new(name: &str, extended: bool) -> Self {
        // Desktop clients send their machine's name here, whatever is in it. No mail is refused for that.
        let fine = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        Self { name: name.replace(|c| !fine(c), "_").into(), extended }
    }
}

/// MAIL FROM and its parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailFrom {
    /// The return path; `None` for `<>`.
    pub sender: Option<Address>,
    /// The SIZE parameter, in octets (RFC 1870).
    pub size: Option<u64>,
    /// The BODY parameter (RFC 6152).
    pub body: Body,
    /// Whether SMTPUTF8 was asked for (RFC 6531).
    pub smtputf8: bool,
    /// Whether REQUIRETLS was asked for (RFC 8689).
    pub require_tls: bool,
    /// The RET parameter (RFC 3461 4.3).
    pub ret: Option<Ret>,
    /// The ENVID parameter as it was written (RFC 3461 4.4).
    pub envid: Option<Box<str>>,
}

/// RCPT TO and its parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RcptTo {
    /// The recipient.
    pub address: Address,
    /// NOTIFY and ORCPT (RFC 3461 4.1, 4.2).
    pub dsn: RecipientDsn,
}

/// Why a line is not a command we do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommandFault {
    /// No command of SMTP.
    #[error("unknown command")]
    Unknown,
    /// A command of SMTP that is not offered here.
    #[error("command not offered")]
    NotOffered,
    /// A request of another protocol, behind which octets follow that are no commands.
    #[error("not an SMTP dialogue we can follow")]
    Foreign,
    /// A BDAT that does not say how many octets follow it.
    #[error("malformed BDAT")]
    Chunk,
    /// A known command, malformed.
    #[error("malformed arguments")]
    Arguments,
    /// A parameter that was not offered.
    #[error("unknown parameter")]
    Parameter,
    /// The return path is no address.
    #[error("malformed sender address")]
    Sender,
    /// The recipient is no address.
    #[error("malformed recipient address")]
    Recipient,
    /// An address outside ASCII without SMTPUTF8.
    #[error("the address needs SMTPUTF8")]
    NeedsSmtputf8,
}

impl CommandFault {
    /// Whether nothing behind it can be read, so that the connection has to end.
    pub fn ends_connection(self) -> bool {
        matches!(self, Self::Foreign | Self::Chunk)
    }

    /// What the client hears.
    pub fn reply(self) -> Reply {
        match self {
            Self::Unknown => Reply::new(500, (5, 5, 2), "Command not recognised"),
            Self::NotOffered => Reply::new(502, (5, 5, 1), "Command not offered"),
            Self::Foreign => Reply::new(502, (5, 5, 1), "Command not offered, closing"),
            Self::Chunk => Reply::new(501, (5, 5, 4), "Malformed BDAT, closing"),
            Self::Arguments => Reply::new(501, (5, 5, 4), "Malformed arguments"),
            Self::Parameter => Reply::new(555, (5, 5, 4), "Parameter not offered"),
            Self::Sender => Reply::new(553, (5, 1, 7), "Malformed sender address"),
            Self::Recipient => Reply::new(553, (5, 1, 3), "Malformed recipient address"),
            Self::NeedsSmtputf8 => Reply::new(553, (5, 6, 7), "Address needs SMTPUTF8"),
        }
    }
}

impl Command {
    /// Reads one line without its CRLF.
    ///
    /// # Errors
    /// [`CommandFault`], which knows its reply.
    pub fn read(line: &[u8]) -> Result<Self, CommandFault> {
        let line = line.trim_ascii_end();
        let end = memchr::memchr(b' ', line).unwrap_or(line.len());
        let (verb, arguments) = (&line[..end], line[end..].trim_ascii_start());
        let is = |name: &str| verb.eq_ignore_ascii_case(name.as_bytes());
        let bare = |command: Self| if arguments.is_empty() { Ok(command) } else { Err(CommandFault::Arguments) };
        match () {
            () if is("EHLO") || is("HELO") => read_hello(arguments, is("EHLO")),
            () if is("MAIL") => read_mail(arguments),
            () if is("RCPT") => read_rcpt(arguments),
            () if is("DATA") => bare(Self::Data),
            () if is("RSET") => bare(Self::Rset),
            () if is("QUIT") => bare(Self::Quit),
            () if is("NOOP") => Ok(Self::Noop),
            () if is("VRFY") => Ok(Self::Vrfy),
            () if is("HELP") => Ok(Self::Help),
            () if is("BDAT") => read_bdat(arguments),
            () if is("STARTTLS") => bare(Self::StartTls),
            () if is("AUTH") => read_auth(arguments),
            () if is("XCLIENT") => Ok(Self::Xclient(Box::new(Introduction::read(arguments)?))),
            () if is("EXPN") || is("TURN") || is("ETRN") => Err(CommandFault::NotOffered),
            () if is("GET") || is("POST") || is("PUT") || is("CONNECT") => Err(CommandFault::Foreign),
            () => Err(CommandFault::Unknown),
        }
    }
}

fn read_hello(arguments: &[u8], extended: bool) -> Result<Command, CommandFault> {
    let word = arguments.split(|b| *b == b' ').next().unwrap_or_default();
    if word.is_empty() || word.len() > 255 {
        return Err(CommandFault::Arguments);
    }
    Ok(Command::Hello(Hello::new(&String::from_utf8_lossy(word), extended)))
}

fn read_mail(arguments: &[u8]) -> Result<Command, CommandFault> {
    let (path, parameters) = split_path(arguments, "FROM:")?;
    let sender = match path {
        "" => None,
        path => Some(read_mailbox(path).ok_or(CommandFault::Sender)?),
    };
    let mail = parameters::read_mail(sender, parameters)?;
    match &mail.sender {
        Some(sender) if sender.needs_smtputf8() && !mail.smtputf8 => Err(CommandFault::NeedsSmtputf8),
        _ => Ok(Command::Mail(mail)),
    }
}

fn read_rcpt(arguments: &[u8]) -> Result<Command, CommandFault> {
    let (path, parameters) = split_path(arguments, "TO:")?;
    let address = read_mailbox(path).ok_or(CommandFault::Recipient)?;
    Ok(Command::Rcpt(RcptTo { address, dsn: parameters::read_rcpt(parameters)? }))
}

fn read_bdat(arguments: &[u8]) -> Result<Command, CommandFault> {
    let text = std::str::from_utf8(arguments).map_err(|_| CommandFault::Chunk)?;
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let digits = words.next().filter(|word| parameters::is_number(word));
    let octets = digits.and_then(|d| d.parse().ok()).ok_or(CommandFault::Chunk)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(CommandFault::Chunk),
    };
    if words.next().is_some() { Err(CommandFault::Chunk) } else { Ok(Command::Bdat { octets, last }) }
}

fn read_auth(arguments: &[u8]) -> Result<Command, CommandFault> {
    let mut words = arguments.split(|b| *b == b' ');
    let name = words.next().filter(|name| !name.is_empty()).ok_or(CommandFault::Arguments)?;
    let initial = words.next().map(Response::new);
    if words.next().is_some() {
        return Err(CommandFault::Arguments);
    }
    let mechanism = match name.to_ascii_uppercase().as_slice() {
        b"PLAIN" => Some(Mechanism::Plain),
        b"LOGIN" => Some(Mechanism::Login),
        _ => None,
    };
    Ok(Command::Auth(AuthCommand { mechanism, initial }))
}

/// Takes `FROM:<path> parameters` apart; the path comes without its brackets.
fn split_path<'a>(arguments: &'a [u8], keyword: &str) -> Result<(&'a str, &'a str), CommandFault> {
    let text = std::str::from_utf8(arguments).map_err(|_| CommandFault::Arguments)?;
    let head = text.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword));
    let rest = head.map(|_| text[keyword.len()..].trim_start_matches(' ')).ok_or(CommandFault::Arguments)?;
    let inner = rest.strip_prefix('<').ok_or(CommandFault::Arguments)?;
    let end = closing_bracket(inner).ok_or(CommandFault::Arguments)?;
    let (path, behind) = (&inner[..end], &inner[end + 1..]);
    if behind.is_empty() || behind.starts_with(' ') { Ok((path, behind)) } else { Err(CommandFault::Arguments) }
}

/// The first `>` outside a quoted string.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, octet) in text.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(i),
            _ => {}
        }
    }
    None
}

/// A mailbox, behind a source route or not.
fn read_mailbox(path: &str) -> Option<Address> {
    let mailbox = if path.starts_with('@') { path.split_once(':')?.1 } else { path };
    Address::parse(mailbox).ok().filter(Address::has_plain_domain)
}
