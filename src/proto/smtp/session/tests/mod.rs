//! Dialogues as data: what a client says and what it hears, at every segmentation.

use proptest::prelude::*;

use super::*;
use crate::mail::address::Address;

mod chunks;
mod content;
mod login;
mod reports;
mod returns;

const HELLO: &str = "C: EHLO pc.example\nS: 250 relay.example PIPELINING SIZE 2000 8BITMIME ENHANCEDSTATUSCODES \
                     CHUNKING DSN SMTPUTF8\n";
const OPEN: &str = "C: MAIL FROM:<hr@sakura.example>\nS: 250 2.1.0\nC: RCPT TO:<taro@mail.example>\nS: 250 2.1.5\n";

fn limits() -> Limits {
    Limits { message_octets_max: 2000, recipients_max: 3, errors_max: 5, transactions_max: 3, ..Limits::default() }
}

/// A client's octets in pieces, and everything it hears; a message that got through shows as `M:`, what the shell is
/// asked to do as `T:` (TLS), `A:` (credentials) and `X:` (a client behind a proxy).
struct Talk {
    session: Session,
    room_octets_max: usize,
    heard: Vec<String>,
    unread: Vec<u8>,
    closed: bool,
}

impl Talk {
    fn new(limits: Limits, may_relay: bool) -> Self {
        Self::at(plain(limits), Peer { may_relay, ..Peer::default() })
    }

    fn at(terms: Terms, peer: Peer) -> Self {
        let session = Session::new(Arc::new(terms), peer);
        Self { session, room_octets_max: usize::MAX, heard: Vec::new(), unread: Vec::new(), closed: false }
    }

    fn say(&mut self, octets: &[u8]) {
        self.unread.extend_from_slice(octets);
        while !self.closed {
            let step = self.session.step(&self.unread);
            self.unread.drain(..step.consumed);
            match step.action {
                Action::Read => return,
                Action::Reply(reply) => self.hear(&reply),
                Action::Begin(_) => self.session.begin_from(true),
                Action::Recipient(address) => self.look_up(&address),
                Action::Room(octets) if octets <= self.room_octets_max => self.session.grant(octets),
                Action::Room(_) => self.session.deny(),
                Action::Message(t) => self.take(&t),
                Action::StartTls(reply) => self.shake_hands(&reply),
                Action::Authenticate(credentials) => self.log_in(&credentials),
                Action::Introduce(introduction) => self.meet(&introduction),
                Action::Close(reply) => {
                    self.hear(&reply);
                    self.heard.push("closed".to_owned());
                    self.closed = true;
                }
            }
            assert!(self.session.message.len() <= self.session.room, "more was kept than there was room for");
        }
    }

    fn hear(&mut self, reply: &Reply) {
        self.heard.push(format!("S: {reply}"));
    }

    fn take(&mut self, t: &Transaction) {
        let sender = t.envelope.sender.as_ref().map_or("", Address::as_str);
        let recipients: Vec<&str> = t.envelope.recipients.iter().map(Address::as_str).collect();
        let text = t.message.escape_ascii();
        self.heard.push(format!("M: {} <{sender}> {} {text}", t.protocol(), recipients.join(",")));
        self.heard.push("S: 250 2.0.0".to_owned());
        self.session.answered();
    }

    /// Knows `cr-1` at the return path, and is slow about `cr-2`.
    fn look_up(&mut self, address: &Address) {
        let at_path = address.domain().is_some_and(|domain| domain.as_str() == "bounce.sakura.example");
        self.session.recipient_is(match address.local_part() {
            _ if !at_path => CameBack::No,
            "cr-1" => CameBack::Ours,
            "cr-2" => CameBack::NotNow,
            _ => CameBack::Unknown,
        });
    }

    fn shake_hands(&mut self, reply: &Reply) {
        self.hear(reply);
        self.heard.push("T:".to_owned());
        assert!(matches!(self.session.step(b"EHLO early\r\n").action, Action::Read));
        self.unread.clear();
        self.session.secured(Peer { tls: true, ..self.session.peer() });
    }

    /// Knows `hr` by `plum`, and cannot say who `slow` is.
    fn log_in(&mut self, credentials: &Credentials) {
        self.heard.push(format!("A: {}", credentials.user));
        let checked = match (&*credentials.user, &*credentials.password) {
            ("slow", _) => Checked::Unavailable,
            ("hr", "plum") => Checked::Known { may_relay: true },
            _ => Checked::Unknown,
        };
        self.session.authenticated(checked);
    }

