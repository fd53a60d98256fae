#!/usr/bin/python3
"""Verifies every DKIM signature of mails in files with dkimpy, which shares no code with the library that made them.

verify_dkim.py RECORDS FILE…     RECORDS has a line for each published key: its name, a blank, the text of its record

Prints a line for each mail: the file's name, and the selectors whose signatures hold; exits with 1 when one does not,
or when there is none. Debian's Python runs it: python3-dkim and python3-nacl are Debian's.
"""
import pathlib, sys

import dkim

records = {}
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    name, text = line.split(" ", 1)
    records[name.encode() + b"."] = text.encode()


def published(name, timeout=5):
    return records.get(name if isinstance(name, bytes) else name.encode())


def selector(signature):
    tags = dict(tag.strip().split(b"=", 1) for tag in b"".join(signature.split(b"\r\n")).strip().rstrip(b";").split(b";"))
    return tags[b"s"].decode()


faults = 0
for path in map(pathlib.Path, sys.argv[2:]):
    octets = path.read_bytes()
    if b"\r\n" not in octets:  # a Maildir has the line ends of Unix
        octets = octets.replace(b"\n", b"\r\n")
    message = dkim.DKIM(octets)
    signatures = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    good = []
    for number, signature in enumerate(signatures):
        try:
            if dkim.DKIM(octets).verify(idx=number, dnsfunc=published):
                good.append(selector(signature))
                continue
            why = "does not hold"
        except dkim.DKIMException as error:
            why = repr(error)
        faults += 1
        print(f"{path.name}: {selector(signature)}: {why}")
    faults += not signatures
    print(f"{path.name}: {' '.join(good)}")
sys.exit(1 if faults else 0)
