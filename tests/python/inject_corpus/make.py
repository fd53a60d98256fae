#!/usr/bin/env python3
"""Writes the made mails of tests/corpus/inject, each with what a person must read in it afterwards.

make.py FOLDER           writes them anew and removes made mails that are no longer made
make.py FOLDER --check   says whether the folder holds exactly what would be written

NAME.eml is the mail, NAME.expected.txt what is to become of it: `line ja` (or `en`) and then each text part that carries
the result, as a person reads it, with ⟦line⟧ where the line belongs; or `untouched CODE …`, the reasons that are right.
Nothing here asks the gateway: where the line belongs stands in the letters (letters.py), what is seen in the layouts.
"""
import argparse, base64, collections, itertools, pathlib, sys

import carriage, layouts, letters, refused

Case = collections.namedtuple("Case", "name charset transfer shape style reply layout eol flowed",
                              defaults=("plain", "none", "p", "crlf", ""))


# Charsets that no mail program writes any more: the line in them is right, and so is none.
MAY_STAY = dict.fromkeys(("iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-2004"), " or charset_unsupported charset_illegal_octets")


def head(language, number):
    subject = "選考結果のご案内" if language == "ja" else "Your application for sales manager"
    word = "=?utf-8?B?" + base64.b64encode(subject.encode()).decode() + "?="
    return (f"From: HR <saiyo@sakura.example>\r\nTo: yamada@mail.example\r\nSubject: {word}\r\n"
            f"Date: Mon, 9 Nov 2026 10:00:00 +0900\r\nMessage-ID: <made-{number}@sakura.example>\r\nMIME-Version: 1.0\r\n").encode()


def flow(lines, delsp):
    """Long lines broken softly (RFC 3676), space-stuffed where they must be."""
    out = []
    for line in lines:
        while len(line) > 24 and not line.startswith(("-", "_", ">")):
            cut = 20 if delsp else line.find(" ", 24) + 1
            if not 0 < cut < len(line):
                break
            out.append(line[:cut] + (" " if delsp else ""))
            line = line[cut:]
        out.append(line)
    return out


def without_line(paragraphs):
    kept = [[t for t in p if t != letters.LINE] for p in paragraphs]
    return [p for p in kept if p]


def plain_text(case, language, letter):
    """The octets' text of text/plain, and what is read of it."""
    history = letters.replies(language).get(case.reply, [])
    below = [""] + history if history else []
    written = letters.plain_lines(letter._replace(paragraphs=without_line(letter.paragraphs))) + below
    if case.flowed:
        written = flow(written, case.flowed == "delsp")
    return "\n".join(written) + "\n", letters.plain_lines(letter) + below


def html_text(case, language, letter):
    """The markup of text/html, and the lines that are seen of it."""
    layout = layouts.LAYOUTS[case.layout]
    markup, seen_history = letters.html_replies(language)[html_reply(case.reply)]
    written = layout.render(without_line(letter.paragraphs) + [letter.sign]).replace(layouts.HISTORY, markup)
    shown = letters.run_together(letter) if layout.is_flat else letter
    own = [t for paragraph in shown.paragraphs + [letter.sign] for t in paragraph]
    return written, layout.seen_before + own + layout.seen_after + seen_history


def html_reply(reply):
    """What the program of a plain reply style writes in HTML."""
    near = {"outlook-divider": "outlook-web", "outlook-moto": "outlook-mobile", "outlook-underscores": "outlook-fields",
            "outlook-english-fields": "outlook-fields", "gmail-wrapped": "gmail", "thunderbird-ja": "thunderbird", "becky": "yahoo",
            "arrows": "blockquote", "arrows-tight": "blockquote", "arrows-twice": "blockquote", "forwarded": "gmail"}
    return near.get(reply, reply)


def build(case, number):
    """The octets of the mail and the text of its expectation."""
    charset = carriage.CHARSETS[case.charset]
    language = charset.language
    letter = letters.letter(language, case.style, charset.extra)
    plain, plain_seen = plain_text(case, language, letter)
    html, html_seen = html_text(case, language, letter)
    params = {"": "", "flowed": "; format=flowed", "delsp": "; format=flowed; delsp=yes"}[case.flowed]
    shape, plain_path, html_path = carriage.SHAPES[case.shape]
    p = carriage.entity(charset, case.transfer, "text/plain", plain, params)
    h = carriage.entity(charset, case.transfer, "text/html", html)
    mail = head(language, number) + shape(carriage.Boundaries(), p, h)
    if case.eol == "lf":
        mail = mail.replace(b"\r\n", b"\n")
    said = [f"# {case.charset}, {case.transfer}, {case.shape}, letter {case.style}, reply {case.reply}"
            + (f", layout {case.layout}" if html_path else "") + (f", {case.flowed}" if case.flowed else "")
            + (", LF" if case.eol == "lf" else ""), f"line {language}{MAY_STAY.get(case.charset, '')}"]
    if plain_path:
        said += [f"== {plain_path} text/plain"] + plain_seen
    if html_path:
        said += [f"== {html_path} text/html"] + html_seen
    return mail, "\n".join(said) + "\n"