    /// Lets clients of 192.0.2.0/24 relay.
    fn meet(&mut self, introduction: &Introduction) {
        let ip = introduction.address.as_ref().and_then(|told| told.value().copied());
        let shown = ip.map_or("nobody".to_owned(), |ip| ip.to_string());
        let may_relay = shown.starts_with("192.0.2.");
        self.heard.push(format!("X: {shown}"));
        self.session.introduced(Peer { may_relay, ..self.session.peer() });
    }
}

fn plain(limits: Limits) -> Terms {
    Terms::plain("relay.example".into(), Arc::new(limits))
}

/// Plays a script of `C:` lines (sent with CRLF; `\r`, `\n`, `\0` may be written) against what is heard.
///
/// An expected line may be the beginning of what is heard. The client speaks line by line, then octet by octet.
fn check_at(terms: &Terms, peer: Peer, script: &str) {
    for piecewise in [false, true] {
        let mut talk = Talk::at(terms.clone(), peer);
        let mut expected = Vec::new();
        for line in script.lines() {
            let Some(said) = line.strip_prefix("C: ") else {
                expected.push(line);
                continue;
            };
            let octets = said.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0") + "\r\n";
            let size = if piecewise { 1 } else { octets.len() };
            octets.as_bytes().chunks(size).for_each(|c| talk.say(c));
        }
        let as_expected = talk.heard.iter().zip(&expected).all(|(h, e)| h.starts_with(e));
        assert!(as_expected && talk.heard.len() == expected.len(), "heard:\n{}", talk.heard.join("\n"));
    }
}

fn check_with(limits: &Limits, may_relay: bool, script: &str) {
    check_at(&plain(limits.clone()), Peer { may_relay, ..Peer::default() }, script);
}

fn check(script: &str) {
    check_with(&limits(), true, script);
}

#[test]
fn a_mail_gets_through() {
    check(&format!(
        "{HELLO}{OPEN}C: DATA\nS: 354\nC: Subject: x\nC: \nC: ..dot\nC: .\n\
         M: ESMTP <hr@sakura.example> taro@mail.example Subject: x\\r\\n\\r\\n.dot\\r\\n\nS: 250 2.0.0\n\
         C: QUIT\nS: 221 2.0.0\nclosed"
    ));
}

#[test]
fn the_null_sender_helo_and_smtputf8_are_taken() {
    check(
        "C: HELO pc\nS: 250 relay.example\nC: MAIL FROM:<>\nS: 250\nC: RCPT TO:<a@b.example>\nS: 250\n\
         C: DATA\nS: 354\nC: .\nM: SMTP <> a@b.example \nS: 250",
    );
    check(&format!(
        "{HELLO}C: MAIL FROM:<人事@sakura.example> SMTPUTF8\nS: 250\nC: RCPT TO:<太郎@b.example>\nS: 250\n\
         C: DATA\nS: 354\nC: .\nM: UTF8SMTP <人事@sakura.example> 太郎@b.example \nS: 250"
    ));
    check(&format!("{HELLO}C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<太郎@b.example>\nS: 553 5.6.7"));
}

#[test]
fn commands_out_of_turn_are_refused() {
    check(
        "C: MAIL FROM:<a@b.example>\nS: 503 5.5.1\nC: RCPT TO:<a@b.example>\nS: 503\nC: DATA\nS: 503\nC: NOOP\nS: 250",
    );
    check(&format!("{HELLO}{OPEN}C: MAIL FROM:<b@c.example>\nS: 503\nC: RSET\nS: 250\nC: DATA\nS: 503"));
    check(&format!("{HELLO}C: MAIL FROM:<a@b.example>\nS: 250\nC: DATA\nS: 554 5.5.1"));
    check(&format!("{HELLO}{OPEN}{HELLO}C: DATA\nS: 503"));
}

#[test]
fn odd_commands_have_their_answers() {
    check("C: VRFY root\nS: 252 2.5.2\nC: HELP\nS: 214\nC: NOOP x\nS: 250\nC: EXPN staff\nS: 502");
    check("C: STARTTLS\nS: 502 5.5.1\nC: AUTH PLAIN\nS: 502\nC: WIZ\nS: 500 5.5.2");
    check("C: MAIL FROM:<a@b.example> BY=1\nS: 555 5.5.4");
    check("C: GET / HTTP/1.1\nS: 502\nclosed");
}

