#!/usr/bin/env python3
"""Counts for itself what statements and a contribution report say, from the exported entries alone, and compares.

    recount.py FOLDER COMPANY FROM TO

FOLDER holds entries.jsonl (`ledger export`), report.json, report-ja.html, report-ja.csv, report-en.html, report-en.csv, and
for each month YYYY-MM statement-YYYY-MM.json and -ja/-en .csv and .html; where the operator reported totals, totals.csv
as it was imported. Nothing of the program is used: the chain, the
balances, what waits, the suppression of small numbers and the checksums are worked out here anew.
"""
import collections, csv, datetime, hashlib, html, html.parser, io, json, pathlib, struct, sys

JAPAN = datetime.timezone(datetime.timedelta(hours=9))
WINDOW = datetime.timedelta(days=365)
NAMES = ["offered", "accepted", "delivered", "duplicate", "granted", "bounced", "voided", "presumed", "reserved",
         "confirmed", "introduced", "redeemed", "released", "expired", "reversed", "adjusted", "registered", "supported",
         "reemployed", "left", "disputed"]
KINDS = dict(zip(NAMES, range(1, 22))) | {"erased": 23, "observed": 24, "cleared": 26, "delivered_hiding": 30,
                                             "reported": 31, "lapsed": 33, "signed": 27, "restarted": 22}
compared = 0


def expect(what, found, wanted):
    global compared
    compared += 1
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, counted {wanted!r}")


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def micros(text):
    since = instant(text) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def midnight(day):
    return datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(), JAPAN)


def counted_fields(*fields):
    out = hashlib.sha256()
    for field in fields:
        out.update(struct.pack(">Q", len(field)) + field)
    return out.digest()


def check_chain(company, entries):
    head = counted_fields(b"career-relay chain v1", company.encode())
    for number, e in enumerate(entries, 1):
        expect("numbers without gaps", e["seq"], number)
        series = e["series"].encode()
        octets = lambda name: bytes.fromhex(e[name]) if e[name] else bytes(32)
        record = head + (b"entry v3" if e["act"] else b"entry v2" if e["wording"] else b"entry v1")
        record += struct.pack(">QBqI", e["seq"], KINDS[e["kind"]], e["worth"], e["cycle"])
        record += struct.pack(">Q", len(series)) + series + struct.pack(">I", e["version"])
        record += bytes.fromhex(e["terms"]) + octets("person") + octets("event")
        record += struct.pack(">qq", micros(e["at"]), micros(e["posted"]))
        record += bytes.fromhex(e["wording"] or "") + bytes.fromhex(e["act"] or "")
        head = hashlib.sha256(record).digest()
        expect(f"hash of entry {number}", e["hash"], head.hex())


class Balance:
    """Where one contract series stands, and what a period did to it."""

    def __init__(self):
        self.now = dict(counted=0, toward=0, slots=0)
        self.opening, self.grants, self.kinds = dict(self.now), [], collections.Counter()
        self.presumed = self.taken_back = self.lapsed = self.corrected = 0
        self.waits, self.observed = {}, set()
        self.used = {}

    def add(self, e, inside):
        self.now["toward"] += e["worth"]
        if e["kind"] == "granted":
            self.now["slots"] = max(self.now["slots"], e["cycle"])
        elif e["worth"] > 0 and e["person"]:
            self.now["counted"] += 1
        if e["kind"] == "offered":
            self.observed.discard(e["person"])
        elif e["kind"] == "observed" and e["worth"] > 0:
            self.observed.add(e["person"])
        if e["kind"] == "accepted" and e["worth"] == 0 and e["person"] not in self.observed:
            self.waits[e["person"]] = instant(e["at"]) + WINDOW
        elif e["person"] and (e["worth"] > 0 or e["kind"] == "bounced"):
            self.waits.pop(e["person"], None)
        if e["kind"] == "redeemed":
            self.used[e["cycle"]] = dict(slot=e["cycle"], entry=e["seq"], at=e["at"], new=inside, signed_by=[])
        elif e["kind"] == "signed" and inside and e["cycle"] in self.used:
            self.used[e["cycle"]]["signed_by"].append((e["seq"], e["at"]))
        elif e["kind"] == "signed":
            self.used.pop(e["cycle"], None)
        if not inside:
            self.opening = dict(self.now)
            return
        self.kinds[e["kind"]] += 1
        self.lapsed -= e["worth"] if e["kind"] == "restarted" else 0
        self.corrected += e["worth"] if e["kind"] in ("reversed", "adjusted") else 0
        self.presumed += e["kind"] == "presumed" and e["worth"] > 0
        self.taken_back += e["kind"] == "bounced" and e["worth"] < 0
        if e["kind"] == "granted":
            self.grants.append((e["cycle"], -e["worth"], e["at"]))


