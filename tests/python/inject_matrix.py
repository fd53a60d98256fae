#!/usr/bin/env python3
"""Builds rejection mails of every kind that HR people send, and reads back what `preview` makes of them.

inject_matrix.py BINARY [--seed N] [--limit N] [--keep FOLDER] [--table]

Charset × transfer encoding × MIME shape × line ends, and HTML layout × reply style, each filled up from the other lists
by the seed. What comes out is read with Python's email package and compared with what went in (see `compare` in
read_back.py): the line stands once in each text part that carries the result, in its charset, behind the result and in
front of the closing, the signature and the history; all else is as it was; a mail without a line is there octet for
octet, and its reason is one that this file expects for its kind. Exits with 1 if anything else is found.
"""
import argparse, base64, collections, concurrent.futures, email, email.policy, itertools, json, pathlib, quopri, random
import re, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import read_back

# --- charsets -------------------------------------------------------------------------------------------------------

NEC_ROW = {"①": b"\x2d\x21", "㈱": b"\x2d\x6a", "髙": b"\x7c\x62"}
KANA = {"ｱ": b"\x31", "ﾃ": b"\x43", "ｽ": b"\x3d", "ﾄ": b"\x44"}


def jis(text):
    """ISO-2022-JP as CP50220/50221 has it: NEC and IBM rows, half-width kana by ESC ( I."""
    out, state = bytearray(), b"(B"
    for char in text:
        if ord(char) < 128:
            want, octets = b"(B", char.encode()
        elif char in NEC_ROW:
            want, octets = b"$B", NEC_ROW[char]
        elif char in KANA:
            want, octets = b"(I", KANA[char]
        else:
            want, octets = b"$B", char.encode("iso2022_jp")[3:5]
        if want != state:
            out += b"\x1b" + want
            state = want
        out += octets
    return bytes(out) + (b"" if state == b"(B" else b"\x1b(B")


def from_jis(octets):
    """Reads what `jis` writes; anything that leaves two-octet state at a line end is an error."""
    out, state, at = [], b"(B", 0
    names = {v: k for k, v in NEC_ROW.items()}
    kana = {v: k for k, v in KANA.items()}
    while at < len(octets):
        if octets[at] == 0x1b:
            state = octets[at + 1:at + 3]
            at += 3
        elif state == b"$B":
            pair = octets[at:at + 2]
            if b"\n" in pair or b"\r" in pair or len(pair) < 2:
                raise ValueError("a line ends in two-octet state")
            out.append(names.get(pair) or (b"\x1b$B" + pair + b"\x1b(B").decode("iso2022_jp"))
            at += 2
        elif state == b"(I":
            out.append(kana[octets[at:at + 1]])
            at += 1
        else:
            out.append(octets[at:at + 1].decode("ascii"))
            at += 1
    if state != b"(B":
        raise ValueError("the text ends in two-octet state")
    return "".join(out)


Charset = collections.namedtuple("Charset", "label write read japanese extra bare")
codec = lambda name: (lambda t: t.encode(name), lambda o: o.decode(name))
JIS = (jis, from_jis)
CHARSETS = {
    "utf-8": Charset("utf-8", *codec("utf-8"), True, "🌸髙", "8bit"),
    "utf-8-bom": Charset("UTF-8", lambda t: b"\xef\xbb\xbf" + t.encode(), lambda o: o.decode("utf-8-sig"), True, "髙", "8bit"),
    "utf-8-none": Charset(None, *codec("utf-8"), True, "", "8bit"),
    "iso-2022-jp": Charset("ISO-2022-JP", *JIS, True, "", "7bit"),
    "iso-2022-jp-nec": Charset("iso-2022-jp", *JIS, True, "①髙", "7bit"),
    "iso-2022-jp-kana": Charset("iso-2022-jp", *JIS, True, "ﾃｽﾄ", "7bit"),
    "iso-2022-jp-none": Charset(None, *JIS, True, "", "7bit"),
    "iso-2022-jp-ascii": Charset("us-ascii", *JIS, True, "", "7bit"),
    "shift_jis": Charset("Shift_JIS", *codec("cp932"), True, "", "8bit"),
    "cp932": Charset("CP932", *codec("cp932"), True, "①髙ﾃｽﾄ", "8bit"),
    "windows-31j": Charset("Windows-31J", *codec("cp932"), True, "①", "8bit"),
    "euc-jp": Charset("EUC-JP", *codec("euc_jp"), True, "", "8bit"),
    "us-ascii": Charset("us-ascii", *codec("ascii"), False, "", "7bit"),
    "us-ascii-none": Charset(None, *codec("ascii"), False, "", "7bit"),
    "windows-1252": Charset("windows-1252", *codec("cp1252"), False, "– “Zoë”", "8bit"),
    "iso-8859-1": Charset("iso-8859-1", *codec("latin-1"), False, "Zoë", "8bit"),
    "utf-8-en": Charset("utf-8", *codec("utf-8"), False, "– “Zoë”", "8bit"),
}

