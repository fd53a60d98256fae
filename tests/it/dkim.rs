//! DKIM through the real binary: keys, records, signatures that another program verifies, and mail that came signed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use data_encoding::BASE64;
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8};

use crate::gateway::{Gateway, binary, wait_for};
use crate::mta::{Kind, Mta, script};
use crate::name_server::NameServer;
use crate::sink::Sink;
use crate::smtp::{Client, has_link, ordinary, rejection, without_trace};

const CANDIDATE: &str = "yamada@mail.example";
/// One key of each kind, as dual signing has it.
pub const BOTH: &str = "[[dkim]]\ndomain = \"sakura.example\"\nselector = \"r1\"\nkey = \"r1.pem\"\n\
                    [[dkim]]\ndomain = \"sakura.example\"\nselector = \"e1\"\nkey = \"e1.pem\"\n";
const ED25519: &str = "[[dkim]]\ndomain = \"sakura.example\"\nselector = \"e1\"\nkey = \"e1.pem\"\n";

fn keygen(folder: &Path, selector: &str) -> Output {
    let algorithm = if selector.starts_with('r') { "rsa" } else { "ed25519" };
    let out = folder.join(format!("{selector}.pem"));
    let words = ["dkim", "keygen", "--domain", "sakura.example", "--selector", selector, "--algorithm", algorithm];
    binary().args(words).arg("--out").arg(out).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A gateway with these lines of configuration and a key for each selector, not yet started.
pub fn prepare(next_hop: std::net::SocketAddr, more: &str, selectors: &[&str]) -> Gateway {
    let gateway = Gateway::prepare(next_hop, more, "127.0.0.0/8");
    for selector in selectors {
        let made = keygen(gateway.folder.path(), selector);
        assert!(made.status.success(), "{}", said(&made));
    }
    gateway
}

fn start(next_hop: std::net::SocketAddr, more: &str, selectors: &[&str]) -> Gateway {
    let mut gateway = prepare(next_hop, more, selectors);
    gateway.run();
    gateway
}

/// The records that the keys in the configuration ask for, a line each.
fn records(gateway: &Gateway) -> Vec<String> {
    let records = gateway.ask_json(&["dkim", "dns"]);
    let line = |r: &serde_json::Value| {
        format!("{} {}", r["name"].as_str().expect("a name"), r["value"].as_str().expect("a text"))
    };
    records.as_array().expect("a list").iter().map(line).collect()
}

/// What the independent verifier says of these mails.
pub fn verify(gateway: &Gateway, mails: &[Vec<u8>]) -> Output {
    let folder = gateway.folder.path();
    fs::write(folder.join("records"), records(gateway).join("\n")).expect("a file");
    let files = mails.iter().enumerate().map(|(i, mail)| {
        let file = folder.join(format!("{i}.eml"));
        fs::write(&file, mail).expect("a file");
        file
    });
    let mut command = Command::new(script("python").join("verify_dkim.py"));
    command.arg(folder.join("records")).args(files).output().expect("Debian's python3 runs")
}

const REJECTION: &str = "応募者様\n\n株式会社サクラ商事 採用担当の佐藤でございます。\n\
    この度は弊社の求人にご応募いただき、誠にありがとうございました。\n\n\
    慎重に検討を重ねました結果、誠に残念ではございますが、\n今回は採用を見送らせていただくこととなりました。\n\n\
    末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。\n\n.\n..\n \t\n株式会社サクラ商事 人事部  \n\n \t\n\n \n";

/// A rejection to `to` in a charset and transfer encoding, with fields folded in the ways there are.
fn form(to: &str, charset: &'static Encoding, transfer: &str) -> Vec<u8> {
    let text = REJECTION.replace('\n', "\r\n");
    let (octets, _, unwritten) = charset.encode(&text);
    assert!(!unwritten);
    let body = match transfer {
        "base64" => {
            let text = BASE64.encode(&octets);
            text.as_bytes().chunks(76).flat_map(|line| [line, b"\r\n"].concat()).collect()
        }
        "quoted-printable" => quoted_printable(&octets),
        _ => octets.into_owned(),
    };
    let subject = "=?UTF-8?B?6YG46ICD57WQ5p6c44Gu44GU6YCj57Wh?=";
    let references: Vec<String> = (0..30).map(|n| format!("<{n}.0123456789abcdef@sakura.example>")).collect();
    let head = format!(
        "From: =?UTF-8?B?5o6h55So?=\r\n\t<saiyo@sakura.example>\r\nTo:{to}\r\nCC:  saiyo@sakura.example  \r\n\
         subject:  \t{subject}\r\n   \t{subject}  \r\nDate: Mon, 06 Apr 2026 10:00:00 +0900\r\n\
         Message-ID:\r\n <{to}>\r\nReferences: {}\r\nX-Mailer: any\r\nMIME-Version: 1.0 \r\n\
         Content-Type: text/plain;\r\n charset={}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n",
        references.join("\r\n\t"),
        charset.name()
    );
    [head.as_bytes(), &body].concat()
}

fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in octets.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut width = 0;
        for octet in line {
            if width >= 72 {
                out.extend_from_slice(b"=\r\n");
                width = 0;
            }
            let text =
                if octet.is_ascii_alphanumeric() { (*octet as char).to_string() } else { format!("={octet:02X}") };
            width += text.len();
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Every wire form, to a recipient named for it.
pub fn forms() -> Vec<(String, Vec<u8>)> {
    let list = [
        (UTF_8, "8bit"),
        (UTF_8, "base64"),
        (UTF_8, "quoted-printable"),
        (ISO_2022_JP, "7bit"),
        (SHIFT_JIS, "8bit"),
        (SHIFT_JIS, "quoted-printable"),
        (EUC_JP, "8bit"),
    ];
    let form = |(charset, transfer): (&'static Encoding, &str)| {
        let to = format!("{}.{transfer}@candidate.example", charset.name().to_ascii_lowercase().replace('_', "-"));
        (to.clone(), form(&to, charset, transfer))
    };
    list.into_iter().map(form).collect()
}

fn check_forms(chunking: &str, custody: &str) {
    let postfix = Mta::start(Kind::Postfix, &[format!("chunking={chunking}")]);
    let gateway = start(postfix.address, &format!("{custody}{BOTH}"), &["r1", "e1"]);
    let forms = forms();
    for (to, mail) in &forms {
        // One of them comes in as a chunk without a line end, and leaves with or without one.
        let reply = if to.starts_with("utf-8.8bit") {
            let mut client = Client::connect(gateway.address);
            assert_eq!(client.say("MAIL FROM:<saiyo@sakura.example> BODY=8BITMIME"), 250);
            assert_eq!(client.say(&format!("RCPT TO:<{to}>")), 250);
            let mail = mail.trim_ascii_end();
            client.send_raw(&[format!("BDAT {} LAST\r\n", mail.len()).as_bytes(), mail].concat());
            client.reply()
        } else {
            Client::connect(gateway.address).mail(&[to], mail)
        };
        assert_eq!(reply.0, 250, "{to}: {}", reply.1);
    }
    let mails = wait_for("all mails", || Some(postfix.delivered()).filter(|m| m.len() == forms.len()));
    let verified = verify(&gateway, &mails);
    let text = said(&verified);
    assert!(verified.status.success(), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with(".eml: r1 e1")).count(), forms.len(), "{text}");
    assert_eq!(gateway.settled_credits(), forms.len() as u64);
    // The verifier does find what is wrong: the same mails with one octet of their text changed.
    let changed = mails.iter().map(|mail| [&mail[..], b"more\n"].concat()).collect::<Vec<_>>();
    let refused = verify(&gateway, &changed);
    assert!(!refused.status.success() && !said(&refused).contains("r1 e1"), "{}", said(&refused));
}

#[test]
fn dkimpy_verifies_the_line_in_every_wire_form_behind_postfix_by_bdat() {
    check_forms("yes", "");
}

#[test]
fn dkimpy_verifies_the_line_in_every_wire_form_behind_postfix_by_data_out_of_the_spool() {
    check_forms("no", "[custody]\nmode = \"spool\"\n");
}

#[test]
fn mail_without_the_line_is_not_signed_and_leaves_octet_for_octet() {
    let sink = Sink::start();
    let gateway = start(sink.address, ED25519, &["e1"]);
    let mail = ordinary("partner@vendor.example");
    assert_eq!(Client::connect(gateway.address).mail(&["partner@vendor.example"], &mail).0, 250);
    assert_eq!(without_trace(&sink.taken()[0].octets), mail);
}

/// The rejection with a signature by `domain` on it.
fn came_signed(domain: &str) -> Vec<u8> {
    let signature = format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain};\r\n\ts=x; h=from; bh=eA==; b=eA==\r\n"
    );
    [signature.as_bytes(), &rejection(CANDIDATE)].concat()
}