def replay(entries, start, end):
    """Balances by series, and the number and hash of the last entry."""
    balances, last = collections.defaultdict(Balance), None
    for e in entries:
        posted = instant(e["posted"])
        if posted < end:
            balances[e["series"]].add(e, posted >= start)
            last = e
    return balances, last


class Numbers(html.parser.HTMLParser):
    """The cells of numbers of a page, table by table, and the texts of elements with an id."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.ids, self.open = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "table":
            self.tables.append([])
        elif tag == "td" and "n" in attributes.get("class", "").split():
            self.open = self.tables[-1]
            self.open.append("")
        elif "id" in attributes:
            self.open = self.ids[attributes["id"]] = [""]

    def handle_endtag(self, tag):
        if tag in ("td", "pre", "code"):
            self.open = None

    def handle_data(self, text):
        if self.open is not None:
            self.open[-1] += text


def rows_of(path):
    octets = path.read_bytes()
    expect(f"{path.name}: the mark in front", octets[:3], b"\xef\xbb\xbf")
    expect(f"{path.name}: line ends", octets.count(b"\n"), octets.count(b"\r\n"))
    return list(csv.reader(io.StringIO(octets[3:].decode(), newline="")))


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def check_statement(folder, month, entries, company):
    start = midnight(f"{month}-01")
    end = (start + datetime.timedelta(days=32)).replace(day=1)
    balances, last = replay(entries, start, end)
    said = json.loads((folder / f"statement-{month}.json").read_text())
    expect(f"{month}: series", sorted(said["series"]), sorted(balances))
    utc = lambda at: at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [["", "company", company, ""], ["", "from", "", utc(start)], ["", "until", "", utc(end)]]
    tables = []
    for series, b in sorted(balances.items()):
        waiting = sum(1 for ends in b.waits.values() if ends > end)
        counted = b.now["counted"] - b.opening["counted"]
        grants = [{"slot": slot, "credits": price, "at": at} for slot, price, at in b.grants]
        threshold = said["series"][series]["threshold"]
        wanted = {"threshold": threshold, "opening": b.opening, "entries": {k: b.kinds[k] for k in KINDS},
                  "counted": counted, "counted_presumed": b.presumed, "taken_back": b.taken_back, "corrected": b.corrected, "credits_lapsed": b.lapsed, "grants": grants,
                  "closing": b.now, "waiting": waiting, "redemptions": said["series"][series]["redemptions"]}
        uses = [b.used[slot] for slot in sorted(b.used)]
        told = [dict(slot=u["slot"], entry=u["entry"], at=u["at"], signed=bool(u["signed_by"]), signed_by=u["signed_by"]) for u in uses]
        expect(f"{month} {series} redemptions", [u | dict(signed_by=[(by["entry"], by["at"]) for by in u["signed_by"]])
                                                 for u in said["series"][series]["redemptions"]], told)
        for key, value in wanted.items():
            expect(f"{month} {series} {key}", said["series"][series][key], value)
        expect(f"{month} {series}: nothing else", sorted(said["series"][series]), sorted(wanted))
        of = lambda balance, name: [[series, f"{name}_{part}", str(balance[part]), ""] for part in ("counted", "toward", "slots")]
        rows += [[series, "threshold", str(threshold), ""]] + of(b.opening, "opening")
        rows += [[series, kind, str(b.kinds[kind]), ""] for kind in KINDS]
        for slot, price, at in b.grants:
            rows += [[series, "slot", str(slot), at], [series, "slot_credits", str(price), ""]]
        for use in said["series"][series]["redemptions"]:
            item = f"redeemed_{use['slot']}"
            rows += [[series, item, "signed" if use["signed_by"] else "unsigned", use["at"]]]
            rows += [[series, f"{item}_signed_by", by["key"], by["at"]] for by in use["signed_by"]]
        rows += [[series, "counted", str(counted), ""], [series, "counted_presumed", str(b.presumed), ""],
                 [series, "taken_back", str(b.taken_back), ""], [series, "corrected", str(b.corrected), ""], [series, "credits_lapsed", str(b.lapsed), ""]] + of(b.now, "closing")
        rows += [[series, "waiting", str(waiting), ""]]
        spent = sum(price for _, price, _ in b.grants)
        given = b.now["toward"] - b.opening["toward"] - counted + b.taken_back + spent - b.corrected + b.lapsed
        signed = lambda sign, number: f"{sign}{number}" if number else "0"
        credits = [f"{b.opening['toward']} / {threshold}", signed("+", counted), str(b.presumed),
                   signed("−", b.taken_back), signed("−", spent)]
        credits += [f"+{given}"] if given else []
        credits += [signed("+" if b.corrected > 0 else "−", abs(b.corrected))] if b.corrected else []
        credits += [signed("−", b.lapsed)] if b.lapsed else []
        tables += [credits + [f"{b.now['toward']} / {threshold}", str(waiting)],
                   [str(price) for _, price, _ in b.grants] + [str(b.opening["slots"]), str(b.now["slots"])],
                   [str(b.kinds[kind]) for kind in KINDS]]
    number, head = (last["seq"], last["hash"]) if last else (0, counted_fields(b"career-relay chain v1", company.encode()).hex())
    ruled = sorted({(e["series"], e["version"]) for e in entries if number and e["seq"] <= number})
    expect(f"{month}: the versions that rule", [(c["series"], c["version"]) for c in said["contracts"]], ruled)
    for contract in said["contracts"]:
        item = f"contract_{contract['version']}"
        rows += [[contract["series"], item, "signed" if contract["signed"] else "unsigned", ""]]
        rows += [[contract["series"], f"{item}_signed_by", by["key"], by["at"]] for by in contract["signed_by"]]
    rows += [["", "excluded", str(said["excluded"]), ""],
             ["", "held_back_by_signature", str(said["held_back_by_signature"]), ""], ["", "entries", str(number), ""],
             ["", "head", head, ""]]
    checksum = sha("career-relay statement 1\n" + "".join("\t".join(row) + "\n" for row in rows))
    expect(f"{month}: chain", said["chain"], {"entries": number, "head": head})
    expect(f"{month}: checksum of the JSON", said["checksum"], checksum)
    for language in ("ja", "en"):
        sheet = rows_of(folder / f"statement-{month}-{language}.csv")
        expect(f"{month} {language}: columns", sheet[0], ["series", "item", "label", "value", "at"])
        expect(f"{month} {language}: rows", [[r[0], r[1], r[3], r[4]] for r in sheet[1:]], rows + [["", "open_signals", str(said["open_signals"]), ""], ["", "checksum", checksum, ""]])
        page = Numbers((folder / f"statement-{month}-{language}.html").read_text())
        expect(f"{month} {language}: the page's tables", page.tables, tables)
        expect(f"{month} {language}: the page's checksum", page.ids["checksum"], [checksum])


STAGES = {"registered": "registered", "supported": "supported", "reemployed": "reemployed", "left": "left_within_6_months"}


def told_of(folder, entries, start, end):
    """What the operator told of the period: the figures, and how many people's time to new work is known."""
    referrals = collections.defaultdict(list)
    for e in entries:
        if e["kind"] == "offered":
            referrals[e["person"]].append({"offered": instant(e["at"])})
        elif e["kind"] in STAGES:
            newest = referrals[e["person"]][-1]
            newest[e["kind"]] = min(newest.get(e["kind"], instant(e["at"])), instant(e["at"]))
    during = lambda of, start, end: {p: r for p, all in referrals.items() for r in reversed(all) if of in r and start <= r[of] < end}
    sheet = folder / "totals.csv"
    totals = {(row["month"], row["event"]): int(row["people"]) for row in csv.DictReader(sheet.open())} if sheet.exists() else {}
    figures = {}
    for stage, item in STAGES.items():
        named = during(stage, start, end)
        counts = [len(named)] if named and stage != "left" else []
        if named and stage == "left":
            counts = [sum(1 for r in named.values() if "reemployed" in r and r["left"] < half_a_year_behind(r["reemployed"]))]
        for (month, event), people in totals.items():
            opens = midnight(f"{month}-01")
            closes = (opens + datetime.timedelta(days=32)).replace(day=1)
            if event == stage and start <= opens and closes <= end and not during(stage, opens, closes):
                counts.append(people)
        figures[item] = sum(counts) if counts else None
    days = sorted(max((r["reemployed"] - r["offered"]).days, 0) for r in during("reemployed", start, end).values())
    ends = [0, 15, 30, 90, 180, 360]
    for item, least, most in zip(TIMES, ends, ends[1:]):
        figures[item] = sum(1 for n in days if least <= n < most) if days else None
    figures["median_days"] = days[(len(days) - 1) // 2] if days else None
    return figures, len(days) if days else None


def half_a_year_behind(at):
    at = at.astimezone(JAPAN)
    year, month = at.year + (at.month + 5) // 12, (at.month + 5) % 12 + 1
    last = (datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)).day
    return at.replace(year=year, month=month, day=min(at.day, last))