# --- texts ----------------------------------------------------------------------------------------------------------

RESULT = {True: "ご希望に添いかねる結果となりました", False: "not be moving forward"}
CLOSING = {True: "末筆", False: "We wish"}
SIGN = {True: "saiyo@", False: "Sakura Example Inc."}
OLD = {True: "志望動機", False: "I hereby apply"}


def japanese(extra, style):
    name = f"山田 太郎{extra} 様"
    thanks = ["このたびは弊社の営業職にご応募いただき、誠にありがとうございました。"]
    result = ["慎重に選考を進めました結果、誠に残念ながら、", "今回はご希望に添いかねる結果となりました。"]
    plea = "何卒ご了承くださいますようお願い申し上げます。"
    papers = ["お預かりした書類は弊社にて責任をもって破棄いたします。"]
    closing = ["末筆ながら、今後のご活躍を心よりお祈り申し上げます。"]
    sign = ["-" * 40, ("㈱さくら" if "①" in extra else "株式会社さくら") + " 人事部 採用担当", "saiyo@sakura.example", "-" * 40]
    if style == "plea":
        result = result + [plea]
    elif style == "direct":
        papers = []
    elif style == "one":
        result, papers, closing = ["".join(result)], [], closing
    elif style == "plain-sign":
        sign = ["株式会社さくら", "採用担当 佐藤", "saiyo@sakura.example"]
    elif style == "bare":
        result = ["選考の結果、今回はご希望に添いかねる結果となりましたのでお知らせいたします"]
        sign = ["saiyo@sakura.example"]
    elif style == "same-paragraph":
        result, papers, closing = result + [plea] + closing, [], []
    elif style == "indented":
        indent = "\u3000"
        body = [[indent + thanks[0]] + [indent + result[0]] + result[1:] + [indent + plea] + [indent + closing[0]]]
        return [[name]] + body, sign
    elif style == "records":
        result = result + ["", "■ 応募職種：営業職", "■ 受付番号：10234"]
    return [[name], thanks, result] + [p for p in (papers, closing) if p], sign


def english(extra, style):
    long = "After careful consideration we regret to inform you that we will not be moving forward with your application."
    result = ["After careful consideration we regret to inform you that we will", "not be moving forward with your application."]
    thanks = [f"Thank you for applying for the position of sales manager at Sakura{extra}."]
    papers = ["Your documents will be deleted within six months."]
    closing = ["We wish you every success in your job search."]
    sign = ["Kind regards,", "Jane Doe", "Sakura Example Inc."]
    if style in ("one", "plea"):
        result = [long]
    if style in ("direct", "one"):
        papers = []
    if style == "bare":
        result = ["We regret to inform you that we will not be moving forward with your application"]
    if style == "same-paragraph":
        result, papers, closing = result + closing, [], []
    if style == "indented":
        return [["Dear Mr Yamada,"] + thanks + result + papers + closing], sign
    return [["Dear Mr Yamada,"], thanks, result] + [p for p in (papers, closing) if p], sign


STYLES = ["plain", "plea", "direct", "one", "plain-sign", "bare", "same-paragraph", "indented", "records"]

# --- reply history ----------------------------------------------------------------------------------------------------


def old_text(ja):
    return ["応募書類をお送りします。", "志望動機は次のとおりです。"] if ja else ["Hello,", "I hereby apply for the position."]


