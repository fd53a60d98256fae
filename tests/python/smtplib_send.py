#!/usr/bin/env python3
"""Sends one mail with Python's smtplib: smtplib_send.py PORT clear|starttls|implicit CA FROM TO FILE [MECHANISM USER PASSWORD]

The server must show a certificate for localhost that CA has signed. Exits with 1 when anything is refused.
"""
import pathlib, smtplib, ssl, sys


def connect(port, protection, ca):
    if protection == "clear":
        return smtplib.SMTP("localhost", port, timeout=60)
    context = ssl.create_default_context(cafile=ca)
    if protection == "implicit":
        return smtplib.SMTP_SSL("localhost", port, timeout=60, context=context)
    client = smtplib.SMTP("localhost", port, timeout=60)
    client.starttls(context=context)
    return client


def main(port, protection, ca, sender, recipient, file, mechanism=None, user=None, password=None):
    with connect(int(port), protection, ca) as client:
        if mechanism:
            client.ehlo_or_helo_if_needed()
            if mechanism not in client.esmtp_features.get("auth", "").split():
                return f"{mechanism} is not offered"
            client.user, client.password = user, password
            client.auth(mechanism, client.auth_plain if mechanism == "PLAIN" else client.auth_login)
        refused = client.sendmail(sender, [recipient], pathlib.Path(file).read_bytes(), mail_options=["BODY=8BITMIME"])
        return f"refused: {refused}" if refused else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
