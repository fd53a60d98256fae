#!/usr/bin/env python3
"""Reads mails that went through the gateway with Python's own email package, and compares them with what was sent.

read_back.py FOLDER      FOLDER holds sent/NAME.eml and caught/NAME.N.eml (as `career-relay demo --data` leaves them)

A caught mail has our trace line in front. Behind it, it either is the sent mail octet for octet, or each text part that
was changed decodes, in the charset it is labelled with, to the old text with one run inserted that holds one link.
Prints a line per mail; exits with 1 if anything else is found.
"""
import email, email.policy, pathlib, re, sys

LINK = re.compile(r"https://careerrelay\.jp/r/[a-z0-9-]+")


def without_trace(raw):
    """The mail behind its first header field, which must be our Received line."""
    if not raw.lower().startswith(b"received:"):
        raise ValueError("no trace line in front")
    end = re.search(rb"\r\n(?![ \t])", raw).end()
    return raw[end:]


def parts(raw):
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    return [p for p in message.walk() if not p.is_multipart()]


def text_of(part):
    return part.get_payload(decode=True).decode(part.get_content_charset() or "us-ascii", "strict")


def inserted_run(old, new):
    """What stands in `new` beyond `old`; None unless taking out one run gives `old` back."""
    grown = len(new) - len(old)
    start = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), len(old))
    for at in range(start, -1, -1):
        if new[:at] == old[:at] and new[at + grown:] == old[at:]:
            return new[at:at + grown]
    return None


def compare(sent, caught):
    """(lines inserted, faults) of one caught mail."""
    if sent == caught:
        return 0, []
    before, after, lines, faults = parts(sent), parts(caught), 0, []
    if len(before) != len(after):
        return 0, [f"{len(before)} parts sent, {len(after)} caught"]
    for number, (old, new) in enumerate(zip(before, after)):
        name = f"part {number} ({old.get_content_type()})"
        if old.items() != new.items():
            faults.append(f"{name}: its header fields changed")
        if old.get_content_maintype() != "text":
            if old.get_payload(decode=True) != new.get_payload(decode=True):
                faults.append(f"{name}: its content changed")
            continue
        run = inserted_run(text_of(old), text_of(new))
        if run is None:
            faults.append(f"{name}: the old text is not all there")
        elif len(LINK.findall(run)) != 1:
            faults.append(f"{name}: {len(LINK.findall(run))} links in what was inserted")
        elif len(LINK.findall(text_of(new))) != 1:
            faults.append(f"{name}: the link stands there more than once")
        else:
            lines += 1
    return lines, faults


def main(folder):
    wrong = seen = 0
    for path in sorted((folder / "caught").glob("*.eml")):
        name = path.name.split(".")[0]
        sent = (folder / "sent" / f"{name}.eml")
        if not sent.exists():
            continue
        seen += 1
        try:
            lines, faults = compare(sent.read_bytes(), without_trace(path.read_bytes()))
        except (ValueError, LookupError, UnicodeDecodeError) as fault:
            lines, faults = 0, [f"{type(fault).__name__}: {fault}"]
        wrong += bool(faults)
        print(f"{path.name}\t{lines} line(s)\t{'; '.join(faults) or ('octet for octet' if not lines else 'rest as sent')}")
    print(f"{seen - wrong} as they should be, {wrong} not")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
