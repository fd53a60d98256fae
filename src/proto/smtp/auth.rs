//! The two mechanisms of AUTH that clients have: PLAIN (RFC 4616) and LOGIN, as an exchange of lines (RFC 4954 4).

use std::fmt;

use data_encoding::BASE64;

use super::reply::Reply;

/// What LOGIN asks, in base64: `Username:` and `Password:`.
const LOGIN_USER: &str = "VXNlcm5hbWU6";
const LOGIN_PASSWORD: &str = "UGFzc3dvcmQ6";

/// How a client shows who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mechanism {
    /// User and password in one message.
    Plain,
    /// User and password in a message each.
    Login,
}

/// The arguments of AUTH.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthCommand {
    /// The mechanism; `None` for one we do not have.
    pub mechanism: Option<Mechanism>,
    /// The initial response, when there is one.
    pub initial: Option<Response>,
}

/// A line of the exchange as it came. What it says is not for logs.
#[derive(Clone, Eq, PartialEq)]
pub struct Response(Box<[u8]>);

impl Response {
    /// The line without its CRLF.
    pub fn new(line: &[u8]) -> Self {
        Self(line.into())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response(…)")
    }
}

/// Who a client says it is, and what it says to prove it. Its `Debug` form shows neither.
#[derive(Clone, Eq, PartialEq)]
pub struct Credentials {
    /// The user; never empty, never with a NUL.
    pub user: Box<str>,
    /// The password; never empty, never with a NUL.
    pub password: Box<str>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Why an exchange is over without credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthFault {
    /// The client said `*`.
    #[error("cancelled")]
    Cancelled,
    /// A line that is not base64.
    #[error("not base64")]
    Base64,
    /// Base64 of something that the mechanism does not allow.
    #[error("malformed credentials")]
    Malformed,
    /// The client wants to act as another user than the one it shows to be.
    #[error("another user's rights asked for")]
    OtherUser,
}

impl AuthFault {
    /// What the client hears.
    pub fn reply(self) -> Reply {
        match self {
            Self::Cancelled => Reply::new(501, (5, 7, 0), "Authentication cancelled"),
            Self::Base64 => Reply::new(501, (5, 5, 2), "Not base64"),
            Self::Malformed => Reply::new(501, (5, 5, 2), "Malformed credentials"),
            Self::OtherUser => Reply::new(535, (5, 7, 8), "No user may act as another"),
        }
    }
}

/// What follows a line of the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Turn {
    /// Say 334 with this text, and hand the next line to this exchange.
    Challenge(Exchange, &'static str),
    /// Everything was said.
    Credentials(Credentials),
}

/// An exchange that waits for a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Exchange {
    /// PLAIN's only message.
    Plain,
    /// LOGIN's user.
    LoginUser,
    /// LOGIN's password.
    LoginPassword {
        /// The user that was named.
        user: Box<str>,
    },
}

impl Exchange {
    /// Begins with what stood behind AUTH; `=` is an initial response without octets.
    ///
    /// # Errors
    /// [`AuthFault`], which knows its reply.
    pub fn begin(mechanism: Mechanism, initial: Option<&Response>) -> Result<Turn, AuthFault> {
        let (exchange, challenge) = match mechanism {
            Mechanism::Plain => (Self::Plain, ""),
            Mechanism::Login => (Self::LoginUser, LOGIN_USER),
        };
        match initial {
            None => Ok(Turn::Challenge(exchange, challenge)),
            Some(Response(line)) if **line == *b"=" => exchange.take_decoded(&[]),
            Some(Response(line)) => exchange.take_decoded(&decode(line)?),
        }
    }

    /// Takes the next line, without its CRLF.
    ///
    /// # Errors
    /// [`AuthFault`], which knows its reply.
    pub fn take(self, line: &[u8]) -> Result<Turn, AuthFault> {
        if line == b"*" {
            return Err(AuthFault::Cancelled);
        }
        self.take_decoded(&decode(line)?)
    }

    fn take_decoded(self, octets: &[u8]) -> Result<Turn, AuthFault> {
        match self {
            Self::Plain => read_plain(octets).map(Turn::Credentials),
            Self::LoginUser => {
                let user = read_name(octets)?;
                Ok(Turn::Challenge(Self::LoginPassword { user }, LOGIN_PASSWORD))
            }
            Self::LoginPassword { user } => Ok(Turn::Credentials(Credentials { user, password: read_name(octets)? })),
        }
    }
}