def suppressed(known, times, least):
    """Value and n of each figure as they may be shown."""
    small = lambda number: 0 < number < least
    shown = {item: number for item, number in known.items() if number is not None and item != "median_days" and not small(number)}
    above = None
    for item in ["offered", *STAGES.values()]:
        if above is not None and item in shown and small(abs(above - shown[item])):
            del shown[item]
        above = shown.get(item, above)
    whole, parts = known["reemployed"], TIMES[:-1]
    whole_is_shown = "reemployed" in shown or whole is None
    if times is not None:
        while any(shown.get(part) for part in parts) or (not whole_is_shown and any(part in shown for part in parts)):
            if whole_is_shown and not small(max(whole or 0, times) - sum(shown.get(part, 0) for part in parts)):
                break
            rest = [part for part in parts if shown.get(part)]
            if not rest:
                break
            del shown[min(rest, key=shown.get)]
    result = {item: (shown.get(item), shown.get(item)) for item in known}
    value, n = known["median_days"], times
    if times is not None:
        if not whole_is_shown or small(times):
            value = n = None
        elif whole is not None and small(abs(whole - times)):
            n = None
    return result | {"median_days": (value, n)}


def check_report(folder, entries, company, first, last_day):
    end = midnight(last_day) + datetime.timedelta(days=1)
    balances, last = replay(entries, midnight(first), end)
    kinds = sum((b.kinds for b in balances.values()), collections.Counter())
    said = json.loads((folder / "report.json").read_text())
    figures = {figure["item"]: figure for figure in said["figures"]}
    least = {"inside": 5, "shared": 10, "public": 20}[said["audience"]]
    expect("the least number shown", said["small_cell"], least)
    expect("the days", (said["company"], said["from"], said["to"], said["zone"]), (company, first, last_day, "+09:00"))
    expect("the head", (said["entries"], said["head"]), (last["seq"], last["hash"]))
    units = {kind: "people" for kind in ("offered", "accepted", "delivered", "presumed")}
    units |= {kind: "mails" for kind in ("duplicate", "bounced")}
    if kinds["observed"]:
        units["observed"] = "people"
    known = {kind: kinds[kind] for kind in units}
    known["offered"] -= kinds["lapsed"]
    known["delivered"] += kinds["delivered_hiding"] + kinds["reported"]
    told, times = told_of(folder, entries[: said["told_entries"]], midnight(first), end)
    expect("the head of what was told", said["told_head"], entries[said["told_entries"] - 1]["hash"])
    known |= told
    units |= {item: "days" if item == "median_days" else "people" for item in told}
    for item, (value, n) in suppressed(known, times, least).items():
        state = "not_reported" if known[item] is None else "withheld" if value is None else "shown"
        shown = dict(value=value, n=n, unit=units[item], state=state, source="reported" if item in told else "measured")
        expect(item, {key: figures[item][key] for key in shown}, shown)
    for kind in ("granted", "voided", "reserved", "redeemed"):
        shown = dict(value=kinds[kind], n=kinds[kind], unit="slots", state="shown", source="measured")
        expect(kind, {key: figures[f"slots_{kind}"][key] for key in shown}, shown)
    signed = sum(1 for b in balances.values() for use in b.used.values() if use["new"] and use["signed_by"])
    expect("slots signed for", (figures["slots_redeemed_signed"]["value"], figures["slots_redeemed_signed"]["n"]), (signed, signed))
    cost = kinds["redeemed"] * said["reference_yen"]
    expect("the cost relieved", (figures["cost_relieved"]["value"], figures["cost_relieved"]["n"]), (cost, kinds["redeemed"]))
    expect("nothing else", len(figures), len(known) + 6)
    check_forms(folder, said)


