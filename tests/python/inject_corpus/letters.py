"""The letters of the made corpus, and the reply history below them, as people see them.

A letter is a list of paragraphs, each a list of lines, and the lines of its signature. LINE stands where the line of the
gateway belongs: behind the paragraph of the result, or behind the sentence of the result where the closing shares its
paragraph. It is never written into a mail; what writes the expected reading puts it there.
"""
import collections

LINE = "⟦line⟧"
Letter = collections.namedtuple("Letter", "paragraphs sign")
RULE = "-" * 40

JA_NAME = "山田 太郎 様"
JA_THANKS = ["このたびは弊社の営業職にご応募いただき、誠にありがとうございました。"]
JA_RESULT = ["慎重に選考を進めました結果、誠に残念ながら、", "今回はご希望に添いかねる結果となりました。"]
JA_PLEA = "何卒ご了承くださいますようお願い申し上げます。"
JA_PAPERS = ["お預かりした書類は弊社にて責任をもって破棄いたします。"]
JA_CLOSING = ["末筆ながら、今後のご活躍を心よりお祈り申し上げます。"]
JA_SIGN = [RULE, "株式会社さくら 人事部 採用担当", "saiyo@sakura.example", RULE]

JA = {
    "plain": lambda: Letter([[JA_NAME], JA_THANKS, JA_RESULT, [LINE], JA_PAPERS, JA_CLOSING], JA_SIGN),
    "plea": lambda: Letter([[JA_NAME], JA_THANKS, JA_RESULT + [JA_PLEA], [LINE], JA_CLOSING], JA_SIGN),
    "direct": lambda: Letter([[JA_NAME], JA_THANKS, JA_RESULT, [LINE], JA_CLOSING], JA_SIGN),
    "one-liners": lambda: Letter([[JA_NAME], JA_THANKS, ["".join(JA_RESULT)], [LINE], JA_PAPERS, JA_CLOSING], JA_SIGN),
    "same-paragraph": lambda: Letter([[JA_NAME], JA_THANKS, JA_RESULT + [JA_PLEA, LINE] + JA_CLOSING], JA_SIGN),
    "dashless": lambda: Letter([[JA_NAME], JA_THANKS, JA_RESULT, [LINE], JA_CLOSING],
                               ["株式会社さくら", "採用担当 佐藤", "saiyo@sakura.example"]),
    "season": lambda: Letter(
        [[JA_NAME], ["拝啓　時下ますますご清祥のこととお慶び申し上げます。"], JA_THANKS,
         JA_RESULT + ["ご希望に添えず大変恐縮ではございますが、", "悪しからずご了承のほどお願い申し上げます。"], [LINE], JA_CLOSING, ["敬具"]], JA_SIGN),
}

EN_THANKS = ["Thank you for applying for the position of sales manager at Sakura."]
EN_RESULT = ["After careful consideration we regret to inform you that we will", "not be moving forward with your application."]
EN_LONG = ["After careful consideration we regret to inform you that we will not be moving forward with your application."]
EN_PAPERS = ["Your documents will be deleted within six months."]
EN_CLOSING = ["We wish you every success in your job search."]
EN_SIGN = ["Kind regards,", "Jane Doe", "Sakura Example Inc."]

EN = {
    "plain": lambda: Letter([["Dear Mr Yamada,"], EN_THANKS, EN_RESULT, [LINE], EN_PAPERS, EN_CLOSING], EN_SIGN),
    "direct": lambda: Letter([["Dear Mr Yamada,"], EN_THANKS, EN_RESULT, [LINE], EN_CLOSING], EN_SIGN),
    "one-liners": lambda: Letter([["Dear Mr Yamada,"], EN_THANKS, EN_LONG, [LINE], EN_CLOSING], EN_SIGN),
    "same-paragraph": lambda: Letter([["Dear Mr Yamada,"], EN_THANKS, EN_RESULT + [LINE] + EN_CLOSING], EN_SIGN),
}


def letter(language, style, extra=""):
    """The letter, with `extra` characters of the charset in the line of thanks."""
    found = (JA if language == "ja" else EN).get(style, JA["plain"] if language == "ja" else EN["plain"])()
    if not extra:
        return found
    thanks = JA_THANKS if language == "ja" else EN_THANKS
    marked = [thanks[0] + extra]
    return Letter([marked if p is thanks else p for p in found.paragraphs], found.sign)


def run_together(found):
    """The letter as one sees it where nothing shows that a paragraph ends: the line is right in front of the wishes."""
    rows = [p for p in found.paragraphs if p != [LINE]]
    if len(rows) == len(found.paragraphs):
        return found
    wishes = next(i for i, p in enumerate(rows) if p in (JA_CLOSING, EN_CLOSING))
    return found._replace(paragraphs=rows[:wishes] + [[LINE]] + rows[wishes:])


def plain_lines(found):
    """Every line of the letter, LINE among them, with a blank one between paragraphs."""
    out = []
    for paragraph in found.paragraphs + [found.sign]:
        if paragraph:
            out += paragraph + [""]
    return out[:-1]


# --- reply history --------------------------------------------------------------------------------------------------------

OLD = {"ja": ["応募書類をお送りします。", "志望動機は次のとおりです。"], "en": ["Hello,", "I hereby apply for the position."]}
WHO = {"ja": "山田 太郎", "en": "Taro Yamada"}
ADDRESS = "yamada@mail.example"


def fields(language, date="2026年11月2日 9:00"):
    if language == "ja":
        return [f"差出人: {WHO['ja']} <{ADDRESS}>", f"送信日時: {date}", "宛先: saiyo@sakura.example", "件名: 営業職への応募"]
    return [f"From: {WHO['en']} <{ADDRESS}>", "Sent: Monday, November 2, 2026 9:00 AM", "To: saiyo@sakura.example",
            "Subject: Application"]


