"""How a text travels: charsets as mail programs write them, transfer encodings, and the shapes of MIME around the texts."""
import base64, collections, itertools, re

# --- charsets -------------------------------------------------------------------------------------------------------------


def jis(text, ascii_escape=b"(B", kanji=b"$B"):
    """ISO-2022-JP as CP50221 writes it: NEC and IBM rows by their row and cell, half-width kana by ESC ( I."""
    out, state = bytearray(), b"(B"
    for char in text:
        shift = b"" if ord(char) < 128 else char.encode("cp932")
        if not shift:
            want, octets = ascii_escape, char.encode()
        elif len(shift) == 1:
            want, octets = b"(I", bytes([shift[0] & 0x7f])
        else:
            want, octets = kanji, row_and_cell(*shift)
        if char in "\r\n":
            want = b"(B"  # a line ends in ASCII (RFC 1468)
        if want != state:
            out += b"\x1b" + want
            state = want
        out += octets
    return bytes(out) + (b"" if state == b"(B" else b"\x1b(B")


def row_and_cell(lead, trail):
    """The two octets of JIS X 0208 for two of Shift_JIS."""
    if lead >= 0xfa:  # IBM's extensions stand in NEC's rows 89 to 92 as well
        lead, trail = nec_of_ibm(lead, trail)
    lead -= 0x71 if lead < 0xa0 else 0xb1
    row = lead * 2 + 1
    trail -= trail > 0x7f
    if trail >= 0x9e:
        return bytes([row + 1, trail - 0x7d])
    return bytes([row, trail - 0x1f])


def nec_of_ibm(lead, trail):
    char = bytes([lead, trail]).decode("cp932")
    for a in (0xed, 0xee):
        for b in range(0x40, 0xfd):
            if b != 0x7f and bytes([a, b]).decode("cp932", "replace") == char:
                return a, b
    raise ValueError(f"{char} is in no row")


Charset = collections.namedtuple("Charset", "label write language extra bare", defaults=("8bit",))


def codec(name):
    return lambda text: text.encode(name)


CHARSETS = {
    "utf-8": Charset("utf-8", codec("utf-8"), "ja", "🌸髙"),
    "utf-8-bom": Charset("UTF-8", lambda t: b"\xef\xbb\xbf" + t.encode(), "ja", "髙"),
    "utf-8-no-label": Charset(None, codec("utf-8"), "ja", ""),
    "utf8-label": Charset("utf8", codec("utf-8"), "ja", ""),
    "iso-2022-jp": Charset("ISO-2022-JP", jis, "ja", "", "7bit"),
    "iso-2022-jp-roman": Charset("iso-2022-jp", lambda t: jis(t, b"(J"), "ja", "", "7bit"),
    "iso-2022-jp-1978": Charset("iso-2022-jp", lambda t: jis(t, kanji=b"$@"), "ja", "", "7bit"),
    "iso-2022-jp-nec": Charset("iso-2022-jp", jis, "ja", "①㈱", "7bit"),
    "iso-2022-jp-ibm": Charset("iso-2022-jp", jis, "ja", "髙﨑", "7bit"),
    "iso-2022-jp-kana": Charset("iso-2022-jp", jis, "ja", "ﾃｽﾄ", "7bit"),
    "iso-2022-jp-no-label": Charset(None, jis, "ja", "", "7bit"),
    "iso-2022-jp-as-ascii": Charset("us-ascii", jis, "ja", "", "7bit"),
    "iso-2022-jp-ms": Charset("iso-2022-jp-ms", jis, "ja", "①", "7bit"),
    "cp50221": Charset("cp50221", jis, "ja", "ｱ", "7bit"),
    "iso-2022-jp-2": Charset("iso-2022-jp-2", codec("iso2022_jp_2"), "ja", "é", "7bit"),
    "iso-2022-jp-3": Charset("iso-2022-jp-3", codec("iso2022_jp_3"), "ja", "㎎", "7bit"),
    "iso-2022-jp-2004": Charset("iso-2022-jp-2004", codec("iso2022_jp_2004"), "ja", "㎎", "7bit"),
    "shift_jis": Charset("Shift_JIS", codec("cp932"), "ja", "表示ソ"),
    "shift_jis-kana": Charset("shift_jis", codec("cp932"), "ja", "ｱｲｳ"),
    "x-sjis": Charset("x-sjis", codec("cp932"), "ja", ""),
    "cp932": Charset("CP932", codec("cp932"), "ja", "①髙ﾃｽﾄ"),
    "windows-31j": Charset("Windows-31J", codec("cp932"), "ja", "㈱"),
    "euc-jp": Charset("EUC-JP", codec("euc_jp"), "ja", "ﾃｽﾄ"),
    "x-euc-jp": Charset("x-euc-jp", codec("euc_jp"), "ja", ""),
    "gb18030-ja": Charset("gb18030", codec("gb18030"), "ja", ""),
    "us-ascii": Charset("us-ascii", codec("ascii"), "en", "", "7bit"),
    "ascii-no-label": Charset(None, codec("ascii"), "en", "", "7bit"),
    "utf-8-en": Charset("utf-8", codec("utf-8"), "en", " – “Zoë”"),
    "iso-8859-1": Charset("iso-8859-1", codec("latin-1"), "en", " Zoë"),
    "iso-8859-2": Charset("iso-8859-2", codec("iso8859-2"), "en", " Łukasz"),
    "iso-8859-15": Charset("iso-8859-15", codec("iso8859-15"), "en", " €"),
    "windows-1250": Charset("windows-1250", codec("cp1250"), "en", " “Łukasz”"),
    "windows-1251": Charset("windows-1251", codec("cp1251"), "en", " Иван"),
    "windows-1252": Charset("windows-1252", codec("cp1252"), "en", " – “Zoë”"),
    "windows-1254": Charset("windows-1254", codec("cp1254"), "en", " İ"),
    "koi8-r": Charset("koi8-r", codec("koi8-r"), "en", " Иван"),
    "tis-620": Charset("tis-620", codec("tis-620"), "en", " สม"),
    "gb2312": Charset("gb2312", codec("gb2312"), "en", " 王"),
    "gb18030": Charset("gb18030", codec("gb18030"), "en", " 王〇"),
    "big5": Charset("big5", codec("big5"), "en", " 王許功"),
    "euc-kr": Charset("euc-kr", codec("euc_kr"), "en", " ½"),
    "ks_c_5601-1987": Charset("ks_c_5601-1987", codec("cp949"), "en", " ½"),
}

