//! SMTP commands by a closed grammar (RFC 5321 4.1), with the parameters of SIZE, 8BITMIME and SMTPUTF8.
//!
//! Where the standard lets a server be lenient and clients need it, the leniency stands here by name: blanks behind
//! `FROM:` and `TO:`, trailing blanks, a source route that is taken off (RFC 5321 appendix C).

use super::reply::Reply;
use crate::mail::address::Address;
use crate::mail::envelope::Body;

/// One command line, understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// EHLO or HELO.
    Hello(Hello),
    /// MAIL FROM.
    Mail(MailFrom),
    /// RCPT TO.
    Rcpt(Address),
    /// DATA.
    Data,
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
    /// A command behind which octets follow that are no commands: chunks of BDAT, a request of another protocol.
    #[error("not an SMTP dialogue we can follow")]
    Foreign,
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
    /// What the client hears.
    pub fn reply(self) -> Reply {
        match self {
            Self::Unknown => Reply::new(500, (5, 5, 2), "Command not recognised"),
            Self::NotOffered => Reply::new(502, (5, 5, 1), "Command not offered"),
            Self::Foreign => Reply::new(502, (5, 5, 1), "Command not offered, closing"),
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
            () if is("EXPN") || is("STARTTLS") || is("AUTH") || is("TURN") || is("ETRN") => {
                Err(CommandFault::NotOffered)
            }
            () if is("BDAT") || is("GET") || is("POST") || is("PUT") || is("CONNECT") => Err(CommandFault::Foreign),
            () => Err(CommandFault::Unknown),
        }
    }
}

fn read_hello(arguments: &[u8], extended: bool) -> Result<Command, CommandFault> {
    let word = arguments.split(|b| *b == b' ').next().unwrap_or_default();
    if word.is_empty() || word.len() > 255 {
        return Err(CommandFault::Arguments);
    }
    // Desktop clients send their machine's name here, whatever is in it. No mail is refused for that.
    let fine = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    let name = String::from_utf8_lossy(word).replace(|c| !fine(c), "_").into();
    Ok(Command::Hello(Hello { name, extended }))
}

fn read_mail(arguments: &[u8]) -> Result<Command, CommandFault> {
    let (path, parameters) = split_path(arguments, "FROM:")?;
    let sender = match path {
        "" => None,
        path => Some(read_mailbox(path).ok_or(CommandFault::Sender)?),
    };
    let mut mail = MailFrom { sender, size: None, body: Body::SevenBit, smtputf8: false };
    let mut seen = [false; 3];
    for parameter in parameters.split(' ').filter(|p| !p.is_empty()) {
        let which = read_parameter(parameter, &mut mail)?;
        if std::mem::replace(&mut seen[which], true) {
            return Err(CommandFault::Arguments);
        }
    }
    match &mail.sender {
        Some(sender) if sender.needs_smtputf8() && !mail.smtputf8 => Err(CommandFault::NeedsSmtputf8),
        _ => Ok(Command::Mail(mail)),
    }
}

/// Takes one parameter of MAIL and says which of the three it was.
fn read_parameter(parameter: &str, mail: &mut MailFrom) -> Result<usize, CommandFault> {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (parameter, None),
    };
    match (name.to_ascii_uppercase().as_str(), value) {
        ("SIZE", Some(octets)) => {
            let digits = (1..=20).contains(&octets.len()) && octets.bytes().all(|b| b.is_ascii_digit());
            // Twenty digits may be more than 64 bits hold; that is as much too large as any other number.
            mail.size =
                Some(if digits { octets.parse().unwrap_or(u64::MAX) } else { return Err(CommandFault::Arguments) });
            Ok(0)
        }
        ("BODY", Some(body)) => {
            mail.body = match body.to_ascii_uppercase().as_str() {
                "7BIT" => Body::SevenBit,
                "8BITMIME" => Body::EightBitMime,
                _ => return Err(CommandFault::Parameter),
            };
            Ok(1)
        }
        ("SMTPUTF8", None) => {
            mail.smtputf8 = true;
            Ok(2)
        }
        ("SIZE" | "BODY" | "SMTPUTF8", _) => Err(CommandFault::Arguments),
        _ => Err(CommandFault::Parameter),
    }
}