def quoted_plain(ja, reply):
    old = old_text(ja)
    reply = "outlook-en" if reply == "outlook-ja" and not ja else reply
    arrows = ["> " + line for line in old]
    return {
        "none": [],
        "outlook-ja": ["-----Original Message-----", "差出人: 山田 <yamada@mail.example>", "送信日時: 2026年11月2日 9:00",
                       "宛先: saiyo@sakura.example", "件名: 応募", ""] + old,
        "outlook-en": ["From: Yamada <yamada@mail.example>", "Sent: Monday, November 2, 2026 9:00 AM",
                       "To: saiyo@sakura.example", "Subject: Application", ""] + old,
        "gmail": (["2026年11月2日(月) 9:00 山田 <yamada@mail.example>:"] if ja else
                  ["On Mon, Nov 2, 2026 at 9:00 AM Yamada <yamada@mail.example> wrote:"]) + [""] + arrows,
        "arrows": arrows,
    }[reply]


def quoted_html(ja, reply):
    old = "<br>\n".join(old_text(ja))
    names = ["差出人", "送信日時", "宛先", "件名"] if ja else ["From", "Sent", "To", "Subject"]
    fields = "<br>\n".join(f"<b>{n}:</b> {v}" for n, v in zip(names, ["yamada@mail.example", "2026-11-02", "saiyo@sakura.example", "x"]))
    outlook = f'<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0mm 0mm 0mm"><p class="MsoNormal">{fields}</p></div>\n<p class="MsoNormal">{old}</p>\n'
    attribution = "2026年11月2日(月) 9:00 山田 &lt;yamada@mail.example&gt;:" if ja else "On Mon, Nov 2, 2026 Yamada &lt;yamada@mail.example&gt; wrote:"
    return {
        "none": "", "outlook-ja": outlook, "outlook-en": f'<hr tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">{fields}</div><div>{old}</div>\n',
        "gmail": f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{attribution}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">{old}</blockquote></div>\n',
        "arrows": f'<blockquote type="cite">{old}</blockquote>\n',
    }[reply]


REPLIES = ["none", "outlook-ja", "outlook-en", "gmail", "arrows"]

# --- HTML layouts -----------------------------------------------------------------------------------------------------


def page(inner, head="", body="<body>"):
    return f'<!DOCTYPE html>\n<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html">\n{head}</head>\n{body}\n{inner}</body>\n</html>\n'


def lines(blocks, sign, br="<br>"):
    """All lines with a blank one between paragraphs, joined by breaks."""
    flat = []
    for block in blocks + [sign]:
        flat += block + [""]
    return br.join(flat[:-1])


def of_blocks(template, blocks, sign, join="<br>\n"):
    return "".join(template.format(join.join(b)) + "\n" for b in blocks + [sign])


def rows(template):
    return lambda b, s: of_blocks(template, b, s)


WORD = '<p class="MsoNormal"><span style="font-family:&quot;Yu Gothic&quot;;color:#222222">{}<o:p></o:p></span></p>'
WORD_BLANK = '<p class="MsoNormal"><span lang="EN-US"><o:p>&nbsp;</o:p></span></p>'
TD = '<tr><td style="padding:8px 24px;font-family:sans-serif;font-size:14px;color:#333333">{}</td></tr>'
TABLE = '<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" align="center" style="border-collapse:collapse">'
DARK = '<style>@media (prefers-color-scheme: dark) { body { background:#111 !important } .t { color:#eee !important } }</style>\n'


def per_line_divs(blocks, sign, blank="<div><br></div>", one="<div>{}</div>"):
    parts = []
    for block in blocks + [sign]:
        parts += [one.format(line) for line in block] + [blank]
    return "\n".join(parts[:-1]) + "\n"


def word(blocks, sign):
    out = []
    for block in blocks + [sign]:
        out += [WORD.format(line) for line in block] + [WORD_BLANK]
    return '<div class="WordSection1">\n' + "\n".join(out) + "\n</div>\n"


def one_cell(inner):
    return f"{TABLE}<tr><td style=\"padding:24px\">\n{inner}</td></tr></table>\n"


def logo(inner):
    top = '<tr><td bgcolor="#0a5"><img src="cid:image1" alt="Sakura" width="120" height="40"></td></tr>\n'
    bottom = '<tr><td style="font-size:11px;color:#999">&copy; 2026 Sakura &nbsp;|&nbsp; <a href="https://sakura.example/privacy">Privacy</a></td></tr>\n'
    return f"{TABLE}<tbody>{top}{inner}{bottom}</tbody></table>\n"


