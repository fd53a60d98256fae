"""Reads a mail as another program than the gateway does, and judges what became of it.

Parts come from Python's email package with policy.default, characters from Python's codecs, markup from html.parser. The
judge takes the mail that went in, the one that came out and the expectation beside it (see make.py), and says per question
what is wrong. The same judge reads the gateway's mails and those of other programs.
"""
import collections, email, email.policy, html.parser, re, subprocess

LINE = "⟦line⟧"
LEADS = {
    "ja": "■ 弊社が提携する無料のキャリア支援サービス「キャリアリレー」のご案内（登録は任意です）：",
    "en": "We would like to support your next step: free career support from our partner Career Relay (voluntary):",
    "ascii": "Career Relay (free, voluntary):",
}
LINK = re.compile(r"https://careerrelay\.jp/r/[A-Za-z0-9-]+")
QUESTIONS = ["line", "place", "link", "rest", "attachments", "headers", "octets", "untouched"]
Fault = collections.namedtuple("Fault", "question text")
Leaf = collections.namedtuple("Leaf", "path media charset flowed delsp fields raw octets is_text")


def edit(binary, paths, folder):
    """Has the gateway edit every mail into a file of the same name in the folder, five hundred at a start."""
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(paths), 500):
        batch = [str(path) for path in paths[start:start + 500]]
        subprocess.run([binary, "preview", *batch, "--out", str(folder)], stdout=subprocess.DEVNULL, check=True)


# --- expectations ---------------------------------------------------------------------------------------------------------

Expected = collections.namedtuple("Expected", "language parts codes")


def expectation(text):
    """`parts`: path to (media, lines). `codes`: reasons for which the mail may, or without a language must, stay as it is."""
    language, codes, parts, lines = None, [], {}, None
    for row in text.split("\n")[:-1]:
        if lines is None and row.startswith("#"):
            continue
        if row.startswith("== "):
            _, path, media = row.split(" ")
            lines = []
            parts[path] = (media, lines)
        elif lines is not None:
            lines.append(row)
        elif row.startswith("line "):
            words = row.split(" ")
            language, codes = words[1], words[3:] if words[2:3] == ["or"] else []
        elif row.startswith("untouched "):
            codes = row.split(" ")[1:]
        else:
            raise ValueError(f"an expectation does not say {row!r}")
    if not codes and not parts or bool(language) != bool(parts):
        raise ValueError("an expectation needs a line with its parts, or reasons")
    return Expected(language, parts, codes)


def names_in(path):
    """The names of a list, one a line, up to the first blank."""
    with open(path, encoding="utf-8") as rows:
        return frozenset(row.split()[0] for row in rows if row.strip() and not row.startswith("#"))


# --- characters -----------------------------------------------------------------------------------------------------------

NAMES = {"shift_jis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "ms932": "cp932", "x-euc-jp": "euc_jp",
         "ks_c_5601-1987": "cp949", "utf8": "utf-8", "iso-2022-jp-2": "iso2022_jp_2", "iso-2022-jp-3": "iso2022_jp_3",
         "iso-2022-jp-2004": "iso2022_jp_2004", "gb2312": "gb18030", "big5": "big5hkscs", "euc-kr": "cp949"}
JIS = ("iso-2022-jp", "iso-2022-jp-ms", "cp50220", "cp50221", "csiso2022jp")
ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B])")


def characters(octets, charset):
    """The text; ValueError where the octets are not of the charset."""
    charset = (charset or "us-ascii").lower()
    if charset in JIS or charset == "us-ascii" and b"\x1b$" in octets:
        return from_jis(octets)
    if charset == "us-ascii" and not octets.isascii():
        charset = "utf-8"
    text = octets.decode(NAMES.get(charset, charset), "strict")
    return text.removeprefix("\ufeff")