def cycled(values):
    return itertools.cycle(list(values))


def cases():
    """Each list is gone through whole; what a list leaves open is dealt round from the others."""
    styles = {"ja": cycled(letters.JA), "en": cycled(letters.EN)}
    replies, laid, eols = cycled(letters.replies("ja")), cycled(layouts.LAYOUTS), cycled(["crlf"] * 5 + ["lf"])
    shapes, transfers = cycled(carriage.SHAPES), cycled(carriage.TRANSFERS)
    language = lambda charset: carriage.CHARSETS[charset].language
    for charset in carriage.CHARSETS:
        for transfer, shape in (("bare", "plain"), ("base64", "plain"), ("qp", "plain"), ("bare", "html"), (next(transfers), "alternative")):
            yield Case(f"charset-{charset}-{transfer}-{shape}", charset, transfer, shape,
                       next(styles[language(charset)]), next(replies), next(laid), next(eols))
    for transfer, charset in itertools.product(carriage.TRANSFERS, ("utf-8", "iso-2022-jp", "shift_jis", "us-ascii")):
        shape = next(shapes)
        yield Case(f"transfer-{transfer}-{charset}-{shape}", charset, transfer, shape,
                   next(styles[language(charset)]), next(replies), next(laid), next(eols))
    for shape, charset, eol in itertools.product(carriage.SHAPES, ("utf-8", "iso-2022-jp", "us-ascii"), ("crlf", "lf")):
        yield Case(f"shape-{shape}-{charset}-{eol}", charset, next(transfers) if eol == "crlf" else "base64" if charset == "utf-8" else "bare",
                   shape, next(styles[language(charset)]), "none", next(laid), eol)
    for reply, charset in itertools.product(letters.replies("ja"), ("utf-8", "iso-2022-jp", "utf-8-en")):
        shape = "alternative" if charset == "utf-8" else "plain"
        yield Case(f"reply-{reply}-{charset}-{shape}", charset, next(transfers), shape, next(styles[language(charset)]), reply)
    for reply, charset in itertools.product(letters.html_replies("ja"), ("utf-8", "utf-8-en")):
        yield Case(f"reply-html-{reply}-{language(charset)}", charset, "qp", "html", next(styles[language(charset)]), reply,
                   next(laid), next(eols))
    for layout, charset in itertools.product(layouts.LAYOUTS, ("utf-8", "utf-8-en")):
        reply = "none" if charset == "utf-8" else html_reply(next(replies))
        yield Case(f"layout-{layout}-{language(charset)}", charset, "base64" if charset == "utf-8" else "bare", "html",
                   next(styles[language(charset)]), reply, layout)
    for style, flowed in itertools.product(letters.JA, ("", "delsp")):
        yield Case(f"letter-ja-{style}-{flowed or 'fixed'}", "utf-8", next(transfers), "plain", style, next(replies), flowed=flowed)
    for style, flowed in itertools.product(letters.EN, ("", "flowed")):
        yield Case(f"letter-en-{style}-{flowed or 'fixed'}", "us-ascii", next(transfers), "plain", style, next(replies), flowed=flowed)


def made():
    """File name to octets, for everything that is made."""
    files = {}
    for number, case in enumerate(cases()):
        if f"{case.name}.eml" in files:
            continue
        mail, said = build(case, number)
        files[f"{case.name}.eml"], files[f"{case.name}.expected.txt"] = mail, said.encode()
    for name, why, codes, mail in refused.mails(head):
        files[f"refused-{name}.eml"] = mail
        files[f"refused-{name}.expected.txt"] = f"# {why}\nuntouched {' '.join(codes)}\n".encode()
    return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    wanted = made()
    found = {p.name: p.read_bytes() for p in options.folder.iterdir()} if options.folder.is_dir() else {}
    stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if options.check:
        print("\n".join(stale[:20]))
        print(f"{len(wanted) // 2} mails made, {len(stale)} files differ")
        return 1 if stale else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        path = options.folder / name
        path.write_bytes(wanted[name]) if name in wanted else path.unlink()
    print(f"{len(wanted) // 2} mails made, {len(stale)} files written or removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
