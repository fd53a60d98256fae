#!/usr/bin/env python3
"""Gives the mails of the corpus to other editors of mail and counts what became of each, in a table.

compare.py BINARY EDITORS FOLDER… [--only NAME] [--limit N] [--faults]

EDITORS is what `install-editors` filled. Every editor gets the same mails, with CRLF, and the same line: its text in the
mail's language and its HTML, in UTF-8. The judge is that of our own tests (reading.py). A mail counts as right in a column
when nothing is wrong with it there; columns that a mail cannot go wrong in (no file, no signature) leave it out.
"""
import argparse, collections, pathlib, subprocess, sys, tempfile

import editors, reading

LINK = "https://careerrelay.jp/r/example-fq7kz6lkpxpjgclmajxureq7iy"
COLUMNS = {
    "line readable": ("line",), "link whole": ("link",), "in its place": ("place", "line"),
    "rest of the text kept": ("rest",), "files, forwarded mails kept": ("attachments",),
    "no old octet changed": ("octets", "rest", "attachments"), "signature valid": ("signature",),
}


def line_of(language):
    lead = reading.LEADS[language]
    return f"{lead}\n{LINK}\n", f'<p>{lead}<br><a href="{LINK}">{LINK.removeprefix("https://")}</a></p>\n'


def signed_octets(raw):
    """What a signature covers: the first part of each multipart/signed, from delimiter to delimiter (RFC 1847 2.1)."""
    found, at = [], 0
    while (at := raw.lower().find(b"multipart/signed", at)) >= 0:
        boundary = reading.boundary_at(raw, at)
        first = raw.find(b"\r\n--" + boundary, at)
        behind = raw.find(b"\r\n--" + boundary, first + 1)
        if first < 0 or behind < 0:
            return None
        found.append(raw[first + 4 + len(boundary):behind])
        at = behind
    return found


def judge(before, after, expected, is_signed):
    """The questions in which the mail went wrong, with what is wrong."""
    if is_signed:
        kept = signed_octets(before) == signed_octets(after)
        return [] if kept else [reading.Fault("signature", "the signed octets are others")]
    return reading.judge(before, after, expected._replace(codes=[]), is_bare=False)


def mails(folders):
    """(name, octets with CRLF, expectation, whether it is signed) of each mail that a line belongs in, or a signature is on."""
    for folder in folders:
        for path in sorted(folder.glob("*.eml")):
            expected = reading.expectation(path.with_suffix(".expected.txt").read_text("utf-8"))
            raw = editors.with_crlf(path.read_bytes())
            is_signed = "signed" in expected.codes and b"multipart/signed" in raw
            if is_signed or expected.language and not expected.codes:
                yield path.stem, raw, expected, is_signed


def asked(raw, is_signed):
    """The questions that the mail can go wrong in."""
    if is_signed:
        return {"signature"}
    has_files = any(not leaf.is_text for leaf in reading.leaves(raw))
    return {"line", "link", "place", "rest", "octets"} | ({"attachments"} if has_files else set())


def tally(editor, chosen, show):
    right, total = collections.Counter(), collections.Counter()
    for name, raw, expected, is_signed in chosen:
        text, html = line_of(expected.language or "ja")
        try:
            faults = judge(raw, editor.edit(raw, text, html), expected, is_signed)
        except (RuntimeError, OSError, ValueError, LookupError, subprocess.TimeoutExpired) as why:
            faults = [reading.Fault(question, f"{type(why).__name__}: {why}") for question in asked(raw, is_signed)]
        wrong, can = {fault.question for fault in faults}, asked(raw, is_signed)
        for column, questions in COLUMNS.items():
            if questions[0] in can:
                total[column] += 1
                right[column] += not wrong & set(questions)
        if show:
            print(*(f"{editor.name()}\t{name}\t{f.question}: {f.text[:200]}" for f in faults), sep="\n", file=sys.stderr)
    return right, total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("editors", type=pathlib.Path)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    chosen = list(mails(options.folders))
    if options.limit:
        signed = [mail for mail in chosen if mail[3]]
        others = [mail for mail in chosen if not mail[3]]
        chosen = others[::max(1, len(others) // options.limit)] + signed
    editors.Ours.binary = pathlib.Path(options.binary).resolve()
    print("| | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for kind in (editors.Ours, editors.AlterMime, editors.MimeDefang, editors.Haraka):
        if options.only and options.only.lower() not in kind.__name__.lower():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            editor = kind(options.editors.resolve(), pathlib.Path(scratch))
            try:
                right, total = tally(editor, chosen, options.faults)
            finally:
                editor.close()
            print(f"| {editor.name()} | " + " | ".join(f"{right[c]} of {total[c]}" for c in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
