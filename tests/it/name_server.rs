//! A name server of the tests: it answers on loopback, over UDP and TCP, from lines such as `mx.example A 127.0.0.2`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, SOA, TLSA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// How long its answers are good for, in seconds.
const TTL: u32 = 300;

#[derive(Debug, Default)]
struct Zone {
    records: Vec<(Name, RData)>,
    /// Names for which the server fails, is silent, or answers over TCP alone.
    odd: Vec<(Name, Oddity)>,
    signed: bool,
    asked: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Oddity {
    Fails,
    Silent,
    OverTcp,
}

/// A name server that listens until the test ends.
#[derive(Clone, Debug)]
pub struct NameServer {
    /// Where it is asked.
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl NameServer {
    /// Starts one that knows these lines: `NAME A|AAAA|MX|TXT|CNAME|TLSA VALUE`, or `NAME FAILS|SILENT|TCP` for a name
    /// that is not answered well. Names it knows nothing of do not exist.
    pub fn start(lines: &[&str]) -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().expect("its address");
        let server = Self { address, zone: Arc::default() };
        server.set(lines);
        let (over_udp, over_tcp) = (server.clone(), server.clone());
        std::thread::spawn(move || over_udp.serve_udp(&udp));
        std::thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let serving = over_tcp.clone();
                std::thread::spawn(move || serving.serve_tcp(stream));
            }
        });
        server
    }

    /// Knows these lines and no others from now on.
    pub fn set(&self, lines: &[&str]) {
        let mut zone = self.lock();
        zone.records.clear();
        zone.odd.clear();
        for line in lines {
            let mut words = line.splitn(3, ' ');
            let name = name(words.next().unwrap_or_default());
            let kind = words.next().unwrap_or_default();
            let value = words.next().unwrap_or_default();
            match kind {
                "FAILS" => zone.odd.push((name, Oddity::Fails)),
                "SILENT" => zone.odd.push((name, Oddity::Silent)),
                "TCP" => zone.odd.push((name, Oddity::OverTcp)),
                _ => zone.records.push((name, data(kind, value))),
            }
        }
    }

    /// Says of every answer that it is signed, to those who ask for it.
    pub fn sign(&self) {
        self.lock().signed = true;
    }

    /// What it was asked so far, such as `MX candidate.example udp do`.
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve_udp(&self, socket: &UdpSocket) {
        let mut octets = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut octets) {
            if let Some(answer) = self.answer(&octets[..length], "udp") {
                // A client that has gone asks again.
                let _ = socket.send_to(&answer, from);
            }
        }
    }

    fn serve_tcp(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut octets).ok()?;
            let answer = self.answer(&octets, "tcp")?;
            let length = u16::try_from(answer.len()).ok()?;
            stream.write_all(&[&length.to_be_bytes(), &answer[..]].concat()).ok()?;
        }
    }

    fn answer(&self, octets: &[u8], over: &str) -> Option<Vec<u8>> {
        let asked = Message::from_vec(octets).ok()?;
        let query = asked.queries.first()?.clone();
        let wants_signed = asked.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok) && asked.metadata.authentic_data;
        let mut zone = self.lock();
        let mark = if wants_signed { " do" } else { "" };
        let plain = query.name().to_ascii();
        zone.asked.push(format!("{} {} {over}{mark}", query.query_type(), plain.trim_end_matches('.')));
        let mut message = Message::response(asked.metadata.id, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.metadata.recursion_available = true;
        message.metadata.authentic_data = zone.signed && wants_signed;
        message.add_query(query.clone());
        match zone.odd.iter().find(|(name, _)| name == query.name()).map(|(_, oddity)| *oddity) {
            Some(Oddity::Silent) => return None,
            Some(Oddity::Fails) => message.metadata.response_code = ResponseCode::ServFail,
            Some(Oddity::OverTcp) if over == "udp" => message.metadata.truncation = true,
            _ => zone.fill(&mut message, &query),
        }
        message.to_vec().ok()
    }
}

impl Zone {
    fn fill(&self, message: &mut Message, query: &Query) {
        let mut name = query.name().clone();
        let mut exists = false;
        for _ in 0..10 {
            let of_name: Vec<&RData> = self.records.iter().filter(|(n, _)| *n == name).map(|(_, d)| d).collect();
            exists |= !of_name.is_empty() || self.records.iter().any(|(n, _)| name.zone_of(n));
            let record = |data: &RData| Record::from_rdata(name.clone(), TTL, data.clone());
            let wanted = of_name.iter().filter(|d| d.record_type() == query.query_type());
            message.add_answers(wanted.map(|d| record(d)));
            let alias = of_name.iter().find(|d| d.record_type() == RecordType::CNAME);
            let Some(RData::CNAME(target)) = alias else { break };
            message.add_answer(record(&RData::CNAME(target.clone())));
            exists = false;
            name = target.0.clone();
        }
        if message.answers.iter().any(|r| r.record_type() == query.query_type()) {
            return;
        }
        if !exists {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = SOA::new(name.clone(), name.clone(), 1, 3600, 600, 86400, TTL);
        message.add_authority(Record::from_rdata(name, TTL, RData::SOA(soa)));
    }
}

/// UDP and TCP on one port of loopback.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("its address")) {
            return (udp, tcp);
        }
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    name.set_fqdn(true);
    name
}

fn data(kind: &str, value: &str) -> RData {
    let words: Vec<&str> = value.split(' ').collect();
    match kind {
        "A" => RData::A(A::from_str(value).unwrap_or_else(|e| panic!("{value}: {e}"))),
        "AAAA" => RData::AAAA(AAAA::from_str(value).unwrap_or_else(|e| panic!("{value}: {e}"))),
        "MX" => RData::MX(MX::new(number(words[0]), name(words[1]))),
        "CNAME" => RData::CNAME(CNAME(name(value))),
        // In two pieces, as long ones have to be.
        "TXT" => {
            let (one, other) = value.split_at(value.len() / 2);
            RData::TXT(TXT::new(vec![one.to_owned(), other.to_owned()]))
        }
        "TLSA" => {
            let [usage, selector, matching] = [0, 1, 2].map(|i| u8::try_from(number(words[i])).expect("an octet"));
            let octets = (0..words[3].len()).step_by(2).map(|i| u8::from_str_radix(&words[3][i..i + 2], 16));
            let octets: Result<Vec<u8>, _> = octets.collect();
            let octets = octets.unwrap_or_else(|e| panic!("{value}: {e}"));
            let (usage, selector) = (CertUsage::from(usage), Selector::from(selector));
            RData::TLSA(TLSA::new(usage, selector, Matching::from(matching), octets))
        }
        other => panic!("a record of kind {other:?}"),
    }
}

fn number(text: &str) -> u16 {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}