# --- transfer encodings ---------------------------------------------------------------------------------------------------


def b64(octets, width=76, end=b"\r\n"):
    text = base64.b64encode(octets)
    return b"\r\n".join(text[i:i + width] for i in range(0, len(text), width)) + end


def qp(octets, width=75, soft=b"=\r\n"):
    """Quoted-printable (RFC 2045 6.7) with soft breaks at `width` characters; a blank at a line end is written =20."""
    out = []
    for line in octets.split(b"\r\n"):
        units = [bytes([c]) if 33 <= c <= 126 and c != 61 or c in b" \t" else b"=%02X" % c for c in line]
        if units and units[-1] in (b" ", b"\t"):
            units[-1] = b"=%02X" % units[-1][0]
        row = b""
        for unit in units:
            if len(row) + len(unit) > width:
                out += [row, soft]
                row = b""
            row += unit
        out += [row, b"\r\n"]
    return b"".join(out[:-1])


TRANSFERS = {
    "bare": lambda o: o,
    "base64": b64,
    "base64-60": lambda o: b64(o, 60),
    "base64-72": lambda o: b64(o, 72),
    "base64-no-end": lambda o: b64(o, end=b""),
    "base64-one-line": lambda o: b64(o, 996) if len(o) > 740 else b64(o, 1 << 20),
    "qp": qp,
    "qp-lower": lambda o: re.sub(rb"=[0-9A-F]{2}", lambda m: m[0].lower(), qp(o)),
    "qp-short": lambda o: qp(o, 30),
    "qp-trailing": lambda o: re.sub(rb"(?<!=)\r\n", b"  \r\n", qp(o, 70)),
}
NAMES = {"base64": "base64", "qp": "quoted-printable"}


def entity(charset, transfer, media, text, params=""):
    octets = charset.write(text.replace("\n", "\r\n"))
    name = NAMES.get(transfer.split("-")[0], charset.bare)
    label = f'; charset="{charset.label}"' if charset.label else ""
    head = f"Content-Type: {media}{label}{params}\r\nContent-Transfer-Encoding: {name}\r\n\r\n"
    return head.encode() + TRANSFERS[transfer](octets)