/// `[authzid] NUL authcid NUL passwd` (RFC 4616 2). Nobody may ask for another user's rights.
fn read_plain(octets: &[u8]) -> Result<Credentials, AuthFault> {
    let mut parts = octets.split(|octet| *octet == 0);
    let (Some(acts_as), Some(user), Some(password), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(AuthFault::Malformed);
    };
    let credentials = Credentials { user: read_name(user)?, password: read_name(password)? };
    if acts_as.is_empty() || acts_as == user { Ok(credentials) } else { Err(AuthFault::OtherUser) }
}

fn read_name(octets: &[u8]) -> Result<Box<str>, AuthFault> {
    let text = std::str::from_utf8(octets).map_err(|_| AuthFault::Malformed)?;
    if text.is_empty() || text.contains('\0') { Err(AuthFault::Malformed) } else { Ok(text.into()) }
}

fn decode(line: &[u8]) -> Result<Vec<u8>, AuthFault> {
    BASE64.decode(line).map_err(|_| AuthFault::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays an exchange; shows the challenges and what came out.
    fn play(mechanism: Mechanism, initial: Option<&str>, lines: &[&str]) -> String {
        let response = initial.map(|line| Response::new(line.as_bytes()));
        let mut turn = Exchange::begin(mechanism, response.as_ref());
        let mut shown = String::new();
        let mut lines = lines.iter();
        loop {
            match turn {
                Ok(Turn::Challenge(exchange, text)) => {
                    shown = format!("{shown}334 {text};");
                    let Some(line) = lines.next() else { return shown };
                    turn = exchange.take(line.as_bytes());
                }
                Ok(Turn::Credentials(c)) => return format!("{shown}{}/{}", c.user, c.password),
                Err(fault) => return format!("{shown}{}", fault.reply()),
            }
        }
    }

    fn plain(message: &str) -> String {
        play(Mechanism::Plain, Some(&BASE64.encode(message.as_bytes())), &[])
    }

    #[test]
    fn plain_is_read_with_and_without_an_initial_response() {
        assert_eq!(plain("\0hr\0plum blossom"), "hr/plum blossom");
        assert_eq!(plain("hr\0hr\0x"), "hr/x");
        assert_eq!(plain("\0人事\0梅"), "人事/梅");
        assert_eq!(play(Mechanism::Plain, None, &["AGhyAHg="]), "334 ;hr/x");
        for malformed in ["", "hr", "\0hr", "\0hr\0", "\0\0x", "\0hr\0x\0", "hr\0x"] {
            assert!(plain(malformed).starts_with("501 5.5.2"), "{malformed:?}");
        }
        assert!(play(Mechanism::Plain, Some("="), &[]).starts_with("501 5.5.2"));
        assert!(play(Mechanism::Plain, None, &[""]).starts_with("334 ;501 5.5.2"));
        assert!(play(Mechanism::Plain, Some("AGhyAP8="), &[]).starts_with("501 5.5.2"));
    }

    #[test]
    fn nobody_acts_as_another_user() {
        assert!(plain("ceo\0hr\0x").starts_with("535 5.7.8"));
        assert!(plain("HR\0hr\0x").starts_with("535 5.7.8"));
    }

    #[test]
    fn login_is_read_with_and_without_an_initial_response() {
        assert_eq!(play(Mechanism::Login, None, &["aHI=", "eA=="]), "334 VXNlcm5hbWU6;334 UGFzc3dvcmQ6;hr/x");
        assert_eq!(play(Mechanism::Login, Some("aHI="), &["eA=="]), "334 UGFzc3dvcmQ6;hr/x");
        assert!(play(Mechanism::Login, Some("="), &[]).starts_with("501 5.5.2"));
        assert!(play(Mechanism::Login, None, &["aHI=", ""]).contains(";501 5.5.2"));
        assert!(play(Mechanism::Login, None, &["aAByAA=="]).contains(";501 5.5.2"));
    }

    #[test]
    fn a_star_cancels_and_what_is_not_base64_is_refused() {
        assert!(play(Mechanism::Plain, None, &["*"]).starts_with("334 ;501 5.7.0"));
        assert!(play(Mechanism::Login, None, &["aHI=", "*"]).contains(";501 5.7.0"));
        for line in ["*", "AGhyAHg", "AGhyAHg==", "AGhy AHg=", "AGhyAHh=", "あ", "===="] {
            assert!(play(Mechanism::Plain, Some(line), &[]).starts_with("501 5.5.2 Not base64"), "{line:?}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let command = AuthCommand { mechanism: Some(Mechanism::Plain), initial: Some(Response::new(b"AGhyAHg=")) };
        assert!(!format!("{command:?}").contains("AGhy"));
        let credentials = Credentials { user: "hr".into(), password: "x".into() };
        assert_eq!(format!("{:?}", Turn::Credentials(credentials)), "Credentials(Credentials(…))");
    }
}