#[test]
fn strangers_may_talk_but_not_relay() {
    for to in [
        "taro@mail.example",
        "@relay.example:taro@mail.example",
        "@a.example,@relay.example:taro@mail.example",
        "taro%mail.example@relay.example",
        "taro%mail.example%other.example@[127.0.0.1]",
        "mail.example!taro@relay.example",
        "\"taro@mail.example\"@relay.example",
        "\"taro%mail.example\"@relay.example",
        "\"@relay.example:taro\"@mail.example",
        "taro@xn--ml-6kct8d.example",
        "taro@r\u{435}lay.example",
        "postmaster",
        "postmaster@relay.example",
    ] {
        let script = format!(
            "{HELLO}C: MAIL FROM:<hr@sakura.example>\nS: 250\nC: RCPT TO:<{to}>\nS: 550 5.7.1\nC: DATA\nS: 554 5.5.1"
        );
        check_with(&limits(), false, &script);
    }
    for to in ["taro@ｒelay.example", "taro＠relay.example", "taro@relay.example\u{200b}", "\"taro\"x@relay.example"]
    {
        let script =
            format!("{HELLO}C: MAIL FROM:<hr@sakura.example> SMTPUTF8\nS: 250\nC: RCPT TO:<{to}>\nS: 553 5.1.3");
        check_with(&limits(), false, &script);
    }
}

#[test]
fn a_recipient_named_twice_gets_one_mail() {
    check(&format!(
        "{HELLO}{OPEN}C: RCPT TO:<taro@MAIL.example>\nS: 250 2.1.5\nC: RCPT TO:<Taro@mail.example>\nS: 250\n\
         C: DATA\nS: 354\nC: .\nM: ESMTP <hr@sakura.example> taro@mail.example,Taro@mail.example \nS: 250"
    ));
}

#[test]
fn one_recipient_too_many_is_deferred_and_the_others_keep_their_mail() {
    check(&format!(
        "{HELLO}{OPEN}C: RCPT TO:<b@mail.example>\nS: 250\nC: RCPT TO:<c@mail.example>\nS: 250\n\
         C: RCPT TO:<d@mail.example>\nS: 452 4.5.3\nC: RCPT TO:<b@mail.example>\nS: 250\nC: DATA\nS: 354\nC: .\n\
         M: ESMTP <hr@sakura.example> taro@mail.example,b@mail.example,c@mail.example \nS: 250"
    ));
}

#[test]
fn too_many_errors_end_the_connection_and_a_mail_forgives_them() {
    let error = "C: WIZ\nS: 500\n";
    check(&format!("{}C: WIZ\nS: 421 4.7.0\nclosed", error.repeat(4)));
    let mail = format!("{HELLO}{OPEN}C: DATA\nS: 354\nC: .\nM: ESMTP\nS: 250\n");
    check(&format!("{}{mail}{}C: WIZ\nS: 421\nclosed", error.repeat(4), error.repeat(4)));
}

#[test]
fn too_many_transactions_end_the_connection() {
    let one = "C: MAIL FROM:<a@b.example>\nS: 250\nC: RSET\nS: 250\n".repeat(3);
    check(&format!("{HELLO}{one}C: MAIL FROM:<a@b.example>\nS: 421 4.7.0\nclosed"));
}

#[test]
fn a_command_line_over_the_limit_ends_the_connection() {
    let fits = "x".repeat(2048 - "NOOP \r\n".len());
    check(&format!("C: NOOP {fits}\nS: 250"));
    check(&format!("C: NOOP {fits}x\nS: 500 5.5.2 Line\nclosed"));
}

proptest! {
    #[test]
    fn pipelined_commands_get_the_same_answers_at_any_segmentation(
        picks in prop::collection::vec(0usize..9, 1..12),
        cuts in prop::collection::vec(1usize..40, 1..10),
    ) {
        let lines = [
            "EHLO pc\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "DATA\r\nx\r\n.\r\n", "RSET\r\n",
            "NOOP\r\n", "WIZ\r\n", "RCPT TO:<>\r\n", "DATA\r\n..\r\n.\r\n",
        ];
        let input: String = picks.iter().map(|i| lines[*i]).collect();
        // A DATA that is refused ends the connection only when more has come already: that is told apart elsewhere.
        let mut whole = Talk::new(limits(), true);
        whole.say(input.as_bytes());
        let mut pieces = Talk::new(limits(), true);
        let mut rest = input.as_bytes();
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.say(piece);
            rest = more;
            if rest.is_empty() { break; }
        }
        let common = whole.heard.iter().zip(&pieces.heard).take_while(|(a, b)| a == b).count();
        let refused_data = whole.heard.get(common).is_none_or(|l| l == "closed");
        prop_assert!(whole.heard == pieces.heard || refused_data, "{:?}\n{:?}", whole.heard, pieces.heard);
    }

    #[test]
    fn any_octets_end_in_a_reply_or_a_wait(
        pieces in prop::collection::vec(prop::collection::vec(0u8.., 0..60), 0..12),
    ) {
        let mut talk = Talk::new(limits(), true);
        for piece in &pieces {
            talk.say(piece);
        }
    }
}
