//! A plain client for the tests, and mails to send with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketType};

/// A connection in clear or under TLS.
pub trait Wire: Read + Write + Send {
    /// Its socket, where it can be written beside the reading.
    fn socket(&self) -> Option<TcpStream> {
        None
    }
}

impl<T: Read + Write + Send> Wire for rustls::StreamOwned<rustls::ClientConnection, T> {}

impl Wire for TcpStream {
    fn socket(&self) -> Option<TcpStream> {
        self.try_clone().ok()
    }
}

/// A connection that says what the test says and reads replies.
pub struct Client {
    input: BufReader<Box<dyn Wire>>,
}

impl Client {
    /// Connects and says EHLO.
    pub fn connect(address: SocketAddr) -> Self {
        let mut client = Self::raw(address);
        assert_eq!(client.reply().0, 220);
        assert_eq!(client.say("EHLO office.sakura.example"), 250);
        client
    }

    /// Connects from one of this machine's addresses, and says EHLO.
    pub fn connect_from(ip: IpAddr, address: SocketAddr) -> Self {
        let family = if ip.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = net::socket(family, SocketType::STREAM, None).expect("a socket");
        net::bind(&socket, &SocketAddr::from((ip, 0))).expect("an address of this machine");
        net::connect(&socket, &address).expect("the gateway answers");
        let mut client = Self::on(TcpStream::from(socket));
        assert_eq!(client.reply().0, 220);
        assert_eq!(client.say("EHLO office.sakura.example"), 250);
        client
    }

    /// Connects without a word.
    pub fn raw(address: SocketAddr) -> Self {
        Self::on(TcpStream::connect(address).expect("the gateway answers"))
    }

    fn on(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("an option");
        Self::over(stream)
    }

    /// Talks over a connection that somebody else has made.
    pub fn over(wire: impl Wire + 'static) -> Self {
        Self { input: BufReader::new(Box::new(wire)) }
    }

    /// Its socket, to write beside the reading.
    pub fn socket(&self) -> TcpStream {
        self.input.get_ref().socket().expect("a connection in clear")
    }

    /// Sends octets as they are.
    pub fn send_raw(&mut self, octets: &[u8]) {
        self.input.get_mut().write_all(octets).expect("the gateway reads");
    }

    /// Sends octets to somebody who may have closed.
    pub fn try_send(&mut self, octets: &[u8]) {
        let _ = self.input.get_mut().write_all(octets);
    }

    /// Sends a command and returns the reply's code.
    pub fn say(&mut self, command: &str) -> u16 {
        self.send_raw(format!("{command}\r\n").as_bytes());
        self.reply().0
    }

    /// Reads one reply: its code, and all its lines.
    pub fn reply(&mut self) -> (u16, String) {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let read = self.input.read_line(&mut line).expect("a reply");
            assert!(read > 0, "the gateway closed the connection after {text:?}");
            text.push_str(&line);
            if line.as_bytes().get(3) == Some(&b' ') {
                return (line[..3].parse().expect("a reply code"), text);
            }
        }
    }

    /// Sends a mail from HR and returns the reply to the dot.
    pub fn mail(&mut self, to: &[&str], message: &[u8]) -> (u16, String) {
        self.mail_from("saiyo@sakura.example", to, message)
    }

    /// Sends a mail and returns the reply to the dot, or the first refusal before it.
    pub fn mail_from(&mut self, from: &str, to: &[&str], message: &[u8]) -> (u16, String) {
        self.send_raw(format!("MAIL FROM:<{from}> BODY=8BITMIME\r\n").as_bytes());
        let mut reply = self.reply();
        for recipient in to {
            if reply.0 == 250 {
                self.send_raw(format!("RCPT TO:<{recipient}>\r\n").as_bytes());
                reply = self.reply();
            }
        }
        if reply.0 != 250 {
            return reply;
        }
        assert_eq!(self.say("DATA"), 354);
        self.send_raw(&stuffed(message));
        self.reply()
    }

    /// Sends a mail from HR with its dot, and does not wait for the reply.
    pub fn send_mail(&mut self, to: &[&str], message: &[u8]) {
        assert_eq!(self.say("MAIL FROM:<saiyo@sakura.example> BODY=8BITMIME"), 250);
        for recipient in to {
            assert_eq!(self.say(&format!("RCPT TO:<{recipient}>")), 250);
        }
        assert_eq!(self.say("DATA"), 354);
        self.send_raw(&stuffed(message));
    }

    /// Reads until the gateway closes; false when it does not.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.input.read_to_end(&mut rest).is_ok()
    }
}

/// A message as it goes over the wire, with its final dot.
pub fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in message.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// A rejection to one candidate, text/plain in UTF-8.
pub fn rejection(to: &str) -> Vec<u8> {
    let text = "応募者様\n\n株式会社サクラ商事 採用担当の佐藤でございます。\n\
        この度は弊社の求人にご応募いただき、誠にありがとうございました。\n\n\
        慎重に検討を重ねました結果、誠に残念ではございますが、\n今回は採用を見送らせていただくこととなりました。\n\n\
        末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。\n\n株式会社サクラ商事 人事部\n";
    message(to, text)
}

/// A mail that may well be a rejection: nothing in it but the subject speaks to an applicant.
pub fn doubtful(to: &str) -> Vec<u8> {
    let text = "お世話になっております。\n採用選考の件ですが、社内で話し合い、\n今回は採用を見送ることとなりました。\n\
        よろしくお願いいたします。\n";
    message(to, text)
}

/// A doubtful mail of another template: what HR says of one says nothing of it.
pub fn doubtful_otherwise(to: &str) -> Vec<u8> {
    let text = "Hello,\n\nThe hiring panel met today about the accountant position.\n\
                The panel decided not to move forward with the application.\n\nRegards,\nSakura\n";
    message(to, text)
}

/// A mail that is no rejection.
pub fn ordinary(to: &str) -> Vec<u8> {
    message(to, "お世話になっております。\n先日の資料をお送りします。\n.\n..dots\nご確認ください。\n")
}

/// A mail from HR of this text, in UTF-8.
pub fn message(to: &str, text: &str) -> Vec<u8> {
    let head = format!(
        "From: saiyo@sakura.example\nTo: {to}\nSubject: =?UTF-8?B?6YG46ICD57WQ5p6c44Gu44GU6YCj57Wh?=\n\
         Date: Mon, 06 Apr 2026 10:00:00 +0900\nMessage-ID: <{to}>\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    );
    head.replace('\n', "\r\n").into_bytes()
}

/// A mail behind the trace line that the gateway put in front.
pub fn without_trace(octets: &[u8]) -> &[u8] {
    assert!(octets.starts_with(b"Received: "), "no trace line in front");
    let end = (0..octets.len().saturating_sub(2))
        .find(|&i| &octets[i..i + 2] == b"\r\n" && !matches!(octets[i + 2], b' ' | b'\t'))
        .expect("an end of the trace line");
    &octets[end + 2..]
}

/// Whether the mail holds the referral link.
pub fn has_link(octets: &[u8]) -> bool {
    String::from_utf8_lossy(octets).contains("https://careerrelay.jp/r/")
}