#[test]
fn what_becomes_of_mail_that_came_signed_is_the_companys_word() {
    let sink = Sink::start();
    let mut gateway = start(sink.address, ED25519, &["e1"]);
    let company = gateway.folder.path().join("companies/sakura.toml");
    let plain = fs::read_to_string(&company).expect("a file");
    let mut held_back = 0;
    // The company's word, who signed, whether it gets the line, and whether our signature.
    for (word, domain, line, ours) in [
        ("", "sakura.example", true, true),
        ("", "ats.example", false, false),
        ("untouched", "sakura.example", false, false),
        ("sign", "ats.example", true, true),
        ("next_hop_signs", "ats.example", true, true),
    ] {
        fs::write(&company, format!("{plain}\n[dkim]\nsigned_mail = \"{word}\"\n")).expect("a file");
        assert!(gateway.reload(), "{}", gateway.log());
        let mail = came_signed(domain);
        let before = sink.taken().len();
        assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &mail).0, 250);
        let taken = sink.taken();
        let octets = &taken[before..].iter().find(|t| t.recipients == [CANDIDATE]).expect("the mail").octets;
        let signed = String::from_utf8_lossy(octets).matches("s=e1; d=sakura.example").count();
        assert_eq!((has_link(octets), signed == 1), (line, ours), "{word:?}, signed by {domain}");
        if line {
            assert!(String::from_utf8_lossy(octets).contains(&format!("d={domain};\r\n\ts=x;")), "the old one stays");
        } else {
            assert_eq!(without_trace(octets), mail);
            held_back += 1;
        }
        assert_eq!(
            gateway.ask_json(&["status"])["watch"]["held_back_by_signature"]["sakura"].as_u64().unwrap_or(0),
            held_back,
            "{word:?}"
        );
    }
    assert!(said(&gateway.ask(&["status"])).contains("howto-dkim"), "the remedy");
    let statement = ["ledger", "statement", "--company", "sakura"];
    for _ in 0..2 {
        assert!(gateway.stop(), "{}", gateway.log());
        assert_eq!(gateway.ask_json(&statement)["held_back_by_signature"], held_back, "over a stop");
        gateway.run();
    }
    assert!(said(&gateway.ask(&statement)).contains("howto-dkim"), "the remedy");
}