def from_jis(octets):
    """ISO-2022-JP with JIS X 0201, half-width kana and the rows of NEC and IBM; a line must end in one-octet state."""
    out, state = [], b"(B"
    for index, piece in enumerate(ESCAPE.split(octets)):
        if index % 2:
            state = piece
        elif state in (b"(B", b"(J"):
            out.append(piece.decode("ascii"))
        elif state == b"(I":
            out.append(bytes(o | 0x80 for o in piece).decode("cp932"))
        else:
            if len(piece) % 2 or b"\n" in piece or b"\r" in piece:
                raise ValueError("a line ends inside two-octet text")
            out.append(bytes(o | 0x80 for o in piece).decode("euc_jp", "ignore") if is_common(piece) else from_rows(piece))
    if state not in (b"(B", b"(J"):
        raise ValueError("the text ends in two-octet state")
    return "".join(out)


def is_common(piece):
    try:
        bytes(o | 0x80 for o in piece).decode("euc_jp", "strict")
        return True
    except UnicodeDecodeError:
        return False


def from_rows(piece):
    """Each pair by way of Shift_JIS, where Python knows the rows of the makers."""
    out = []
    for row, cell in zip(piece[::2], piece[1::2]):
        lead = (row - 0x21) // 2 + (0x81 if row < 0x5f else 0xc1)
        trail = cell + 0x7e if row % 2 == 0 else cell + 0x1f + (cell > 0x5f)
        out.append(bytes([lead, trail]).decode("cp932"))
    return "".join(out)


# --- parts ----------------------------------------------------------------------------------------------------------------


def leaves(raw):
    """Every part that is no multipart, in order. Attached messages are one leaf, with what is in them."""
    found = []

    def walk(part, path):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            for number, child in enumerate(part.iter_parts() if hasattr(part, "iter_parts") else part.get_payload(), 1):
                walk(child, f"{path}.{number}" if path else str(number))
            return
        found.append(leaf(part, path or "1"))

    walk(email.message_from_bytes(raw, policy=email.policy.default), "")
    return found


def leaf(part, path):
    media = part.get_content_type()
    if part.get_content_maintype() == "message":
        raw = part.as_bytes(policy=email.policy.compat32) if not part.is_multipart() else b"".join(
            p.as_bytes(policy=email.policy.compat32) for p in part.get_payload())
        return Leaf(path, media, None, False, False, fields_of(part), raw, raw, False)
    payload = part._payload  # get_payload() decodes 8-bit octets, and there is no other way to them as they stand
    raw = payload.encode("ascii", "surrogateescape") if isinstance(payload, str) else b""
    is_text = media in ("text/plain", "text/html") and part.get_content_disposition() != "attachment"
    return Leaf(path, media, part.get_content_charset(), part.get_param("format", "") == "flowed",
                str(part.get_param("delsp", "")).lower() == "yes", fields_of(part), raw, part.get_payload(decode=True), is_text)


def fields_of(part):
    return [(name, str(value)) for name, value in part.raw_items()]


def boundary_at(raw, at):
    """The boundary of the multipart whose type stands at `at`."""
    found = re.search(rb'boundary="?([^";\r\n]+)', raw[at:at + 1000], re.I)
    return found[1].rstrip() if found else b""