# --- shapes ---------------------------------------------------------------------------------------------------------------


class Boundaries:
    """Boundaries numbered within one mail, so that the same mail is always the same octets."""

    def __init__(self):
        self.count = itertools.count(1)

    def multi(self, subtype, *children, epilogue=b"", preamble=b"This is a multi-part message in MIME format.\r\n"):
        boundary = f"=_part{next(self.count)}_x".encode()
        head = f"Content-Type: multipart/{subtype};\r\n boundary=\"{boundary.decode()}\"\r\n\r\n".encode()
        body = b"".join(b"--" + boundary + b"\r\n" + c + b"\r\n" for c in children)
        return head + preamble + body + b"--" + boundary + b"--\r\n" + epilogue


def attachment(media, name, field=b""):
    head = f'Content-Type: {media}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="{name}"\r\n'
    return head.encode() + field + b"\r\n" + b64(bytes(range(256)) * 2)


def image(name="image1"):
    return b'Content-Type: image/png; name="i.png"\r\nContent-ID: <' + name.encode() + b'>\r\nContent-Disposition: inline; filename="i.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n' + b64(b"\x89PNG\r\n\x1a\n" + bytes(range(200)))


def text_file(name=b"note.txt"):
    return b'Content-Type: text/plain; charset=us-ascii; name="' + name + b'"\r\nContent-Disposition: attachment; filename="' + name + b'"\r\n\r\nAn attached text.\r\n'


def forwarded(mail):
    return b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + mail


def inner_mail(text):
    return b"From: yamada@mail.example\r\nTo: saiyo@sakura.example\r\nSubject: old\r\nMIME-Version: 1.0\r\n" + text


OTHER = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nThis e-mail is confidential.\r\n"

# How the texts (plain, html) lie in the mail, and the path at which a reader finds each that is to carry the line.
SHAPES = {
    "plain": (lambda m, p, h: p, "1", ""),
    "html": (lambda m, p, h: h, "", "1"),
    "alternative": (lambda m, p, h: m.multi("alternative", p, h), "1", "2"),
    "mixed-plain-pdf": (lambda m, p, h: m.multi("mixed", p, attachment("application/pdf", "a.pdf")), "1", ""),
    "mixed-html-pdf": (lambda m, p, h: m.multi("mixed", h, attachment("application/pdf", "a.pdf")), "", "1"),
    "mixed-alternative-pdf": (lambda m, p, h: m.multi("mixed", m.multi("alternative", p, h), attachment("application/pdf", "a.pdf")), "1.1", "1.2"),
    "related": (lambda m, p, h: m.multi("related", h, image()), "", "1"),
    "related-alternative": (lambda m, p, h: m.multi("related", m.multi("alternative", p, h), image()), "1.1", "1.2"),
    "alternative-related": (lambda m, p, h: m.multi("alternative", p, m.multi("related", h, image())), "1", "2.1"),
    "mixed-related-alternative": (lambda m, p, h: m.multi("mixed", m.multi("related", m.multi("alternative", p, h), image()), attachment("application/zip", "z.zip")), "1.1.1", "1.1.2"),
    "mixed-forwarded": (lambda m, p, h: m.multi("mixed", p, forwarded(inner_mail(p))), "1", ""),
    "mixed-forwarded-three": (lambda m, p, h: m.multi("mixed", m.multi("alternative", p, h), *[forwarded(inner_mail(m.multi("mixed", p, h))) for _ in range(3)]), "1.1", "1.2"),
    "mixed-text-file": (lambda m, p, h: m.multi("mixed", p, text_file()), "1", ""),
    "mixed-footer": (lambda m, p, h: m.multi("mixed", p, OTHER), "1", ""),
    "single-child": (lambda m, p, h: m.multi("mixed", p), "1", ""),
    "single-alternative": (lambda m, p, h: m.multi("alternative", h), "", "1"),
    "preamble-epilogue": (lambda m, p, h: m.multi("alternative", p, h, preamble=b"Preamble, with --=_ dashes.\r\n\r\n", epilogue=b"\r\nEpilogue.\r\n"), "1", "2"),
    "no-preamble": (lambda m, p, h: m.multi("alternative", p, h, preamble=b""), "1", "2"),
}