#[test]
fn explain_knows_the_keys_of_the_configuration() {
    let gateway = prepare(([127, 0, 0, 1], 9).into(), ED25519, &["e1"]);
    let file = gateway.folder.path().join("mail.eml");
    let file = file.to_str().expect("a path");
    for (domain, key) in [("sakura.example", "inserted"), ("ats.example", "untouched")] {
        fs::write(file, came_signed(domain)).expect("a file");
        let said = gateway.ask_json(&["explain", file]);
        assert!(said.get(key).is_some(), "signed by {domain}: {said}");
    }
}

#[test]
fn without_a_key_the_next_hop_may_sign_and_nobody_else() {
    let sink = Sink::start();
    let gateway = Gateway::start(sink.address);
    let company = gateway.folder.path().join("companies/sakura.toml");
    let plain = fs::read_to_string(&company).expect("a file");
    fs::write(&company, format!("{plain}\n[dkim]\nsigned_mail = \"sign\"\n")).expect("a file");
    assert!(!gateway.reload());
    assert!(gateway.log().contains("no [[dkim]] key is for any of the company's sender domains"), "{}", gateway.log());
    for (word, line) in [("", false), ("next_hop_signs", true)] {
        fs::write(&company, format!("{plain}\n[dkim]\nsigned_mail = \"{word}\"\n")).expect("a file");
        assert!(gateway.reload());
        let before = sink.taken().len();
        assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &came_signed("sakura.example")).0, 250);
        assert_eq!(has_link(&sink.taken()[before].octets), line, "{word:?}");
    }
}

#[test]
fn a_hangup_takes_another_key() {
    let sink = Sink::start();
    let gateway = start(sink.address, ED25519, &["e1", "e2"]);
    let sends_with = |selector: &str| {
        let before = sink.taken().len();
        assert_eq!(Client::connect(gateway.address).mail(&[CANDIDATE], &rejection(CANDIDATE)).0, 250);
        let mail = sink.taken()[before].octets.clone();
        assert!(String::from_utf8_lossy(&mail).contains(&format!("s={selector};")), "not by {selector}");
        let verified = verify(&gateway, &[mail]);
        assert!(verified.status.success(), "{}", said(&verified));
    };
    sends_with("e1");
    let config = fs::read_to_string(gateway.config()).expect("a file");
    fs::write(gateway.config(), config.replace("e1", "e2")).expect("a file");
    assert!(gateway.reload(), "{}", gateway.log());
    sends_with("e2");
    fs::write(gateway.folder.path().join("e2.pem"), "no key any more").expect("a file");
    assert!(!gateway.reload());
    fs::write(gateway.config(), config.replace("e1", "e3")).expect("a file");
    assert!(!gateway.reload(), "a key that is not there");
}