LAYOUTS = {
    "p": lambda b, s: page(of_blocks("<p>{}</p>", b, s)),
    "p-fragment": rows("<p>{}</p>"),
    "p-styled": lambda b, s: page(of_blocks('<p style="margin:0 0 16px;font-family:Arial;color:#333">{}</p>', b, s)),
    "p-flat": lambda b, s: page(per_line_divs(b, s, '<p style="margin:0"><br></p>', '<p style="margin:0">{}</p>')),
    "p-open": lambda b, s: page(of_blocks("<p>{}", b, s)),
    "div-lines": lambda b, s: page('<div dir="ltr">' + per_line_divs(b, s) + "</div>\n"),
    "div-blocks": lambda b, s: page(of_blocks("<div>{}</div>", b, s)),
    "div-margin": lambda b, s: page(of_blocks('<div style="margin-bottom:16px">{}</div>', b, s)),
    "div-soup": lambda b, s: page("<div><div><div class=\"a\">" + of_blocks('<div><div><span>{}</span></div></div><div><br></div>', b, s) + "</div></div></div>\n"),
    "div-span": lambda b, s: page(per_line_divs(b, s, '<div style="font-size:12pt"><span style="font-size:12pt"><br></span></div>', '<div style="font-size:12pt"><span style="font-size:12pt">{}</span></div>')),
    "div-elementtoproof": lambda b, s: page(per_line_divs(b, s, '<div class="elementToProof" style="font-family: Aptos; font-size: 12pt; color: rgb(0, 0, 0);"><br></div>', '<div class="elementToProof" style="font-family: Aptos; font-size: 12pt; color: rgb(0, 0, 0);">{}</div>')),
    "br": lambda b, s: page(lines(b, s, "<br>\n") + "\n"),
    "br-one-line": lambda b, s: page(lines(b, s)),
    "br-fragment": lambda b, s: lines(b, s, "<br>\n") + "\n",
    "br-div-fragment": lambda b, s: "<div>" + lines(b, s) + "</div>",
    "br-xhtml": lambda b, s: page("<div>" + lines(b, s, "<br />\n") + "</div>\n"),
    "br-in-p": lambda b, s: page("<p>" + lines(b, s, "<br>\n") + "</p>\n"),
    "br-in-font": lambda b, s: page('<div><font face="Meiryo" size="2"><span style="font-size:10pt">' + lines(b, s, "<br>\n") + "</span></font></div>\n"),
    "br-in-bare-font": lambda b, s: page('<font face="Meiryo">' + lines(b, s, "<br>\n") + "</font>\n"),
    "br-double-then-p": lambda b, s: page("".join("<br>".join(x) + "<br><br>" for x in b) + f"<p>{'<br>'.join(s)}</p>\n"),
    "br-lines-then-div-sign": lambda b, s: page("<div>" + "<br><br>".join("<br>".join(x) for x in b) + "</div><div>" + "<br>".join(s) + "</div>\n"),
    "word": lambda b, s: page(word(b, s), "<!--[if gte mso 9]><xml><o:OfficeDocumentSettings/></xml><![endif]-->\n<style><!--\np.MsoNormal {margin:0mm;}\n--></style>\n"),
    "uppercase": lambda b, s: "<HTML><HEAD><TITLE>x</TITLE></HEAD><BODY>\n" + of_blocks("<P>{}</P>", b, s, "<BR>\n") + "</BODY></HTML>\n",
    "uppercase-br": lambda b, s: "<HTML><BODY BGCOLOR=\"#FFFFFF\">\n<FONT FACE=\"MS PGothic\">" + lines(b, s, "<BR>\n") + "</FONT>\n</BODY></HTML>\n",
    "no-end-tags": lambda b, s: "<html><body><div>" + lines(b, s, "<br>\n"),
    "no-end-tags-p": lambda b, s: "<html><body>\n" + of_blocks("<p>{}</p>", b, s),
    "preheader": lambda b, s: page('<div style="display:none;max-height:0;overflow:hidden">&#8203;&zwnj;&nbsp;</div>\n' + one_cell(of_blocks("<p>{}</p>", b, s))),
    "dark": lambda b, s: page(of_blocks('<p class="t" style="color:#111">{}</p>', b, s), DARK + '<meta name="color-scheme" content="light dark">\n'),
    "table-one-cell-p": lambda b, s: page(one_cell(of_blocks("<p>{}</p>", b, s))),
    "table-one-cell-br": lambda b, s: page(one_cell(lines(b, s, "<br>\n") + "\n")),
    "table-rows": lambda b, s: page(logo(of_blocks(TD, b, s))),
    "table-rows-p": lambda b, s: page(logo(of_blocks(TD.format("<p style=\"margin:0\">{}</p>"), b, s))),
    "table-rows-nested": lambda b, s: page(f"{TABLE}<tr><td>" + of_blocks(f'<table width="100%">{TD}</table>', b, s) + "</td></tr></table>\n"),
    "table-text-cell": lambda b, s: page(logo(TD.format("".join(f"<p>{'<br>'.join(x)}</p>" for x in b)) + TD.format("<br>".join(s)))),
    "table-center": lambda b, s: page("<center>" + one_cell(of_blocks('<div style="padding:4px">{}</div>', b, s)) + "</center>\n"),
    "section": lambda b, s: page("<main><article><section>" + of_blocks("<p>{}</p>", b, s) + "</section></article></main>\n"),
    "strong": lambda b, s: page(of_blocks("<p><strong>{}</strong></p>", b, s)),
    "pre": lambda b, s: page("<pre>" + lines(b, s, "\n") + "</pre>\n"),
    "pre-wrap": lambda b, s: page('<div style="white-space:pre-wrap">' + lines(b, s, "\n") + "</div>\n"),
    "comment-between": lambda b, s: page(of_blocks("<p>{}</p><!-- block -->", b, s)),
    "nbsp-paragraphs": lambda b, s: page(of_blocks("<p>{}</p><p>&nbsp;</p>", b, s)),
    "hr": lambda b, s: page("<hr>".join(of_blocks("<div>{}</div>", [x], []) for x in b) + "<hr>" + "<br>".join(s)),
    "plain-in-body": lambda b, s: page("<p>" + "</p><p>".join("<br>".join(x) for x in b) + "</p>" + "<br>".join(s) + "\n"),
    "lf-entities": lambda b, s: page("&nbsp;" + "<br>&nbsp;<br>".join("<br>".join(x) for x in b + [s])),
}