def check_forms(folder, said):
    plain = lambda value: {None: "", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)
    rows = [[fact, plain(said[fact])] for fact in FACTS]
    rows += [[f["item"]] + [plain(f[c]) for c in COLUMNS] for f in said["figures"]]
    written = lambda text: text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    record = "career-relay contribution 1\n" + "".join("\t".join(map(written, row)) + "\n" for row in rows)
    checksum = sha(record)
    expect("checksum of the JSON", said["checksum"], checksum)
    for language in ("ja", "en"):
        sheet = rows_of(folder / f"report-{language}.csv")
        wanted = [(row + [""] * 6)[:7] for row in rows] + [["checksum", checksum] + [""] * 5]
        expect(f"{language}: the sheet", [[unguarded(cell) for cell in r[:1] + r[2:]] for r in sheet[1:]], wanted)
        page = Numbers((folder / f"report-{language}.html").read_text())
        expect(f"{language}: the page's record and checksum", (page.ids["record"], page.ids["checksum"]), ([record], [checksum]))
        check_tables(page.tables, {f["item"]: f for f in said["figures"]}, language)


def unguarded(cell):
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@" else cell


FACTS = ["program", "company", "name_ja", "name_en", "purpose", "from", "to", "zone", "fiscal_year", "complete", "audience",
         "small_cell", "entries", "head", "told_entries", "told_head", "told_totals", "reference_yen", "reference_year", "reference_source_ja", "reference_source_en"]