#[test]
fn a_key_is_private_from_the_start_and_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = keygen(folder.path(), "e1");
    assert!(
        made.status.success() && said(&made).contains("e1._domainkey.sakura.example. 3600 IN TXT"),
        "{}",
        said(&made)
    );
    let path = folder.path().join("e1.pem");
    assert_eq!(fs::metadata(&path).expect("the key").permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).expect("the key");
    let again = keygen(folder.path(), "e1");
    assert!(!again.status.success() && said(&again).contains("exists and is left as it is"), "{}", said(&again));
    assert_eq!(fs::read(&path).expect("the key"), before);
}

#[test]
fn check_refuses_a_key_that_others_can_read_and_one_for_nobody() {
    let gateway = prepare(([127, 0, 0, 1], 9).into(), BOTH, &["r1", "e1"]);
    let shown = gateway.ask(&["check"]);
    assert!(shown.status.success() && said(&shown).contains("r1._domainkey.sakura.example"), "{}", said(&shown));
    let key = gateway.folder.path().join("e1.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("a mode");
    let refused = gateway.ask(&["check"]);
    assert!(!refused.status.success() && said(&refused).contains("e1.pem has the mode 0644"), "{}", said(&refused));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("a mode");
    assert!(gateway.ask(&["check"]).status.success());
    let config = fs::read_to_string(gateway.config()).expect("a file");
    let elsewhere = config.replacen("domain = \"sakura.example\"", "domain = \"kaede.example\"", 1);
    fs::write(gateway.config(), elsewhere).expect("a file");
    let warned = said(&gateway.ask(&["check"]));
    assert!(warned.contains("no company sends from kaede.example"), "{warned}");
    fs::write(gateway.config(), config.replace("e1", "r1")).expect("a file");
    let twice = said(&gateway.ask(&["check"]));
    assert!(twice.contains("r1._domainkey.sakura.example stands here twice"), "{twice}");
}

#[test]
fn dkim_check_asks_the_name_server_and_says_what_is_wrong_with_each_record() {
    let names = NameServer::start(&[]);
    let more = format!("[dns]\nservers = [\"{}\"]\n{BOTH}", names.address);
    let gateway = prepare(([127, 0, 0, 1], 9).into(), &more, &["r1", "e1", "e2"]);
    let lines: Vec<String> = records(&gateway).iter().map(|r| r.replacen(' ', " TXT ", 1)).collect();
    let check = |lines: &[&str], wanted: &[&str]| {
        names.set(lines);
        let output = gateway.ask(&["dkim", "check"]);
        let text = said(&output);
        assert_eq!(output.status.success(), !text.contains("WRONG"), "{text}");
        for part in wanted {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    };
    let (r1, e1) = (lines[0].as_str(), lines[1].as_str());
    check(
        &[r1, e1],
        &["r1._domainkey.sakura.example: good: RSA, 2048 bits", "e1._domainkey.sakura.example: good: Ed25519"],
    );
    check(&[r1], &["r1._domainkey.sakura.example: good", "e1._domainkey.sakura.example: WRONG: no such name"]);
    check(&[r1, "e1._domainkey.sakura.example TXT v=spf1 -all"], &["none of the TXT records there is a DKIM key"]);
    check(&[r1, "e1._domainkey.sakura.example TXT v=DKIM1; k=ed25519; p="], &["the key is revoked"]);
    check(&[r1, e1, &e1.replace("v=DKIM1", "v=DKIM1; t=s")], &["2 DKIM keys stand there"]);
    check(&[r1, &e1.replace("ed25519", "rsa")], &["the record says k=rsa, and the key is ed25519"]);
    check(&[r1, "e1._domainkey.sakura.example FAILS"], &["WRONG: the name servers give no answer"]);
    let config = fs::read_to_string(gateway.config()).expect("a file");
    fs::write(gateway.config(), config.replace("e1.pem", "e2.pem")).expect("a file");
    check(&[r1, e1], &["WRONG: another key is published there"]);
}