# --- transfer encodings -----------------------------------------------------------------------------------------------


def b64(octets, width, end=True):
    text = base64.b64encode(octets)
    chunks = [text[i:i + width] for i in range(0, len(text), width)]
    return b"\r\n".join(chunks) + (b"\r\n" if end else b"")


def qp(octets):
    return b"\r\n".join(line for line in quopri.encodestring(octets.replace(b"\r\n", b"\n")).split(b"\n"))


def qp_short(octets):
    """Soft breaks every few characters, also right at line ends, as some ATS write."""
    out = []
    for line in octets.split(b"\r\n"):
        units = [bytes([c]) if 33 <= c <= 126 and c != 61 else b"=%02X" % c for c in line]
        out.append(b"=\r\n".join(b"".join(units[i:i + 20]) for i in range(0, len(units), 20)))
    return b"\r\n".join(out)


TRANSFERS = {
    "bare": lambda o: o, "none": lambda o: o, "base64": lambda o: b64(o, 76), "base64-60": lambda o: b64(o, 60),
    "base64-72": lambda o: b64(o, 72), "base64-998": lambda o: b64(o, 996), "base64-no-end": lambda o: b64(o, 76, False),
    "base64-one": lambda o: b64(o, 1 << 30) , "base64-lf": lambda o: b64(o.replace(b"\r\n", b"\n"), 76),
    "qp": qp, "qp-short": qp_short,
}
NAMES = {"base64": "base64", "qp": "quoted-printable"}

# --- mails ------------------------------------------------------------------------------------------------------------


def entity(charset, transfer, media, text, flowed=""):
    octets = charset.write(text.replace("\n", "\r\n"))
    name = NAMES.get(transfer.split("-")[0], charset.bare)
    label = f"; charset=\"{charset.label}\"" if charset.label else ""
    head = f"Content-Type: {media}{label}{flowed}\r\n"
    if transfer != "none":
        head += f"Content-Transfer-Encoding: {name}\r\n"
    return head.encode() + b"\r\n" + TRANSFERS[transfer](octets)


