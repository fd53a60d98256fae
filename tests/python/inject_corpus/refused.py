"""Mails of the made corpus that must leave octet for octet, with the reasons that are right for each."""
import carriage, letters

UTF8 = carriage.CHARSETS["utf-8"]
DETACHED = b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7s"\r\n\r\n' + carriage.b64(bytes(range(1, 200)))
PGP_SIGNATURE = b'Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\niQEzBAEBCAAdFiEE\r\n-----END PGP SIGNATURE-----\r\n'
OPAQUE = b'Content-Type: application/pkcs7-mime; smime-type=%s; name="smime.p7m"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n\r\n' + carriage.b64(bytes(range(3, 203)))


def texts():
    paragraphs = [[t for t in p if t != letters.LINE] for p in letters.letter("ja", "plain").paragraphs]
    found = letters.letter("ja", "plain")._replace(paragraphs=[p for p in paragraphs if p])
    plain = "\n".join(letters.plain_lines(found)) + "\n"
    html = "".join(f"<p>{'<br>'.join(p)}</p>\n" for p in found.paragraphs + [found.sign])
    return plain, html


def mails(head):
    """(name, what it is, the codes that are right, octets) of each."""
    plain, html = texts()
    p, h = carriage.entity(UTF8, "bare", "text/plain", plain), carriage.entity(UTF8, "bare", "text/html", html)
    multi = lambda *args, **kinds: carriage.Boundaries().multi(*args, **kinds)
    m = carriage.Boundaries()
    both = m.multi("alternative", p, h)
    smime = '; protocol="application/pkcs7-signature"; micalg=sha-256'
    signed = lambda child, sig, params: param(m.multi("signed", child, sig, preamble=b""), params)
    begin = lambda number: head("ja", f"refused-{number}")

    def param(octets, params):
        return octets.replace(b"multipart/signed;", b"multipart/signed" + params.encode() + b";", 1)

    bodies = [
        ("smime-signed", "S/MIME, detached", ["signed"], signed(p, DETACHED, smime)),
        ("smime-signed-alternative", "S/MIME over an alternative", ["signed"], signed(both, DETACHED, smime)),
        ("smime-signed-inside-mixed", "signed below a mixed, as a list server leaves it", ["signed"], m.multi("mixed", signed(p, DETACHED, smime), carriage.OTHER)),
        ("pgp-signed", "PGP/MIME", ["signed"], signed(p, PGP_SIGNATURE, '; protocol="application/pgp-signature"; micalg=pgp-sha256')),
        ("signed-three-deep", "signed three multiparts down", ["signed"], m.multi("mixed", m.multi("related", m.multi("mixed", signed(p, DETACHED, smime))))),
        ("opaque", "opaque S/MIME", ["pkcs7", "no_text", "not_recruiting"], OPAQUE % b"signed-data"),
        ("enveloped", "enveloped S/MIME", ["pkcs7", "no_text", "not_recruiting"], OPAQUE % b"enveloped-data"),
        ("pgp-encrypted", "PGP/MIME, encrypted", ["encrypted", "no_text", "not_recruiting"], m.multi("encrypted", b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n", b"Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----\r\n")),
        ("inline-pgp", "clear-signed text", ["inline_pgp"], carriage.entity(UTF8, "bare", "text/plain", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + plain + "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n")),
        ("inline-pgp-base64", "clear-signed text in base64", ["inline_pgp"], carriage.entity(UTF8, "base64", "text/plain", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + plain + "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n")),
        ("calendar", "an invitation beside the texts", ["calendar", "interview"], m.multi("alternative", p, h, b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")),
        ("ics-file", "an invitation as a file", ["calendar", "interview"], m.multi("mixed", p, carriage.attachment("application/ics", "invite.ics"))),
        ("read-receipt", "a read receipt", ["report", "automatic", "no_text", "not_recruiting"], m.multi("report", p, b"Content-Type: message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n")),
        ("delivery-report", "a delivery report that quotes the text", ["report", "automatic", "no_text", "not_recruiting"], m.multi("report", p, b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.mail.example\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n")),
        ("forwarded-only", "nothing but a forwarded mail", ["message_rfc822", "no_text", "not_recruiting"], m.multi("mixed", carriage.forwarded(carriage.inner_mail(p)))),
        ("external-body", "a body that lies elsewhere", ["partial", "no_text", "not_recruiting"], m.multi("mixed", p, b'Content-Type: message/external-body; access-type=URL;\r\n URL="https://sakura.example/a"\r\n\r\nContent-Type: application/pdf\r\n\r\n')),
        ("partial", "a fragment", ["partial", "no_text", "not_recruiting"], b'Content-Type: message/partial; id="a@sakura.example"; number=1; total=2\r\n\r\n' + p),
        ("winmail", "winmail.dat alone", ["winmail_dat", "no_text", "not_recruiting"], m.multi("mixed", carriage.attachment("application/ms-tnef", "winmail.dat"))),
        ("utf-16", "UTF-16 in base64", ["charset_unsupported", "unreadable", "no_text", "not_recruiting"], b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n" + carriage.b64(plain.encode("utf-16"))),
        ("utf-7", "UTF-7", ["charset_unsupported", "unreadable", "no_text", "not_recruiting"], b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + plain.replace("\n", "\r\n").encode("utf-7") + b"\r\n"),
        ("wrong-label", "Shift_JIS labelled UTF-8", ["charset_illegal_octets", "unreadable", "no_text", "not_recruiting"], b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + plain.replace("\n", "\r\n").encode("cp932")),
        ("no-label-shift-jis", "Shift_JIS without a label", ["charset_missing", "unreadable", "no_text", "not_recruiting"], b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + plain.replace("\n", "\r\n").encode("cp932")),
        ("uuencode", "an encoding that is not known", ["transfer_unknown", "unreadable", "no_text", "not_recruiting"], b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#0V%T\r\n`\r\nend\r\n"),
        ("bad-base64", "a footer appended to base64", ["malformed_base64", "unreadable", "no_text", "not_recruiting"], carriage.entity(UTF8, "base64", "text/plain", plain) + b"\r\n-- \r\nThis mail was scanned.\r\n"),
        ("cut-base64", "base64 that ends too early", ["truncated_base64", "unreadable", "no_text", "not_recruiting"], carriage.entity(UTF8, "base64-no-end", "text/plain", plain)[:-3]),
        ("bad-qp", "8-bit octets in quoted-printable", ["malformed_quoted_printable", "unreadable", "no_text", "not_recruiting"], carriage.entity(UTF8, "bare", "text/plain", plain).replace(b"8bit", b"quoted-printable")),
        ("unclosed", "the last boundary is missing", ["malformed_unclosed"], both[:both.rstrip().rfind(b"--=_part")]),
        ("nul", "a NUL in the text", ["malformed_nul"], p.replace("様".encode(), "様\0".encode(), 1)),
        ("bare-cr", "a bare CR in the text", ["malformed_bare_line_end"], p.replace("様\r\n".encode(), "様\r".encode(), 1)),
        ("no-boundary", "a multipart without a boundary", ["malformed_boundary", "no_text", "not_recruiting"], b"Content-Type: multipart/mixed\r\n\r\n" + p),
        ("delimiter-after-close", "a part behind the end", ["malformed_delimiter_after_close"], multi("mixed", p) + b"--=_part1_x\r\n" + p),
        ("delimiter-in-mid-line", "a boundary in the middle of a line", ["malformed_delimiter_like"], multi("mixed", p.replace("様".encode(), "様 --=_part1_x".encode(), 1))),
        ("multipart-in-base64", "base64 on a multipart", ["malformed_multipart_encoded", "no_text", "not_recruiting"], b"Content-Transfer-Encoding: base64\r\n" + both),
        ("type-twice", "two Content-Type fields", ["malformed_field_repeated", "no_text", "not_recruiting"], b"Content-Type: text/html; charset=utf-8\r\n" + p),
        ("nested-80", "80 multiparts in one another", ["too_deep", "no_text", "not_recruiting"], nested(80, p)),
        ("parts-1200", "1,200 parts", ["too_many_parts", "unreadable", "no_text", "not_recruiting"], m.multi("mixed", p, *[b"\r\nx"] * 1200)),
        ("dkim-signed", "signed by DKIM on the way", ["dkim_signed"], b"DKIM-Signature: v=1; a=rsa-sha256; d=sakura.example; s=a; h=from; bh=abc=; b=def=\r\n" + p),
        ("link-present", "the company's link is there already", ["link_present"], carriage.entity(UTF8, "bare", "text/plain", plain.replace(letters.JA_PAPERS[0], "https://careerrelay.jp/r/example-fq7kz6lkpxpjgclmajxureq7iy"))),
        ("auto-reply", "an answer by a machine", ["automatic"], b"Auto-Submitted: auto-replied\r\n" + p),
        ("listed", "the result stands in a list", ["no_place"], carriage.entity(UTF8, "bare", "text/html", html.replace("<p>" + "<br>".join(letters.JA_RESULT) + "</p>", "<ul><li>" + "<br>".join(letters.JA_RESULT) + "</li></ul>"))),
        ("data-table", "the result stands in a table of data", ["no_place"], carriage.entity(UTF8, "bare", "text/html", html.replace("<p>" + "<br>".join(letters.JA_RESULT) + "</p>", "<table><tr><th>結果</th><td>" + "<br>".join(letters.JA_RESULT) + "</td></tr></table>"))),
        ("small-and-large", "the letter twice, for small and large screens", ["no_place", "ambiguous"], carriage.entity(UTF8, "bare", "text/html", f'<div class="desktop">{html}</div><div class="mobile">{html}</div>')),
    ]
    for number, (name, why, codes, body) in enumerate(bodies):
        yield name, why, codes, begin(number) + body


def nested(depth, inner):
    for level in range(depth):
        inner = carriage.Boundaries().multi("mixed", inner).replace(b"=_part1_x", f"=_level{level}_x".encode())
    return inner
