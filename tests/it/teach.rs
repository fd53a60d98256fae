//! Templates: taught from files, seen and approved, refused; at once, over a restart, and with no text of a mail kept.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::gateway::{Gateway, wait_for};
use crate::sink::{Sink, Taken};
use crate::smtp::{Client, has_link, message, rejection, without_trace};

/// A gateway whose company is in this mode.
fn in_mode(sink: &Sink, mode: &str) -> Gateway {
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    set_mode(&gateway, "live", mode);
    gateway.run();
    gateway
}

fn set_mode(gateway: &Gateway, from: &str, to: &str) {
    let path = gateway.folder.path().join("companies/sakura.toml");
    let text = fs::read_to_string(&path).expect("a company file");
    let (from, to) = (format!("mode = \"{from}\""), format!("mode = \"{to}\""));
    assert!(text.contains(&from), "{text}");
    fs::write(path, text.replace(&from, &to)).expect("a company file");
}

/// Sends a mail; what the next hop got.
fn sent(gateway: &Gateway, sink: &Sink, to: &str, mail: &[u8]) -> Taken {
    let before = sink.taken().len();
    let (code, text) = Client::connect(gateway.address).mail(&[to], mail);
    assert_eq!(code, 250, "{text}");
    wait_for("the mail", || sink.taken().get(before).cloned())
}

/// Whether a mail leaves with the line; without, it leaves octet for octet.
fn gets_the_line(gateway: &Gateway, sink: &Sink, to: &str, mail: &[u8]) -> bool {
    let taken = sent(gateway, sink, to, mail);
    let has_line = has_link(&taken.octets);
    assert!(has_line || without_trace(&taken.octets) == mail, "a mail without the line is as it came");
    has_line
}