fn read_rcpt(arguments: &[u8]) -> Result<Command, CommandFault> {
    let (path, parameters) = split_path(arguments, "TO:")?;
    let recipient = read_mailbox(path).ok_or(CommandFault::Recipient)?;
    if !parameters.trim_ascii().is_empty() {
        return Err(CommandFault::Parameter);
    }
    Ok(Command::Rcpt(recipient))
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
    Address::parse(mailbox).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a line and shows it as one writes it in a note: what was understood, or the code of the refusal.
    fn check(line: &str, expected: &str) {
        let shown = match Command::read(line.as_bytes()) {
            Ok(Command::Mail(m)) => {
                let sender = m.sender.as_ref().map_or("", Address::as_str);
                let size = m.size.map(|s| format!(" {s}")).unwrap_or_default();
                let eight = if m.body == Body::EightBitMime { " 8" } else { "" };
                let utf8 = if m.smtputf8 { " utf8" } else { "" };
                format!("mail <{sender}>{size}{eight}{utf8}")
            }
            Ok(Command::Rcpt(a)) => format!("rcpt {a}"),
            Ok(Command::Hello(h)) => format!("{} {}", if h.extended { "ehlo" } else { "helo" }, h.name),
            Ok(command) => format!("{command:?}").to_lowercase(),
            Err(fault) => fault.reply().code.to_string(),
        };
        assert_eq!(shown, expected, "{line:?}");
    }

    #[test]
    fn commands_are_read_in_any_case_and_with_trailing_blanks() {
        check("EHLO client.example", "ehlo client.example");
        check("helo [192.0.2.1]", "helo [192.0.2.1]");
        check("mail from:<hr@sakura.example>", "mail <hr@sakura.example>");
        check("MAIL FROM: <hr@sakura.example>  ", "mail <hr@sakura.example>");
        check("MAIL FROM:<>", "mail <>");
        check("RCPT TO:<\"a > b\"@sakura.example>", "rcpt \"a > b\"@sakura.example");
        check("RCPT TO:<Postmaster>", "rcpt Postmaster");
        check("RCPT TO:<@a.example,@b.example:c@d.example>", "rcpt c@d.example");
        check("RCPT TO:<a%b.example@d.example>", "rcpt a%b.example@d.example");
        check("data", "data");
        check("NOOP anything at all", "noop");
        check("VRFY somebody", "vrfy");
        check("quit ", "quit");
    }

    #[test]
    fn parameters_of_offered_extensions_are_read_and_others_get_555() {
        check("MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8", "mail <a@b.example> 1000 8 utf8");
        check("MAIL FROM:<a@b.example> body=7bit", "mail <a@b.example>");
        check("MAIL FROM:<求人@sakura.example> SMTPUTF8", "mail <求人@sakura.example> utf8");
        check("MAIL FROM:<a@b.example> SIZE=99999999999999999999", "mail <a@b.example> 18446744073709551615");
        check("MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "501");
        check("MAIL FROM:<a@b.example> SIZE=-1", "501");
        check("MAIL FROM:<a@b.example> SIZE", "501");
        check("MAIL FROM:<a@b.example> SMTPUTF8=yes", "501");
        check("MAIL FROM:<a@b.example> BODY=BINARYMIME", "555");
        check("MAIL FROM:<a@b.example> RET=HDRS", "555");
        check("MAIL FROM:<a@b.example> AUTH=<>", "555");
        check("RCPT TO:<a@b.example> NOTIFY=SUCCESS", "555");
        check("MAIL FROM:<求人@sakura.example>", "553");
    }

    #[test]
    fn what_is_not_offered_or_not_smtp_is_refused_by_its_code() {
        for line in ["STARTTLS", "AUTH PLAIN AGEAYg==", "EXPN staff", "ETRN x", "BDAT 100 LAST", "GET / HTTP/1.1"] {
            check(line, "502");
        }
        for line in ["", " ", "MAILFROM:<a@b.example>", "XCLIENT ADDR=127.0.0.1", "DATA\t"] {
            check(line, if line.starts_with("DATA") { "data" } else { "500" });
        }
    }

    #[test]
    fn malformed_arguments_are_refused() {
        for line in ["EHLO", "DATA now", "RSET x", "QUIT now", "MAIL", "MAIL <a@b.example>", "MAIL FROM:a@b.example"] {
            check(line, "501");
        }
        check("MAIL FROM:<a@b.example", "501");
        check("MAIL FROM:<a@b.example>SIZE=1", "501");
        check("RCPT TO:<a@b.example>\u{1b}", "501");
        check("RCPT TO:<>", "553");
        check("RCPT TO:<a b@c.example>", "553");
        check("RCPT TO:<@a.example>", "553");
        check("RCPT TO:<a@b.example\u{7f}>", "553");
        check("MAIL FROM:<nobody>", "553");
    }

    #[test]
    fn a_name_that_could_break_a_header_field_is_made_harmless() {
        check("EHLO a@b.example", "ehlo a_b.example");
        check("EHLO x\u{1b}(y);z", "ehlo x__y__z");
        assert!(Command::read(b"EHLO \x83\x70\x83\x5c").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in proptest::collection::vec(0u8.., 0..100)) {
            let _ = Command::read(&line);
        }
    }
}
