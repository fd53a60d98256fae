//! A report says the same in every form, and what was changed in a published one is found.

use jiff::civil::date;

use super::*;

fn input() -> Input {
    Input {
        measured: Measured {
            offered: 1_240,
            accepted: 1_240,
            delivered: 1_105,
            presumed: 96,
            duplicate: 31,
            bounced: 12,
            granted: 120,
            voided: 0,
            reserved: 0,
            redeemed: 0,
            redeemed_signed: 0,
            observed: None,
        },
        reported: Reported::default(),
    }
}

/// As [`input`], with all that the operator may report.
fn whole() -> Input {
    let times = Times { buckets: [12, 31, 66, 40, 22], longer: 0, median_days: Some(58) };
    let reported = Reported {
        registered: Some(420),
        supported: Some(301),
        reemployed: Some(171),
        left: Some(9),
        times: Some(times),
    };
    Input { reported, measured: Measured { reserved: 4, redeemed: 17, ..input().measured } }
}

fn report(input: &Input, audience: Audience) -> Contribution {
    let reference = Reference::default();
    Contribution {
        figures: input.figures(audience, &reference),
        stated: Stated {
            company: "kaede".to_owned(),
            name_ja: "株式会社カエデ <製作所>".to_owned(),
            name_en: "=Kaede & \"Sons\"".to_owned(),
            purpose: "ご縁のなかった方の次の一歩を、\n無料のキャリア支援で支えます。".to_owned(),
            reference,
        },
        period: Period::of(date(2026, 4, 1), date(2027, 3, 31), 4).unwrap_or_else(|e| panic!("{e}")),
        complete: true,
        audience,
        head: Head { entries: 3_604, hash: "ab".repeat(32) },
        told: (input.reported != Reported::default())
            .then(|| ToldTo { head: Head { entries: 3_712, hash: "cd".repeat(32) }, totals: 7 }),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn reports() -> Vec<Contribution> {
    let pairs = [input(), whole(), Input::default()].into_iter();
    pairs.flat_map(|input| Audience::ALL.map(|audience| report(&input, audience))).collect()
}

/// Every form of a report.
fn forms(report: &Contribution) -> Vec<String> {
    let json = serde_json::to_string_pretty(&json(report)).unwrap_or_else(|e| panic!("{e}"));
    vec![page(report, "ja"), page(report, "en"), csv(report, "ja"), csv(report, "en"), json]
}

#[test]
fn every_form_reads_back_as_the_report_it_was_made_of_with_one_checksum() {
    for report in reports() {
        for form in forms(&report) {
            let checked = check(&form).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(checked.differences, [""; 0], "{form}");
            assert_eq!((checked.report.as_ref(), checked.checksum), (Some(&report), report.checksum()));
            assert_eq!(form.matches(&report.checksum()).count(), 1, "{form}");
        }
    }
}

/// What is told of a form after one change; the change must have changed something.
fn changed(form: &str, from: &str, to: &str) -> String {
    let other = form.replacen(from, to, 1);
    assert_ne!(form, other, "{from} is not there");
    match check(&other) {
        Ok(checked) => checked.differences.join("\n"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn a_changed_form_is_found_wherever_it_was_changed() {
    let report = report(&whole(), Audience::Shared);
    let forms = forms(&report);
    let [ja, en, csv_ja, _, json] = &forms[..] else { panic!("five forms") };
    for (form, from, to, told) in [
        (
            ja,
            "<td class=\"n\">1,240 人</td>",
            "<td class=\"n\">2,240 人</td>",
            "it says \"ご案内した方 2,240 人 1,240 100%",
        ),
        (en, "<dd>301</dd>", "<dd>401</dd>", "line "),
        (en, "for publication", "", "is not there"),
        (en, "shown\t1240\tpeople", "shown\t1241\tpeople", "checksum: "),
        (en, "font-weight:400", "font-weight:800", "font-weight:800"),
        (ja, "</main>", "<p>おまけ</p>\n</main>", "おまけ"),
        (csv_ja, "registered,登録した方,420,", "registered,登録した方,520,", "checksum: "),
        (csv_ja, "登録した方", "再就職者数", "registered: it is labelled \"再就職者数\""),
        (csv_ja, "offered,", "offerd,", "offerd is no figure of a report"),
        (json, "\"value\": 420", "\"value\": 421", "checksum: "),
        (json, "\"n\": 420", "\"n\": 421", "registered: its value is 420, its n 421"),
        (json, "\"source\": \"measured\"", "\"source\": \"reported\"", "should be \"offered"),
        (json, "\"audience\"", "\"more\": 1, \"audience\"", "more does not belong there"),
        (json, "\"complete\": true", "\"complete\": false", "checksum: "),
        (json, "16082000", "16082001", "cost_relieved is not the slots used times the reference"),
    ] {
        if told == "is not there" {
            assert!(!form.contains(from));
            continue;
        }
        let differences = changed(form, from, to);
        assert!(differences.contains(told), "{from} → {to}: {differences}");
    }
}

#[test]
fn what_is_no_report_is_refused_with_what_to_do() {
    for text in
        ["", "{}", "{\"report\":\"contribution\",\"version\":2}", "<!doctype html><p>x</p>", "a,b\r\n", "item,\"x"]
    {
        let why = check(text).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(why.contains("name a report as"), "{text:?}: {why}");
    }
}

#[test]
fn a_figure_nobody_said_is_not_reported_and_never_0() {
    let report = report(&input(), Audience::Inside);
    let object = json(&report);
    let of = |item: &str| {
        let figures = object["figures"].as_array().unwrap_or_else(|| panic!("no figures"));
        figures.iter().find(|figure| figure["item"] == item).unwrap_or_else(|| panic!("no {item}"))
    };
    for item in ["registered", "reemployed", "median_days"] {
        assert_eq!((&of(item)["state"], &of(item)["value"]), (&"not_reported".into(), &serde_json::Value::Null));
    }
    assert_eq!((&of("offered")["value"], &of("offered")["proof"]), (&1_240.into(), &"accepted".into()));
    assert!(page(&report, "ja").contains("<td class=\"n none\">未報告</td>"));
    assert!(page(&report, "en").contains("<td class=\"n none\">not reported</td>"));
}

#[test]
fn only_slots_that_were_used_relieve_cost() {
    let cost = |redeemed| {
        let measured = Measured { reserved: 3, redeemed, ..input().measured };
        let report = report(&Input { measured, ..input() }, Audience::Inside);
        report.figure(Key::CostRelieved).map(|figure| (figure.value, figure.n))
    };
    assert_eq!(cost(0), Some((Value::Shown(0), Value::Shown(0))));
    assert_eq!(cost(17), Some((Value::Shown(16_082_000), Value::Shown(17))));
}

#[test]
fn a_public_report_holds_no_small_number_in_any_form() {
    let small = Input {
        measured: Measured { offered: 40, accepted: 40, delivered: 13, bounced: 17, ..Measured::default() },
        ..Input::default()
    };
    let report = report(&small, Audience::Public);
    assert_eq!(
        report.figure(Key::Delivered).map(|figure| (figure.value, figure.n)),
        Some((Value::Withheld, Value::Withheld))
    );
    for form in forms(&report) {
        let plain = form.replace("13px", "").replace("17", "<17>");
        assert!(!form.contains("\t13\t") && !form.contains(",13,") && !form.contains(">13<"), "{plain}");
    }
}

#[test]
fn the_ledger_is_compared_figure_by_figure() {
    let published = report(&whole(), Audience::Inside);
    assert_eq!(compare(&published, &published), [""; 0]);
    let mut other = whole();
    other.measured.delivered += 1;
    other.reported.registered = None;
    other.measured.redeemed += 1;
    let mut recomputed = report(&other, Audience::Inside);
    recomputed.head.entries += 1;
    recomputed.told = recomputed.told.map(|told| ToldTo { totals: 6, ..told });
    let told = compare(&published, &recomputed);
    // The cost is what the company states: what it is made of is compared.
    let expected = [
        "the statement head is entry 3604 ",
        "the operator's figures stand on entry 3712 ",
        "delivered: the report says 1105",
        "registered: the report says 420 (n = 420), the ledger gives not reported (n = not reported)",
        "slots_redeemed: the report says 17",
    ];
    assert!(told.len() == 5 && told.iter().zip(expected).all(|(told, e)| told.starts_with(e)), "{told:?}");
}

#[test]
fn the_page_runs_nothing_loads_nothing_and_takes_no_markup_from_names() {
    for language in ["ja", "en"] {
        let page = page(&report(&whole(), Audience::Public), language);
        assert!(page.contains(&format!("<html lang=\"{language}\">")) && page.contains("default-src 'none'"));
        for never in ["<script", "<製作所>", "http://", "https://", "url(", "@import", "<img", "<link"] {
            assert!(!page.contains(never), "{never}");
        }
        let (tables, captions) = (page.matches("<table>").count(), page.matches("<caption>").count());
        assert!(
            tables == captions && tables >= 4 && page.contains("<th scope=\"col\"") && page.contains("@page{size:A4")
        );
    }
}
