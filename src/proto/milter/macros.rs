//! Macros: what an MTA tells beside its commands. Only those we asked for are kept.

use std::collections::HashMap;

/// The names that are kept, without braces.
const KEPT: [&str; 4] = ["i", "j", "auth_authen", "client_addr"];
/// Octets of a value that is kept; a longer one is as good as none.
const VALUE_OCTETS_MAX: usize = 1024;

/// The macros of a connection and of the mail that is told over it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Macros {
    connection: HashMap<&'static str, Box<str>>,
    mail: HashMap<&'static str, Box<str>>,
}

impl Macros {
    /// Takes what belongs to the command `stage`: names and values in turn, each with its NUL.
    pub(super) fn take(&mut self, stage: u8, pairs: &[u8]) {
        let into = if matches!(stage, b'C' | b'H') { &mut self.connection } else { &mut self.mail };
        let mut words = pairs.strip_suffix(b"\0").unwrap_or(pairs).split(|b| *b == 0);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let bare = name.strip_prefix(b"{").and_then(|n| n.strip_suffix(b"}")).unwrap_or(name);
            let Some(kept) = KEPT.into_iter().find(|k| k.as_bytes() == bare) else { continue };
            // A name or an id that is no text is nobody's.
            let value = std::str::from_utf8(value).ok().filter(|v| (1..=VALUE_OCTETS_MAX).contains(&v.len()));
            match value {
                Some(value) => into.insert(kept, value.into()),
                None => into.remove(kept),
            };
        }
    }

    /// Forgets what was told of a mail.
    pub(super) fn end_mail(&mut self) {
        self.mail.clear();
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.mail.get(name).or_else(|| self.connection.get(name)).map(|v| &**v)
    }

    /// The MTA's id of the mail in its queue.
    pub fn queue_id(&self) -> Option<&str> {
        self.value("i")
    }

    /// The MTA's own name.
    pub fn host(&self) -> Option<&str> {
        self.value("j")
    }

    /// The user that logged in to the MTA.
    pub fn user(&self) -> Option<&str> {
        self.value("auth_authen")
    }

    /// The address of the MTA's client.
    pub fn client_address(&self) -> Option<&str> {
        self.value("client_addr")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_mail_ends_with_it_and_what_of_a_connection_does_not() {
        let mut macros = Macros::default();
        macros.take(b'C', b"j\0mx.sakura.example\0{client_addr}\x00192.0.2.7\0{daemon_name}\0smtpd\0");
        macros.take(b'M', b"i\0A1\0{auth_authen}\0hr\0");
        macros.take(b'E', b"{i}\0A2\0");
        assert_eq!(macros.queue_id(), Some("A2"));
        assert_eq!((macros.user(), macros.client_address()), (Some("hr"), Some("192.0.2.7")));
        macros.end_mail();
        assert_eq!((macros.queue_id(), macros.user(), macros.host()), (None, None, Some("mx.sakura.example")));
    }

    #[test]
    fn what_is_cut_short_empty_or_no_text_is_nobodys() {
        let mut macros = Macros::default();
        macros.take(b'M', b"i\0A1\0{auth_authen}");
        macros.take(b'M', b"");
        assert_eq!((macros.queue_id(), macros.user()), (Some("A1"), None));
        macros.take(b'M', b"i\0\0{auth_authen}\0h\xffr\0");
        assert_eq!((macros.queue_id(), macros.user()), (None, None));
    }
}