def skeleton(raw):
    """Types, boundaries, preambles and epilogues, in order."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    return [(p.get_content_type(), p.get_boundary(), p.preamble, p.epilogue) for p in message.walk()]


# --- what a person reads --------------------------------------------------------------------------------------------------


def plain_lines(part):
    text = characters(part.octets, part.charset)
    lines = re.split(r"\r?\n", text)
    if lines and lines[-1] == "":
        lines.pop()
    return unflow(lines, part.delsp) if part.flowed else lines


def unflow(lines, delsp):
    """RFC 3676 4.2: a line that ends in a blank goes on in the next of the same quote depth."""
    out, held, held_depth = [], None, 0
    for line in lines:
        depth = len(line) - len(line.lstrip(">"))
        text = line[depth:].removeprefix(" ")
        if held is not None and depth != held_depth:
            out.append(held)
            held = None
        whole = (held or "") + text if depth == 0 else line
        if depth == 0 and text.endswith(" ") and text != "-- ":
            held, held_depth = whole[:-1] if delsp else whole, depth
        else:
            out.append(whole)
            held = None
    return out + ([held] if held is not None else [])


BLOCKS = {"p", "div", "td", "th", "tr", "table", "tbody", "blockquote", "body", "html", "hr", "center", "section", "article", "main",
          "pre", "ul", "ol", "li", "h1", "h2", "h3", "br", "dl", "dt", "dd"}
VOID = {"br", "hr", "img", "meta", "input", "link", "col", "wbr", "base"}
UNSEEN = {"head", "style", "script", "title", "xml"}


class Seen(html.parser.HTMLParser):
    """The lines of markup that a person sees, and the links among them."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.lines, self.row, self.open, self.links, self.preserved = [], "", [], [], 0

    def close_row(self):
        if self.row.strip():
            self.lines.append(" ".join(self.row.split()))
        self.row = ""

    def hidden(self):
        return any(h for _, h, _ in self.open)

    def handle_starttag(self, tag, attributes):
        style = (dict(attributes).get("style") or "").replace(" ", "").lower()
        if tag in BLOCKS:
            self.close_row()
        if tag == "a":
            self.links.append([dict(attributes).get("href") or "", "", self.hidden()])
        if tag in VOID:
            return
        hides = tag in UNSEEN or "display:none" in style or "visibility:hidden" in style
        if tag == "p":
            self.end("p", optional=True)
        self.open.append((tag, hides, tag == "pre" or "white-space:pre" in style))

    def handle_startendtag(self, tag, attributes):
        if tag in BLOCKS:
            self.close_row()

    def handle_endtag(self, tag):
        if tag in BLOCKS:
            self.close_row()
        self.end(tag)

    def end(self, tag, optional=False):
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                del self.open[index:]
                return
            if optional and self.open[index][0] in BLOCKS:
                return

    def handle_data(self, data):
        if self.hidden():
            return
        if any(tag == "a" for tag, _, _ in self.open):
            self.links[-1][1] += data
        if any(p for _, _, p in self.open):
            for index, piece in enumerate(data.split("\n")):
                if index:
                    self.close_row()
                self.row += piece
        else:
            self.row += data.replace("\n", " ").replace("\r", " ")


def html_lines(part):
    seen = Seen()
    text = characters(part.octets, part.charset)
    # A conditional comment is a comment to all but Outlook; `<![if …]>` shows what is in it.
    seen.feed(re.sub(r"(?s)<!--.*?-->|<!\[[^\]]*\]>", "", text))
    seen.close()
    seen.close_row()
    hidden_dots = "\u200b\u200c\u200d\ufeff"
    lines = [" ".join(l.translate({ord(c): None for c in hidden_dots}).split()) for l in seen.lines]
    return [l for l in lines if l], seen.links


# --- the judge ------------------------------------------------------------------------------------------------------------


def squashed(text):
    return re.sub(r"\s+", "", text)


def find_line(lines, lead, is_html):
    """(first, behind) of the lines that read as the lead and the link; None if they do not stand there whole."""
    want = squashed(lead)
    for first in range(len(lines)):
        if not lines[first].strip():
            continue
        got, behind = "", first
        while behind < len(lines) and len(got) < len(want):
            got += squashed(lines[behind])
            behind += 1
        if got != want or behind >= len(lines):
            continue
        shown = lines[behind].strip()
        if is_html and re.fullmatch(r"(https://)?careerrelay\.jp/r/[A-Za-z0-9-]+", shown) or LINK.fullmatch(shown):
            return first, behind + 1
    return None


def inserted(old, new):
    """Whether `new` is `old` with one run put in."""
    grown = len(new) - len(old)
    if grown <= 0:
        return False
    start = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), len(old))
    return new[start + grown:] == old[start:] or any(
        new[at + grown:] == old[at:] for at in range(start, max(-1, start - 200), -1))