COUNT = itertools.count()


def multi(subtype, *children, boundary=None):
    boundary = boundary or f"=_part{next(COUNT)}_x"
    head = f"Content-Type: multipart/{subtype};\r\n boundary=\"{boundary}\"\r\n\r\nThis is a multi-part message in MIME format.\r\n"
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + c + b"\r\n" for c in children)
    return head.encode() + body + b"--" + boundary.encode() + b"--\r\n"


def binary_part(media, name, cid=""):
    head = f"Content-Type: {media}; name=\"{name}\"\r\n{cid}Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n"
    return head.encode() + b64(bytes(range(256)) * 3, 76)


def calendar():
    return b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def forwarded(mail):
    return b"Content-Type: message/rfc822\r\n\r\n" + mail


SHAPES = {
    "plain": lambda p, h, f: p, "html": lambda p, h, f: h,
    "alternative": lambda p, h, f: multi("alternative", p, h),
    "mixed-plain": lambda p, h, f: multi("mixed", p, binary_part("application/pdf", "a.pdf")),
    "mixed-alternative": lambda p, h, f: multi("mixed", multi("alternative", p, h), binary_part("application/pdf", "a.pdf")),
    "related": lambda p, h, f: multi("related", h, binary_part("image/png", "i.png", "Content-ID: <image1>\r\n")),
    "alternative-related": lambda p, h, f: multi("alternative", p, multi("related", h, binary_part("image/png", "i.png", "Content-ID: <image1>\r\n"))),
    "related-mixed-alternative": lambda p, h, f: multi("related", multi("mixed", multi("alternative", p, h), binary_part("application/zip", "z.zip")), binary_part("image/png", "i.png")),
    "alternative-calendar": lambda p, h, f: multi("alternative", p, h, calendar()),
    "mixed-forwarded": lambda p, h, f: multi("mixed", p, forwarded(f)),
    "mixed-nested": lambda p, h, f: multi("mixed", multi("alternative", p, h), forwarded(b"Subject: y\r\nMIME-Version: 1.0\r\n" + multi("mixed", forwarded(f), p))),
    "two-texts": lambda p, h, f: multi("mixed", p, b"Content-Type: text/plain; charset=us-ascii\r\n\r\nThis e-mail is confidential.\r\n"),
    "text-image-text": lambda p, h, f: multi("mixed", p, binary_part("image/png", "i.png"), b"Content-Type: text/plain; charset=us-ascii\r\n\r\n\r\n"),
    "single-child": lambda p, h, f: multi("mixed", p),
}
EXPECTED_UNTOUCHED = {"alternative-calendar": {"calendar", "interview"}}

Case = collections.namedtuple("Case", "charset transfer shape lf style reply layout flowed", defaults=("",))


def head(ja):
    subject = "選考結果のご案内" if ja else "Your application for sales manager"
    word = "=?utf-8?B?" + base64.b64encode(subject.encode()).decode() + "?="
    return (f"From: HR <saiyo@sakura.example>\r\nTo: yamada@mail.example\r\nSubject: {word}\r\n"
            f"Date: Mon, 9 Nov 2026 10:00:00 +0900\r\nMessage-ID: <m{next(COUNT)}@sakura.example>\r\nMIME-Version: 1.0\r\n").encode()


def flow(text, delsp):
    """Long lines broken softly (RFC 3676)."""
    out = []
    for line in text.split("\n"):
        while len(line) > 30 and not line.startswith("-"):
            cut = 30 if delsp else line.find(" ", 30) + 1
            if cut <= 0:
                break
            out.append(line[:cut] + (" " if delsp else ""))
            line = line[cut:]
        out.append(line)
    return "\n".join(out)