COLUMNS = ["value", "state", "n", "unit", "source", "proof"]
FUNNEL = ["offered", "accepted", "delivered", "presumed", "registered", "supported", "reemployed", "left_within_6_months"]
TIMES = ["under_15_days", "from_15_days_to_1_month", "from_1_to_3_months", "from_3_to_6_months", "from_6_to_12_months",
         "median_days"]
SLOTS = ["slots_granted", "slots_voided", "slots_reserved", "slots_redeemed", "slots_redeemed_signed"]
UNITS = {"people": " 人", "mails": " 通", "days": " 日", "slots": " 枠", "yen": " 円"}
STATES = {"ja": {"withheld": "非公開（少人数）", "not_reported": "未報告"},
          "en": {"withheld": "withheld (few people)", "not_reported": "not reported"}}


def check_tables(tables, figures, language):
    def shown(item):
        figure = figures[item]
        if figure["value"] is None:
            value = STATES[language][figure["state"]]
        else:
            unit = UNITS[figure["unit"]] if language == "ja" else {"days": " days", "yen": " yen"}.get(figure["unit"], "")
            value = f"{figure['value']:,}{unit}"
        return [value, "–" if figure["n"] is None else f"{figure['n']:,}"]

    def share(item):
        of, number = figures["offered"]["value"], figures[item]["value"]
        return f"{(number * 100 + of // 2) // of}%" if of and number is not None else "–"

    funnel = FUNNEL[:4] + ["observed"] * ("observed" in figures) + FUNNEL[4:]
    wanted = [sum((shown(item) + [share(item)] for item in funnel), [])]
    wanted += [sum(map(shown, items), []) for items in (TIMES, SLOTS, ["duplicate", "bounced"])]
    expect(f"{language}: the tables of the report's page", tables, wanted)


def main():
    folder, company, first, last = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
    entries = [json.loads(line) for line in (folder / "entries.jsonl").read_text().splitlines()]
    check_chain(company, entries)
    for path in sorted(folder.glob("statement-*.json")):
        check_statement(folder, path.stem.removeprefix("statement-"), entries, company)
    check_report(folder, entries, company, first, last)
    print(f"{len(entries)} entries, {compared} values compared")


main()
