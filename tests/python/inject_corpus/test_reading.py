#!/usr/bin/env python3
"""The judge itself: each fault that a mail can have is seen, and a mail without one has none."""
import base64, sys, unittest

import compare, reading

LEAD, URL = reading.LEADS["ja"], "https://careerrelay.jp/r/example-abc234"
TEXT = ["山田 様", "", "今回はご希望に添いかねる結果となりました。", "", reading.LINE, "", "末筆ながらお祈り申し上げます。"]
PLAIN = reading.Expected("ja", {"1": ("text/plain", TEXT)}, [])
HEAD = "From: a@b.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset={}\nContent-Transfer-Encoding: 8bit\n\n"


def mail(rows, charset="utf-8", head=HEAD, written="utf-8"):
    text = head.format(charset) + "\n".join(rows) + "\n"
    return text.replace("\n", "\r\n").encode(written)


def line_put(rows, at=4, lead=LEAD, url=URL):
    return rows[:at] + [lead[:20], lead[20:], url, ""] + rows[at:]


BARE = [t for t in TEXT[:4]] + TEXT[6:]


class Judge(unittest.TestCase):
    def check(self, before, after, expected, *questions):
        found = {f.question for f in reading.judge(before, after, expected)}
        self.assertEqual(found, set(questions), reading.judge(before, after, expected))

    def test_a_line_in_its_place_is_right(self):
        self.check(mail(BARE), mail(line_put(BARE)), PLAIN)

    def test_no_line_is_seen(self):
        self.check(mail(BARE), mail(BARE), PLAIN, "line")

    def test_a_reason_allows_a_mail_to_stay_but_not_to_change_otherwise(self):
        allowed = PLAIN._replace(codes=["no_place"])
        self.check(mail(BARE), mail(BARE), allowed)
        self.check(mail(BARE), mail(BARE + ["x"]), allowed, "line", "link")

    def test_a_line_at_the_end_is_out_of_place(self):
        self.check(mail(BARE), mail(BARE + ["", LEAD, URL]), PLAIN, "place")

    def test_a_line_without_a_blank_one_around_it_is_out_of_place(self):
        self.check(mail(BARE), mail(BARE[:3] + [LEAD, URL] + BARE[3:]), PLAIN, "place")

    def test_two_lines_are_one_too_many(self):
        self.check(mail(BARE), mail(line_put(line_put(BARE))), PLAIN, "link", "rest")

    def test_a_cut_link_is_no_link(self):
        self.check(mail(BARE), mail(line_put(BARE, url="https://careerrelay.jp/r/\nexample-abc234")), PLAIN, "link", "line")

    def test_octets_of_another_charset_are_not_readable(self):
        before = mail(BARE, "Shift_JIS", written="cp932")
        start = before.index("末筆".encode("cp932"))
        after = before[:start] + f"{LEAD}\r\n{URL}\r\n\r\n".encode() + before[start:]
        self.check(before, after, PLAIN, "line")

    def test_a_text_written_anew_has_other_octets(self):
        before = mail(BARE)
        text = "\n".join(line_put(BARE)).replace("\n", "\r\n").encode()
        head = mail([], head=HEAD).replace(b"8bit", b"base64").rstrip(b"\r\n") + b"\r\n\r\n"
        self.check(before, head + base64.encodebytes(text), PLAIN, "headers", "octets")

    def test_a_changed_sentence_is_seen(self):
        self.check(mail(BARE), mail(line_put(BARE)).replace("山田".encode(), "田中".encode()), PLAIN, "rest", "octets")

    def test_a_changed_field_is_seen(self):
        self.check(mail(BARE), mail(line_put(BARE)).replace(b"a@b", b"c@d"), PLAIN, "headers")

    def test_a_lost_attachment_is_seen(self):
        head = 'From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="m"\n\n--m\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
        tail = ["--m", "Content-Type: message/rfc822", "", "Subject: old", "", "text", "--m--"]
        expected = reading.Expected("ja", {"1": PLAIN.parts["1"]}, [])
        whole = mail(line_put(BARE) + tail, head=head)
        self.check(mail(BARE + tail, head=head), whole, expected)
        self.check(mail(BARE + tail, head=head), whole.replace(b"Subject: old", b"Subject: new"), expected, "attachments")
        cut = mail(line_put(BARE) + ["--m--"], head=head)
        self.check(mail(BARE + tail, head=head), cut, expected, "attachments", "rest")

    def test_a_mail_that_must_stay_may_not_change(self):
        stays = reading.Expected(None, {}, ["signed"])
        self.check(mail(BARE), mail(BARE), stays)
        self.check(mail(BARE), mail(BARE) + b"x", stays, "untouched")

    def test_markup_hides_what_a_person_does_not_see(self):
        html = '<style>p{}</style><p>a<br>b &amp; c</p><div style="display: none">no</div><!--[if mso]><p>no</p><![endif]--><td>d<a href="x">e</a></td>'
        part = reading.Leaf("1", "text/html", "utf-8", False, False, [], b"", html.encode(), True)
        self.assertEqual(reading.html_lines(part), (["a", "b & c", "de"], [["x", "e", False]]))

    def test_flowed_lines_are_joined_and_fixed_ones_are_not(self):
        self.assertEqual(reading.unflow(["one ", "two", " >x", "-- ", "name"], False), ["one two", ">x", "-- ", "name"])
        self.assertEqual(reading.unflow(["日本 ", "語"], True), ["日本語"])

    def test_jis_is_read_with_the_rows_of_makers_and_half_width_kana(self):
        self.assertEqual(reading.characters(b"a\x1b$B-!;3\x1b(I1\x1b(B", "iso-2022-jp"), "a①山ｱ")
        with self.assertRaises(ValueError):
            reading.characters(b"\x1b$B;3\r\n;3\x1b(B", "iso-2022-jp")

    def test_what_a_signature_covers_is_compared(self):
        signed = b'Content-Type: multipart/signed; boundary="s"\r\n\r\n--s\r\nContent-Type: text/plain\r\n\r\nhello\r\n--s\r\nX: y\r\n\r\nsig\r\n--s--\r\n'
        stays = reading.Expected(None, {}, ["signed"])
        self.assertFalse(compare.judge(signed, b"Received: x\r\n" + signed, stays, True))
        self.assertTrue(compare.judge(signed, signed.replace(b"hello", b"hello\r\nline"), stays, True))


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    print(f"{result.testsRun - len(result.failures) - len(result.errors)} passed, {len(result.failures) + len(result.errors)} failed")
    sys.exit(not result.wasSuccessful())