def build(case):
    charset = CHARSETS[case.charset]
    ja = charset.japanese
    blocks, sign = (japanese if ja else english)(charset.extra, case.style)
    old = quoted_plain(ja, case.reply)
    plain = lines(blocks, sign, "\n") + "\n" + ("\n" + "\n".join(old) + "\n" if old else "")
    flowed = ""
    if case.flowed:
        flowed = "; format=flowed" + ("; delsp=yes" if ja else "")
        plain = flow(plain, ja)
    html = LAYOUTS[case.layout](blocks, sign)
    quoted = quoted_html(ja, case.reply)
    if quoted:
        end = html.lower().rfind("</body>")
        html = html + quoted if end < 0 else html[:end] + quoted + html[end:]
    p = entity(charset, case.transfer, "text/plain", plain, flowed)
    h = entity(charset, case.transfer, "text/html", html)
    inner = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: old\r\nMIME-Version: 1.0\r\n" + p
    mail = head(ja) + SHAPES[case.shape](p, h, inner)
    return mail.replace(b"\r\n", b"\n") if case.lf else mail


def cases(seed):
    """Every charset × transfer × shape, every layout × reply style × a few carriages; the rest by the seed."""
    draw = random.Random(seed)
    pick = lambda options: draw.choice(list(options))
    for charset, transfer, shape in itertools.product(CHARSETS, TRANSFERS, SHAPES):
        yield Case(charset, transfer, shape, draw.random() < 0.3, pick(STYLES), pick(REPLIES), pick(LAYOUTS), draw.random() < 0.15)
    for layout, reply, charset in itertools.product(LAYOUTS, REPLIES, ["utf-8", "iso-2022-jp", "shift_jis", "us-ascii"]):
        yield Case(charset, pick(["bare", "base64", "qp"]), pick(["html", "alternative"]), False, pick(STYLES), reply, layout)
    for style, transfer, charset in itertools.product(STYLES, ["bare", "base64", "qp"], ["utf-8", "iso-2022-jp", "us-ascii", "windows-1252"]):
        for reply in REPLIES:
            yield Case(charset, transfer, "plain", False, style, reply, "p", draw.random() < 0.3)

# --- reading back -----------------------------------------------------------------------------------------------------

LEADS = ["キャリアリレー", "Career Relay"]


def leaves(raw, policy):
    message = email.message_from_bytes(raw, policy=policy)
    return [(p, p.is_multipart()) for p in message.walk()]


def visible(html):
    html = re.sub(r"(?is)<!--.*?-->|<style.*?</style>|<head.*?</head>", "", html)
    return re.sub(r"<[^>]*>", "", html)


def decoded(part, charset):
    octets = part.get_payload(decode=True)
    label = part.get_content_charset()
    if label in (charset.label and charset.label.lower(), None):
        return charset.read(octets)
    return octets.decode(label, "strict")


def order_faults(text, ja, media):
    shown = visible(text) if media == "text/html" else re.sub(r" \r?\n", "" if ja else " ", text)
    found = re.search(r"careerrelay\.jp/r/[a-z0-9-]+", shown)  # HTML shows it without its scheme
    at = found.start() if found else -1
    faults = []
    result = shown.find(RESULT[ja][:9] if ja else "moving forward")
    if not 0 <= result < at:
        faults.append("the line stands before the result")
    for mark, name in ((CLOSING[ja], "closing"), (SIGN[ja], "signature"), (OLD[ja], "history")):
        there = shown.find(mark, result)
        if 0 <= there < at:
            faults.append(f"the line stands behind the {name}")
    return faults


