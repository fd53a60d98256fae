#!/usr/bin/env python3
"""Sends mails with Python's smtplib and catches them again where a real Postfix has put them.

smtplib_client.py PORT MAILDIR FOLDER     PORT is the gateway's, MAILDIR is Postfix's, FOLDER is written

Writes FOLDER/sent/NAME.eml (as they went over the wire) and FOLDER/caught/NAME.N.eml (from our trace line on, line ends
as on the wire), for read_back.py. Exits with 1 when a mail that is no rejection does not come back octet for octet.
"""
import pathlib, smtplib, sys, time

HR = "saiyo@sakura.example"
REJECTION = """応募者様

株式会社サクラ商事 採用担当の佐藤でございます。
この度は弊社の求人にご応募いただき、誠にありがとうございました。

慎重に検討を重ねました結果、誠に残念ではございますが、
今回は採用を見送らせていただくこととなりました。

末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。

株式会社サクラ商事 人事部
"""
# In Shift_JIS the second octet of these is a backslash, and a line that starts with a dot is one all the same.
TABLES = "表示と予定の一覧\n.\n..\n.最初に点\n...\nソ能十表\n\n.\n"


def mail(name, to, charset, text, encoding="8bit"):
    head = [f"From: {HR}", f"To: {to}", f"Message-ID: <{name}@sakura.example>", "Date: Mon, 06 Apr 2026 10:00:00 +0900",
            "Subject: =?UTF-8?B?6YG46ICD57WQ5p6c44Gu44GU6YCj57Wh?=", "MIME-Version: 1.0",
            f"Content-Type: text/plain; charset={charset}", f"Content-Transfer-Encoding: {encoding}"]
    return ("\n".join(head) + "\n\n").encode().replace(b"\n", b"\r\n") + text.encode(charset).replace(b"\n", b"\r\n")


def mails():
    """Name, recipients, whether it is a rejection, octets."""
    one = ["partner@vendor.example"]
    yield "sjis-dots", one, False, mail("sjis-dots", one[0], "shift_jis", TABLES)
    yield "long-lines", one, False, mail("long-lines", one[0], "utf-8", "始め\n" + "あ" * 5000 + "\n." + "x" * 60000 + "\n")
    yield "bulk-news", [f"p{n}@vendor.example" for n in range(40)], False, mail("bulk-news", HR, "utf-8", TABLES)
    for charset, encoding in [("shift_jis", "8bit"), ("euc-jp", "8bit"), ("iso-2022-jp", "7bit"), ("utf-8", "8bit")]:
        to = f"{charset.replace('_', '-')}@candidate.example"
        yield to.split("@")[0], [to], True, mail(to.split("@")[0], to, charset, REJECTION, encoding)
    hidden = [f"hidden{n}@candidate.example" for n in range(5)]
    yield "bulk-rejection", hidden, True, mail("bulk-rejection", "undisclosed-recipients:;", "shift_jis", REJECTION)


def send(port, sent):
    expected = {}
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        for name, recipients, rejection, octets in mails():
            refused = client.sendmail(HR, recipients, octets, mail_options=["BODY=8BITMIME"])
            assert not refused, refused
            (sent / f"{name}.eml").write_bytes(octets)
            expected[name] = (len(recipients), rejection, octets)
    return expected


def catch(maildir):
    """What Postfix has delivered: each mail from our trace line on, behind the lines Postfix has put in front."""
    for path in sorted((maildir / "new").glob("*")):
        octets = path.read_bytes().replace(b"\n", b"\r\n")
        ours = octets.rfind(b"\r\nReceived: ", 0, octets.find(b"by gw.sakura.example")) + 2
        name = octets.split(b"Message-ID: <")[1].split(b"@")[0].decode()
        yield name, octets[ours:]


def main(port, maildir, folder):
    (folder / "sent").mkdir(parents=True)
    (folder / "caught").mkdir()
    expected = send(port, folder / "sent")
    wanted, until = sum(count for count, _, _ in expected.values()), time.monotonic() + 60
    while len(caught := [c for c in catch(maildir) if c[0] in expected]) < wanted and time.monotonic() < until:
        time.sleep(0.05)
    faults = [] if len(caught) == wanted else [f"{len(caught)} mails came out of {wanted}"]
    for number, (name, octets) in enumerate(caught):
        (folder / "caught" / f"{name}.{number}.eml").write_bytes(octets)
        _, rejection, sent = expected[name]
        if not rejection and not octets.endswith(b"+0000\r\n" + sent):
            faults.append(f"{name}: changed on the way")
    print(f"{len(caught)} mails caught")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