def judge_text(part, media, lines, language):
    """The faults of one part that should carry the line."""
    name = f"{part.path} {media}"
    try:
        seen, links = (plain_lines(part), []) if media == "text/plain" else html_lines(part)
        text = characters(part.octets, part.charset)
    except (ValueError, LookupError) as fault:
        return [Fault("line", f"{name}: not readable in its charset: {fault}")]
    faults = []
    urls = [l[0] for l in links if LINK.fullmatch(l[0]) and not l[2]] if media == "text/html" else LINK.findall(text)
    if len(urls) != 1:
        faults.append(Fault("link", f"{name}: {len(urls)} whole links"))
    leads = [LEADS[language], LEADS["ascii"]]
    spots = [(find_line(seen, lead, media == "text/html"), lead) for lead in leads]
    spot = next((s for s, _ in spots if s), None)
    if spot is None:
        return faults + [Fault("line", f"{name}: the line is not there whole: {' / '.join(seen)[:300]}")]
    return faults + judge_place(name, seen, spot, lines, media)


def judge_place(name, seen, spot, lines, media):
    faults, (first, behind) = [], spot
    before, after = seen[:first], seen[behind:]
    if media == "text/plain":
        if first and before[-1].strip() or after and after[0].strip():
            faults.append(Fault("place", f"{name}: no blank line around the line"))
        widest = max([columns(l) for l in before + after] + [76])
        if any(columns(l.rstrip()) > widest for l in seen[first:behind - 1]):
            faults.append(Fault("place", f"{name}: a line wider than those of the mail"))
    solid = lambda rows: [" ".join(r.split()) for r in rows if r.strip()]
    at = lines.index(LINE)
    want_before, want_after = solid(lines[:at]), solid(lines[at + 1:])
    if (solid(before), solid(after)) == (want_before, want_after):
        return faults
    if solid(before) + solid(after) == want_before + want_after:
        where = (solid(before) or ["nothing"])[-1]
        return faults + [Fault("place", f"{name}: it stands behind {where!r}, not behind {want_before[-1]!r}")]
    got, want = solid(before) + solid(after), want_before + want_after
    other = next((f"{a!r} for {b!r}" for a, b in zip(got, want) if a != b), f"{len(got)} lines for {len(want)}")
    return faults + [Fault("rest", f"{name}: reads otherwise: {other}")]


def columns(text):
    import unicodedata
    return sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in text)


def judge(before, after, expected, is_bare=True):
    """Every fault of `after`. `is_bare` says that nothing may stand in front of the old header, as behind `preview`."""
    if not expected.language:
        return [] if before == after else [Fault("untouched", "changed, and must leave octet for octet")]
    if before == after:
        return [] if expected.codes else [Fault("line", "no line")]
    faults = []
    if skeleton(before) != skeleton(after):
        faults.append(Fault("rest", "parts or boundaries are others"))
    old, new = leaves(before), leaves(after)
    paired = {part.path: part for part in new}
    rebuilt, at = after, 0
    for part in old:
        other = paired.get(part.path)
        if other is None or other.media != part.media:
            kind = "rest" if part.is_text else "attachments"
            faults.append(Fault(kind, f"{part.path} {part.media} is gone"))
            continue
        if is_bare and part.fields != other.fields:
            faults.append(Fault("headers", f"{part.path}: header fields changed"))
        if part.path in expected.parts:
            media, lines = expected.parts[part.path]
            faults += judge_text(other, media, lines, expected.language)
            if not inserted(part.raw, other.raw):
                faults.append(Fault("octets", f"{part.path}: more than one run of octets put in"))
            elif (spot := rebuilt.find(other.raw, at)) >= 0:
                rebuilt, at = rebuilt[:spot] + part.raw + rebuilt[spot + len(other.raw):], spot
        elif part.octets != other.octets:
            kind = "rest" if part.is_text else "attachments"
            faults.append(Fault(kind, f"{part.path} {part.media} changed"))
    if is_bare and not faults and rebuilt != before:
        faults.append(Fault("octets", "without the line it is not the mail that went in"))
    return faults + judge_octets(before, after)


def judge_octets(before, after):
    longest = lambda raw: max(len(row.rstrip(b"\r")) for row in raw.split(b"\n"))
    if longest(after) > max(998, longest(before)):
        return [Fault("octets", f"a line of {longest(after)} octets")]
    return []
