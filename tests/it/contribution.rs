//! The contribution report and the statement: the same in every form, counted anew by Python, shown and printed by a
//! browser, and without a person.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz};

use crate::gateway::{Gateway, wait_for};
use crate::probe::World;
use crate::sink::Sink;
use crate::smtp::{Client, message, rejection};

const AGAIN: &str = "応募者様\n\n株式会社サクラ商事 採用担当の佐藤でございます。\n\
    二次選考の結果についてご連絡いたします。\n慎重に検討を重ねました結果、誠に残念ながら、\n\
    今回は採用を見送らせていただくこととなりました。\n\n末筆ながら、今後のご活躍をお祈り申し上げます。\n";

/// A day in Japan, so many days from now.
pub fn day(days: i64) -> Date {
    (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_zoned(tz::TimeZone::fixed(tz::offset(9))).date()
}

/// What a command prints; it must end well.
fn said(gateway: &Gateway, words: &[&str]) -> String {
    let output = gateway.ask(words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A verification: whether it ended well, and what it said.
fn verified(words: &[&str]) -> (bool, String) {
    let output = crate::gateway::binary().args(["report", "verify"]).args(words).output().expect("the binary runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A fortnight of all that can happen to referrals: mails proven to be delivered, presumed ones, further ones to the
/// same people, some that come back early and late, some that still wait.
fn fortnight() -> World {
    let mut world = World::start();
    let config = world.gateway.config();
    let route = |text: &str| {
        let next_hop = text.lines().find(|line| line.starts_with("next_hop")).expect("a next hop").to_owned();
        format!("[[route]]\nname = \"direct\"\ndomains = [\"direct.example\"]\n{next_hop}\nproves = \"delivered\"\n")
    };
    let text = fs::read_to_string(&config).expect("a file");
    fs::write(&config, text.replacen("[[route]]", &format!("{}[[route]]", route(&text)), 1)).expect("a file");
    world.run("+0d");
    world.bounces_probe(1);
    for n in 0..12 {
        world.sends_to(&format!("mori{n}@candidate.example"));
    }
    for n in 0..6 {
        world.sends_to(&format!("hara{n}@direct.example"));
    }
    world.run("+4d");
    world.bounces_probe(2);
    assert_eq!(world.hands_in_outside(&world.tag_of("mori1@candidate.example"), "docomo-unknown-user").0, 250);
    world.run("+8d");
    world.bounces_probe(3);
    wait_for("the presumptions", || (world.gateway.settled_credits() == 17).then_some(()));
    assert_eq!(world.hands_in_outside(&world.tag_of("mori2@candidate.example"), "docomo-unknown-user").0, 250);
    for candidate in ["mori3@candidate.example", "hara3@direct.example"] {
        let again = message(candidate, AGAIN);
        assert_eq!(Client::connect(world.gateway.address).mail(&[candidate], &again).0, 250);
    }
    for n in 20..23 {
        world.sends_to(&format!("mori{n}@candidate.example"));
    }
    world.gateway.settled_credits();
    world
}

/// Lets the operator tell of the people of the fortnight: a list, and a total of this month.
fn operator_tells(gateway: &Gateway, folder: &Path) {
    let referrals = gateway.ask_json(&["referral", "list", "--company", "sakura"]);
    let referrals = referrals.as_array().expect("a list");
    let tokens: Vec<&str> = referrals.iter().filter_map(|line| line["token"].as_str()).collect();
    let now = Timestamp::now();
    let rows = |event: &str, people: usize| -> String {
        tokens.iter().take(people).map(|token| format!("{token},{event},{now}\n")).collect::<Vec<_>>().concat()
    };
    let list = ["token,event,at\n", &rows("registered", 14), &rows("supported", 9), &rows("reemployed", 9)].concat();
    let totals = format!("month,event,people\n{},left,6\n", &day(0).to_string()[..7]);
    for (name, text) in [("list.csv", list), ("totals.csv", totals)] {
        let path = if name == "totals.csv" { folder } else { gateway.folder.path() }.join(name);
        fs::write(&path, text).expect("a file");
        said(gateway, &["operator", "import", &path.display().to_string(), "--company", "sakura"]);
    }
}

/// Writes every form there is; gives the files.
pub fn write_all(gateway: &Gateway, folder: &Path, (from, to): (&str, &str)) -> Vec<PathBuf> {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("entries.jsonl"), said(gateway, &["ledger", "export", "--company", "sakura"])).expect("a file");
    let report = ["report", "--company", "sakura", "--from", from, "--to", to];
    fs::write(at("report.json"), said(gateway, &[&report[..], &["--json"]].concat())).expect("a file");
    for lang in ["ja", "en"] {
        let (page, sheet) = (at(&format!("report-{lang}.html")), at(&format!("report-{lang}.csv")));
        let told = said(gateway, &[&report[..], &["--lang", lang, "--html", &page, "--csv", &sheet]].concat());
        assert!(told.contains(&format!("written: {page}\nwritten: {sheet}\nchecksum: ")), "{told}");
    }
    let mut months = vec![from[..7].to_owned(), to[..7].to_owned()];
    months.dedup();
    for month in &months {
        let statement = ["ledger", "statement", "--company", "sakura", "--month", month];
        let json = said(gateway, &[&statement[..], &["--json"]].concat());
        fs::write(at(&format!("statement-{month}.json")), json).expect("a file");
        for lang in ["ja", "en"] {
            let csv = said(gateway, &[&statement[..], &["--csv", "--lang", lang]].concat());
            fs::write(at(&format!("statement-{month}-{lang}.csv")), csv).expect("a file");
            let page = at(&format!("statement-{month}-{lang}.html"));
            said(gateway, &[&statement[..], &["--lang", lang, "--html", &page]].concat());
        }
    }
    fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path()).collect()
}

/// Runs a script, which has to hold; gives what it says.
pub fn python(name: &str, words: &[&OsStr]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name);
    let output = Command::new("python3").arg(script).args(words).output().expect("python3 runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[test]
fn python_counts_the_same_from_the_entries_and_no_form_knows_a_person() {
    let mut world = fortnight();
    let folder = tempfile::tempdir().expect("a folder");
    operator_tells(&world.gateway, folder.path());
    let (from, to) = (day(-1).first_of_month().to_string(), day(12).last_of_month().to_string());
    let files = write_all(&world.gateway, folder.path(), (&from, &to));
    let words = [folder.path().as_os_str(), "sakura".as_ref(), from.as_ref(), to.as_ref()];
    let told = python("recount.py", &words);
    assert!(told.contains(" entries, ") && files.len() >= 11, "{told}");
    let is_page = |file: &&PathBuf| file.extension().is_some_and(|extension| extension == "html");
    let pages: Vec<&OsStr> = files.iter().filter(is_page).map(|file| file.as_os_str()).collect();
    assert_eq!(python("page_fits.py", &pages), format!("{} pages fit\n", pages.len()));
    let entries = fs::read_to_string(folder.path().join("entries.jsonl")).expect("the entries");
    for kind in ["offered", "accepted", "delivered", "duplicate", "granted", "bounced", "presumed", "registered"] {
        assert!(entries.contains(&format!("\"kind\":\"{kind}\"")), "no {kind} in the story");
    }
    for file in &files {
        let text = fs::read_to_string(file).expect("UTF-8");
        for word in ["candidate.example", "direct.example", "mori", "hara", "@", "応募者様", "佐藤", "選考結果"]
        {
            let text = text.replace("@media", "").replace("@page", "");
            assert!(!text.contains(word), "{word} is in {}", file.display());
        }
    }
    let text = said(&world.gateway, &["report", "--company", "sakura", "--from", &from, "--to", &to]);
    for (figure, value) in [("登録した方", "14 人"), ("再就職者数", "9 人"), ("再就職まで15日未満", "9 人")]
    {
        let is_said = |line: &str| line.contains(figure) && line.contains(&format!("{value}  [運営会社の報告]"));
        assert!(text.lines().any(is_said), "{figure}:\n{text}");
    }
    // What was published verifies against the ledger, also when that has gone on, and with no server.
    world.sends_to("mori30@candidate.example");
    world.gateway.settled_credits();
    let later = folder.path().join("later.csv");
    let (month, tokens) =
        (&day(0).to_string()[..7], world.gateway.ask_json(&["referral", "list", "--company", "sakura"]));
    let token = tokens.as_array().and_then(|lines| lines.last()?["token"].as_str()).expect("a token").to_owned();
    for text in [
        format!("month,event,people\n{month},left,9\n{month},reemployed,40\n"),
        format!("token,event,at\n{token},registered,{}\n", Timestamp::now()),
    ] {
        fs::write(&later, text).expect("a file");
        said(&world.gateway, &["operator", "import", &later.display().to_string(), "--company", "sakura"]);
    }
    let config = world.gateway.config().display().to_string();
    for stopped in [false, true] {
        assert!(!stopped || world.gateway.stop());
        for name in ["report.json", "report-ja.html", "report-en.html", "report-ja.csv", "report-en.csv"] {
            let (well, told) = verified(&[&folder.path().join(name).display().to_string(), "--config", &config]);
            assert!(well && told.contains(": verified, checksum ") && told.contains("recomputed from"), "{told}");
        }
    }
    let exported = said(&world.gateway, &["ledger", "export", "--company", "sakura"]);
    assert!(exported.starts_with(&entries) && exported.len() > entries.len());
}

/// Runs a gateway with ten people counted, and gives it with a folder for reports.
fn ten() -> (Gateway, tempfile::TempDir) {
    let sink = Sink::start();
    let mut gateway = Gateway::start(sink.address);
    for n in 0..10 {
        let candidate = format!("mori{n}@candidate.example");
        assert_eq!(Client::connect(gateway.address).mail(&[&candidate], &rejection(&candidate)).0, 250);
    }
    assert_eq!(gateway.settled_credits(), 10);
    assert!(gateway.stop());
    (gateway, tempfile::tempdir().expect("a folder"))
}

#[test]
fn a_forged_report_fails_by_its_checksum_and_one_with_a_new_checksum_by_the_ledger() {
    let (gateway, folder) = ten();
    let (from, to) = (day(-1).to_string(), day(1).to_string());
    let list = gateway.ask_json(&["referral", "list", "--company", "sakura"]);
    let tokens = list.as_array().expect("a list").iter().take(5).filter_map(|line| line["token"].as_str());
    let now = Timestamp::now();
    let rows = tokens.map(|token| format!("{token},registered,{now}\n")).collect::<Vec<_>>().concat();
    let path = folder.path().join("list.csv").display().to_string();
    fs::write(&path, format!("token,event,at\n{rows}")).expect("a file");
    said(&gateway, &["operator", "import", &path, "--company", "sakura"]);
    let json = said(&gateway, &["report", "--company", "sakura", "--from", &from, "--to", &to, "--json"]);
    let (path, config) = (folder.path().join("report.json").display().to_string(), gateway.config());
    let forged = json.replace("\"value\": 10\n", "\"value\": 90\n").replace("\"n\": 10,", "\"n\": 90,");
    assert_eq!(forged.matches(": 90").count(), 6, "{forged}");
    let forged = forged.replace("\"value\": 5\n", "\"value\": 70\n").replace("\"n\": 5,", "\"n\": 70,");
    assert_eq!(forged.matches(": 70").count(), 2, "{forged}");
    fs::write(&path, &forged).expect("a file");
    let (well, told) = verified(&[&path]);
    assert!(!well && told.contains("DOES NOT VERIFY\n  checksum: the report says "), "{told}");
    let given = told.split("its figures give ").nth(1).and_then(|rest| rest.lines().next()).expect("a checksum");
    let object: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let was = object["checksum"].as_str().expect("a checksum");
    fs::write(&path, forged.replace(was, given)).expect("a file");
    // The checksum is no signature: whoever makes figures up can make one for them. The ledger tells.
    assert!(verified(&[&path]).0);
    let (well, told) = verified(&[&path, "--config", &config.display().to_string()]);
    assert!(!well && told.contains("  offered: the report says 90 (n = 90), the ledger gives 10 (n = 10)\n"), "{told}");
    assert!(told.contains("  registered: the report says 70 (n = 70), the ledger gives 5 (n = 5)\n"), "{told}");
    let (well, told) = verified(&[&path, "--config", &config.display().to_string(), "--json"]);
    let object: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((well, &object["verified"], &object["recomputed"]), (false, &false.into(), &true.into()), "{told}");
}

#[test]
fn a_fiscal_year_and_its_audience_are_said_and_what_cannot_be_is_refused() {
    let (gateway, folder) = ten();
    let today = day(0);
    let year = if today.month() < 4 { today.year() - 1 } else { today.year() };
    let words = ["report", "--company", "sakura", "--fiscal-year", &year.to_string(), "--audience", "public"];
    let text = said(&gateway, &words);
    for part in [
        "雇用市場貢献レポート",
        "株式会社サクラ商事",
        &format!("{year}年度"),
        "公開用",
        "期間の途中の値です",
        "非公開（少人数）",
        "未報告",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let text = said(&gateway, &[&words[..], &["--lang", "en"]].concat());
    assert!(
        text.contains("Sakura Trading") && text.contains(&format!("1 April {year} – 31 March {}", year + 1)),
        "{text}"
    );
    let file = folder.path().join("nothing.html").display().to_string();
    for (words, told) in [
        (&["report", "--company", "kaede", "--fiscal-year", "2026", "--html", &file][..], "no company kaede"),
        (&["report", "--company", "sakura", "--from", "2026-04-02", "--to", "2026-04-01"], "ends before it begins"),
        (
            &["report", "--company", "sakura", "--fiscal-year", "2026", "--csv", "/no/such/folder/x"],
            "cannot be written",
        ),
        (&["report", "--company", "sakura"], "--fiscal-year"),
        (&["ledger", "statement", "--company", "kaede", "--html", &file], "does not know it"),
    ] {
        let output = gateway.ask(words);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(!output.status.success() && text.contains(told), "{words:?}: {text}");
        assert!(!Path::new(&file).exists(), "{words:?} leaves a file of nothing");
    }
}