fn teach(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let output = gateway.ask(&[&["teach"], words].concat());
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn templates(gateway: &Gateway) -> Vec<Value> {
    gateway.ask_json(&["teach", "list"])["templates"].as_array().expect("a list").clone()
}

fn outcomes(gateway: &Gateway, code: &str) -> u64 {
    gateway.ask_json(&["status"])["watch"]["outcomes"][code].as_u64().unwrap_or(0)
}

fn saved(gateway: &Gateway, name: &str, mail: &[u8]) -> String {
    let path: PathBuf = gateway.folder.path().join(name);
    fs::write(&path, mail).expect("a file");
    path.display().to_string()
}

/// Mails that may be rejections, of two templates.
fn likely(to: &str) -> Vec<u8> {
    message(
        to,
        "山田様\n\nお世話になっております。\n採用選考の件ですが、今回は見送ることとなりました。\nどうぞよろしくお願いいたします。\n",
    )
}

fn other(to: &str) -> Vec<u8> {
    let text = "お世話になっております。\n採用選考の件ですが、社内で話し合い、\n今回は採用を見送ることとなりました。\n\
                よろしくお願いいたします。\n";
    message(to, text)
}

/// A rejection in words that no rule knows.
fn informal(name: &str, to: &str) -> Vec<u8> {
    let text = format!(
        "{name}さん\n\nこんにちは。先日は足を運んでくれてありがとう。\nお知らせです。春の花は、よその庭で咲くことになりました。\n\
         またどこかでお会いできたらうれしいです。どうぞお元気で。\n"
    );
    message(to, &text)
}

#[test]
fn in_mode_approved_only_templates_that_hr_approved_get_the_line_whatever_the_rules_know() {
    let sink = Sink::start();
    let mut gateway = in_mode(&sink, "approved");
    assert!(!gets_the_line(&gateway, &sink, "a@candidate.example", &rejection("a@candidate.example")));
    assert!(!gets_the_line(&gateway, &sink, "b@candidate.example", &informal("山田", "b@candidate.example")));
    assert_eq!(outcomes(&gateway, "template_not_approved"), 1);
    let seen = templates(&gateway);
    assert_eq!((seen.len(), &seen[0]["stand"], &seen[0]["mails"]), (1, &"proposed".into(), &1.into()), "{seen:?}");

    let sample = saved(&gateway, "shop.eml", &informal("佐藤", "x@candidate.example"));
    let company = ["--company", "sakura", "--as", "rejection"];
    let (fine, text) = teach(&gateway, &[&[&sample[..]], &company[..]].concat());
    assert!(!fine && text.contains("--result"), "{text}");
    let (fine, text) =
        teach(&gateway, &[&[&sample[..]], &company[..], &["--name", "店舗", "--result", "よその庭で咲く"]].concat());
    assert!(fine && text.contains("(店舗): its mails are rejections, and get the line"), "{text}");
    assert!(gets_the_line(&gateway, &sink, "c@candidate.example", &informal("高橋", "c@candidate.example")));
    let accepted = String::from_utf8(informal("高橋", "d@candidate.example")).expect("a text");
    let accepted =
        accepted.replace("春の花は、よその庭で咲くことになりました。", "春の花は、うちの庭で咲くことになりました。");
    assert!(!gets_the_line(&gateway, &sink, "d@candidate.example", accepted.as_bytes()));

    let id = seen[0]["id"].as_str().expect("an id");
    assert!(teach(&gateway, &["approve", &id[..8], "--company", "sakura"]).0);
    assert!(gets_the_line(&gateway, &sink, "e@candidate.example", &rejection("e@candidate.example")));
    gateway.kill();
    gateway.run();
    assert!(gets_the_line(&gateway, &sink, "f@candidate.example", &rejection("f@candidate.example")));
    assert!(gateway.reload());
    assert!(gets_the_line(&gateway, &sink, "g@candidate.example", &informal("林", "g@candidate.example")));
    assert!(teach(&gateway, &["refuse", id, "--company", "sakura"]).0);
    assert!(!gets_the_line(&gateway, &sink, "h@candidate.example", &rejection("h@candidate.example")));
    assert_eq!(outcomes(&gateway, "template_never"), 1);
    let (fine, story) = teach(&gateway, &["show", id, "--company", "sakura"]);
    assert!(fine && story.contains("rejection") && story.contains("never") && story.contains("uid"), "{story}");
    assert!(teach(&gateway, &["remove", id, "--company", "sakura"]).0);
    assert!(!gets_the_line(&gateway, &sink, "i@candidate.example", &rejection("i@candidate.example")));
    assert_eq!(gateway.settled_credits(), 4);
    for file in ["ledger.db", "ledger.db-wal"] {
        let octets = fs::read(gateway.folder.path().join("data").join(file)).unwrap_or_default();
        let held = String::from_utf8_lossy(&octets);
        assert!(!held.contains("見送") && !held.contains("よその庭"), "{file} holds text");
    }
}

#[test]
fn a_company_that_observes_is_told_its_templates_and_who_looks_like_an_agency() {
    let sink = Sink::start();
    let gateway = in_mode(&sink, "observe");
    for number in 0..3 {
        let to = format!("p{number}@candidate.example");
        assert!(!gets_the_line(&gateway, &sink, &to, &rejection(&to)));
    }
    for name in ["山田 花子", "佐藤 健", "林 みどり"] {
        let to = "tanto@hikari.example";
        let mail = String::from_utf8(rejection(to)).expect("a text").replace("応募者様", &format!("{name} 様"));
        assert!(!gets_the_line(&gateway, &sink, to, mail.as_bytes()));
    }
    let lists = gateway.ask_json(&["teach", "list", "--company", "sakura"]);
    let seen = lists["templates"].as_array().expect("a list");
    assert_eq!((seen.len(), &seen[0]["mails"], &seen[0]["percent"]), (1, &6.into(), &100.into()), "{lists}");
    assert_eq!(
        (lists["agencies"].as_array().map(Vec::len), &lists["agencies"][0]["domain"]),
        (Some(1), &"hikari.example".into())
    );
    assert!(
        !gets_the_line(&gateway, &sink, "q@candidate.example", &rejection("q@candidate.example")),
        "nothing changes"
    );
    let id = seen[0]["id"].as_str().expect("an id");
    assert!(teach(&gateway, &["approve", id, "--company", "sakura"]).0);
    assert!(!gets_the_line(&gateway, &sink, "r@candidate.example", &rejection("r@candidate.example")), "it observes");
    set_mode(&gateway, "observe", "approved");
    assert!(gateway.reload());
    assert!(gets_the_line(&gateway, &sink, "s@candidate.example", &rejection("s@candidate.example")));
}

#[test]
fn many_mails_that_are_nearly_of_an_approved_template_are_of_it() {
    let sink = Sink::start();
    let gateway = in_mode(&sink, "approved");
    let file = saved(&gateway, "sent.eml", &rejection("x@candidate.example"));
    assert!(teach(&gateway, &[&file, "--company", "sakura", "--as", "rejection"]).0);
    let near = |to: &str| {
        let mail = String::from_utf8(rejection(to)).expect("a text");
        mail.replace(
            "末筆ながら、",
            "面談でお話しくださった山登りのこと、社員一同とても楽しく伺いました。\r\n末筆ながら、",
        )
    };
    let given: Vec<bool> = (0..6)
        .map(|number| {
            let to = format!("p{number}@candidate.example");
            gets_the_line(&gateway, &sink, &to, near(&to).as_bytes())
        })
        .collect();
    assert_eq!(given, [false, false, false, false, true, true]);
}

#[test]
fn what_hr_says_of_a_held_mail_is_said_of_its_template() {
    let sink = Sink::start();
    let mut gateway = Gateway::prepare(sink.address, "", "127.0.0.0/8");
    gateway.configure_company("doubtful = \"hold\"\nhold_for = \"4h\"\n");
    gateway.run();
    let hold = |mail: &dyn Fn(&str) -> Vec<u8>| {
        let to = "yamada@candidate.example";
        assert_eq!(Client::connect(gateway.address).mail(&[to], &mail(to)).0, 250);
        let holds = gateway.ask_json(&["hold", "list"]);
        holds[0]["id"].as_str().expect("a held mail").to_owned()
    };
    let id = hold(&likely);
    let released = gateway.ask_json(&["hold", "release", &id, "--with-line"]);
    assert_eq!(released["template"].as_str().map(str::len), Some(16), "{released}");
    wait_for("it to arrive", || (sink.taken().len() == 1).then_some(()));
    assert!(gets_the_line(&gateway, &sink, "suzuki@candidate.example", &likely("suzuki@candidate.example")));
    let id = hold(&other);
    assert!(gateway.ask(&["hold", "release", &id, "--without-line"]).status.success());
    wait_for("it to arrive", || (sink.taken().len() == 3).then_some(()));
    assert!(!gets_the_line(&gateway, &sink, "tanaka@candidate.example", &other("tanaka@candidate.example")));
    assert_eq!(outcomes(&gateway, "template_never"), 1);
    assert_eq!(gateway.settled_credits(), 2);
    let stands: Vec<Value> = templates(&gateway).iter().map(|line| line["stand"].clone()).collect();
    assert!(stands.contains(&"rejection".into()) && stands.contains(&"never".into()), "{stands:?}");
}

#[test]
fn mails_of_several_templates_a_company_that_is_not_there_and_an_unknown_id_are_refused() {
    let gateway = Gateway::start(Sink::start().address);
    let one = saved(&gateway, "one.eml", &rejection("x@candidate.example"));
    let other = saved(&gateway, "other.eml", &informal("山田", "x@candidate.example"));
    for (words, why) in [
        (&[&one[..], &other, "--company", "sakura", "--as", "rejection"][..], "no sentence is known"),
        (&[&one, "--company", "nobody", "--as", "never"], "no company nobody"),
        (&["approve", "0123456789abcdef", "--company", "sakura"], "no template"),
        (&["nowhere.eml", "--company", "sakura", "--as", "never"], "cannot be read"),
        (&[&one, "--company", "sakura"], "--as"),
    ] {
        let (fine, text) = teach(&gateway, words);
        assert!(!fine && text.contains(why), "{words:?}: {text}");
    }
    assert!(templates(&gateway).is_empty());
}

#[test]
fn templates_that_an_archive_shows_are_approved_by_the_scan() {
    let sink = Sink::start();
    let gateway = in_mode(&sink, "approved");
    let archive = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/scan/sent.mbox");
    let archive = archive.to_str().expect("a path");
    let output = gateway.ask(&["scan", archive, "--company", "sakura", "--approve", "all"]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("its mails are rejections, and get the line"), "{said}");
    let approved = templates(&gateway);
    assert!(approved.len() >= 3 && approved.iter().all(|line| line["source"] == "scan"), "{approved:?}");
    let text = "青山 光 様\n\nお世話になっております。株式会社サクラ商事の採用担当です。\n\
                先日は数ある企業の中から弊社にご応募くださいまして、ありがとうございました。\n\
                広報職の書類選考の結果、誠に遺憾ながら貴意に添いかねる結果となりました。\n\
                選考の内容に関するお問い合わせにはお答えいたしかねますので、あらかじめご了承ください。\n\n\
                青山様のより一層のご健勝をお祈りいたします。\n";
    assert!(gets_the_line(&gateway, &sink, "a@candidate.example", &message("a@candidate.example", text)));
    assert!(!gets_the_line(&gateway, &sink, "b@candidate.example", &rejection("b@candidate.example")));
    let (fine, text) = teach(&gateway, &["approve", "zzzz", "--company", "sakura"]);
    assert!(!fine && text.contains("no template"), "{text}");
}