def check_edited(case, before, after, inserted):
    charset, faults = CHARSETS[case.charset], []
    ja = charset.japanese
    rest, shift = after, 0
    for spot in sorted(inserted, key=lambda s: s["offset"]):
        rest = rest[:spot["offset"]] + rest[spot["offset"] + spot["octets"]:]
    if rest != before:
        faults.append("more changed than explain says")
    for policy in (email.policy.compat32, email.policy.default):
        old, new = leaves(before, policy), leaves(after, policy)
        if [(p.get_content_type(), m, p.items(), p.preamble, p.epilogue) for p, m in old] != [
                (p.get_content_type(), m, p.items(), p.preamble, p.epilogue) for p, m in new]:
            faults.append("structure or header fields changed")
            return faults
    in_attached = 0
    for (a, multi_a), (b, _) in zip(leaves(before, email.policy.compat32), leaves(after, email.policy.compat32)):
        if a.get_content_type() == "message/rfc822":
            in_attached += 1
        if multi_a:
            continue
        name = a.get_content_type()
        if name not in ("text/plain", "text/html") or a.get_filename():
            if a.get_payload(decode=True) != b.get_payload(decode=True):
                faults.append(f"{name} changed")
            continue
        try:
            old_text_, new_text = decoded(a, charset), decoded(b, charset)
        except (ValueError, KeyError) as fault:
            faults.append(f"{name}: {type(fault).__name__} {fault}")
            continue
        carries = (RESULT[ja][:9] if ja else "moving forward") in re.sub(r"\s+", " " if not ja else "", old_text_) and not in_attached
        if not carries:
            if old_text_ != new_text:
                faults.append(f"{name} without the result changed")
            continue
        run = read_back.inserted_run(old_text_, new_text)
        if run is None:
            faults.append(f"{name}: the old text is not all there")
        elif not any(lead in re.sub(r"\s|&#\d+;", "", run) or "&#" in run for lead in ("キャリアリレー", "CareerRelay")):
            faults.append(f"{name}: the lead text is not there")
        else:
            urls = read_back.LINK.findall(run)
            if len(urls) != 1:
                faults.append(f"{name}: {len(urls)} lines")
            faults += [f"{name}: {f}" for f in order_faults(new_text, ja, name)]
    longest = lambda raw: max(len(l.rstrip(b"\r")) for l in raw.split(b"\n"))
    if longest(after) > max(998, longest(before)):
        faults.append("a line over 998 octets")
    if case.transfer.startswith("qp") and longest(after) > max(78, longest(before)):
        faults.append(f"a quoted-printable line of {longest(after)}")
    if case.transfer.startswith("base64") and longest(after) > longest(before):
        faults.append(f"a base64 line of {longest(after)} where {longest(before)} was the longest")
    return faults


def explain(binary, files):
    out = {}
    for start in range(0, len(files), 500):
        batch = [str(f) for f in files[start:start + 500]]
        text = subprocess.run([binary, "explain", "--json", *batch], capture_output=True, text=True).stdout
        for line in text.splitlines():
            said = json.loads(line)
            out[said["file"]] = said
    return out


def preview(binary, files, folder):
    """Has every mail edited into a file of its name in the folder."""
    for start in range(0, len(files), 500):
        batch = [str(f) for f in files[start:start + 500]]
        subprocess.run([binary, "preview", *batch, "--out", str(folder)], stdout=subprocess.DEVNULL, check=True)


def judge(case, path, edited, said):
    before, after = path.read_bytes(), (edited / path.name).read_bytes()
    reason = said.get("untouched")
    if reason:
        faults = [] if before == after else ["untouched, and yet changed"]
        if reason not in EXPECTED_UNTOUCHED.get(case.shape, set()):
            faults.append(f"untouched: {reason}")
        return reason, faults
    if case.shape in EXPECTED_UNTOUCHED:
        return "edited", ["edited, and should not be"]
    return "edited", check_edited(case, before, after, said["inserted"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    chosen = list(cases(options.seed))
    if options.limit:
        chosen = random.Random(options.seed).sample(chosen, min(options.limit, len(chosen)))
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(exist_ok=True, parents=True)
        paths = [folder / f"{i:05}.eml" for i in range(len(chosen))]
        for case, path in zip(chosen, paths):
            path.write_bytes(build(case))
        said, edited = explain(options.binary, paths), folder / "edited"
        preview(options.binary, paths, edited)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda cp: judge(*cp, edited, said[str(cp[1])]), zip(chosen, paths)))
    return report(chosen, paths, results, options.table)


def report(chosen, paths, results, table):
    counts = collections.Counter()
    for case, (what, _) in zip(chosen, results):
        counts[case.charset, case.transfer, case.shape, what] += 1
    if table:
        for (charset, transfer, shape, what), n in sorted(counts.items()):
            print(f"{charset:18} {transfer:14} {shape:26} {what:24} {n}")
    wrong = [(c, p, f) for c, p, (_, f) in zip(chosen, paths, results) if f]
    for case, path, faults in wrong:
        print(f"{path.name}\t{tuple(case)}\t{'; '.join(faults)}")
    totals = collections.Counter(what for what, _ in results)
    print(", ".join(f"{n} {what}" for what, n in totals.most_common()))
    print(f"{len(chosen) - len(wrong)} as they should be, {len(wrong)} not")
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