def arrows(language, mark="> "):
    return [mark + text for text in OLD[language]]


def replies(language):
    """The history below a letter in text/plain, as each mail program writes it."""
    who, old = f"{WHO[language]} <{ADDRESS}>", OLD[language]
    ja = language == "ja"
    return {
        "none": [],
        "outlook-fields": fields(language) + [""] + old,
        "outlook-divider": ["-----Original Message-----"] + fields(language) + [""] + old,
        "outlook-moto": [("-----元のメッセージ-----" if ja else "-----Original Message-----")] + fields(language) + [""] + old,
        "outlook-underscores": ["_" * 32] + fields(language) + [""] + old,
        "outlook-english-fields": fields("en") + [""] + old,
        "gmail": [f"2026年11月2日(月) 9:00 {who}:" if ja else f"On Mon, Nov 2, 2026 at 9:00 AM {who} wrote:", ""] + arrows(language),
        "gmail-wrapped": ([f"2026年11月2日(月) 9:00 {WHO['ja']}", f"<{ADDRESS}>:"] if ja else
                          [f"On Mon, Nov 2, 2026 at 9:00 AM {WHO['en']}", f"<{ADDRESS}> wrote:"]) + [""] + arrows(language),
        "apple": [f"2026/11/02 9:00、{who}のメール：" if ja else f"On 2 Nov 2026, at 09:00, {who} wrote:", ""] + arrows(language),
        "thunderbird": [f"On 2026/11/02 9:00, {who} wrote:"] + arrows(language),
        "thunderbird-ja": [f"2026/11/02 9:00、{WHO['ja']} さんは書きました:" if ja else f"On 11/2/26 9:00 AM, {WHO['en']} wrote:"] + arrows(language),
        "becky": ["On Mon, 02 Nov 2026 09:00:00 +0900", f"{who} wrote:", ""] + arrows(language),
        "iphone": [("iPhoneから送信" if ja else "Sent from my iPhone"), "",
                   (f"2026/11/02 9:00、{who}のメール：" if ja else f"On 2 Nov 2026, at 09:00, {who} wrote:"), ""] + arrows(language),
        "arrows": arrows(language),
        "arrows-tight": arrows(language, ">"),
        "arrows-twice": arrows(language) + [">> 採用情報のご案内" if ja else ">> Our vacancies"],
        "forwarded": ["---------- Forwarded message ---------"] + fields("en") + ["", ""] + old,
    }


def html_replies(language):
    """The same for HTML: octets of markup, and the lines a person sees of them."""
    who, old = f"{WHO[language]} &lt;{ADDRESS}&gt;", "<br>\n".join(OLD[language])
    ja = language == "ja"
    names = [f.split(": ", 1) for f in fields(language)]
    field_html = "<br>\n".join(f"<b>{n}:</b> {v.replace('<', '&lt;').replace('>', '&gt;')}" for n, v in names)
    seen_fields, seen_old = fields(language), OLD[language]
    attribution = f"2026年11月2日(月) 9:00 {who}:" if ja else f"On Mon, Nov 2, 2026 at 9:00 AM {who} wrote:"
    cite = f"2026/11/02 9:00、{who}のメール：" if ja else f"On 2 Nov 2026, at 09:00, {who} wrote:"
    shown = lambda text: text.replace("&lt;", "<").replace("&gt;", ">")
    phone = "iPhoneから送信" if ja else "Sent from my iPhone"
    border = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0mm 0mm 0mm"
    return {
        "none": ("", []),
        "outlook-fields": (f'<div style="{border}"><p class="MsoNormal">{field_html}</p></div>\n<p class="MsoNormal">{old}</p>\n',
                           seen_fields + seen_old),
        "outlook-web": (f'<hr tabindex="-1" style="display:inline-block; width:98%">\n<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt" color="#000000">{field_html}</font><div>&nbsp;</div></div>\n<div>{old}</div>\n',
                        seen_fields + seen_old),
        "outlook-mobile": (f'<div id="ms-outlook-mobile-signature"></div><div id="mail-editor-reference-message-container" class="ms-outlook-mobile-reference-message"><div style="text-align: left; padding: 3pt 0in 0in; border-width: 1pt medium medium; border-style: solid none none; border-color: rgb(181, 196, 223) currentcolor currentcolor;">{field_html}</div><div>{old}</div></div>\n',
                           seen_fields + seen_old),
        "gmail": (f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{attribution}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">{old}</blockquote></div>\n',
                  [shown(attribution)] + seen_old),
        "apple": (f'<div><br><blockquote type="cite"><div>{cite}</div><br class="Apple-interchange-newline"><div>{old}</div></blockquote></div><br>\n',
                  [shown(cite)] + seen_old),
        "iphone": (f'<div dir="ltr">{phone}</div><div dir="ltr"><br><blockquote type="cite">{cite}<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">{old}</div></blockquote>\n',
                   [phone, shown(cite)] + seen_old),
        "thunderbird": (f'<div class="moz-cite-prefix">On 2026/11/02 9:00, {who} wrote:<br></div><blockquote type="cite" cite="mid:x@mail.example">{old}</blockquote>\n',
                        [shown(f"On 2026/11/02 9:00, {who} wrote:")] + seen_old),
        "yahoo": (f'<div id="yahoo_quoted_1" class="yahoo_quoted"><div>----- Original Message -----</div><div>{field_html}</div><div>{old}</div></div>\n',
                  ["----- Original Message -----"] + seen_fields + seen_old),
        "blockquote": (f"<blockquote>{old}</blockquote>\n", seen_old),
    }
