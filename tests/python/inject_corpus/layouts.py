"""HTML layouts of the made corpus: how mail programs, newsletter builders and applicant tracking systems lay a letter out.

A layout takes the paragraphs of a letter (lines, without LINE) and returns the markup. `seen_before` and `seen_after` are
lines of its own that a person sees above and below the letter and its history. `is_flat`: nothing shows where a
paragraph ends. {history} stands where the history goes, ¤ in a template where a block or a line goes.
"""
import collections

Layout = collections.namedtuple("Layout", "render seen_before seen_after is_flat", defaults=([], [], False))
HISTORY = "{history}"


def page(inner, head="", body="<body>", doctype="<!DOCTYPE html>"):
    history = "" if HISTORY in inner else HISTORY
    return (f'{doctype}\n<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html">\n{head}</head>\n{body}\n'
            f"{inner}{history}</body>\n</html>\n")


def each(template, blocks, join="<br>\n"):
    return "".join(template.replace("¤", join.join(block)) + "\n" for block in blocks)


def all_lines(blocks, br="<br>\n"):
    return (br + br).join(br.join(block) for block in blocks)


def per_line(blocks, one, blank):
    return f"\n{blank}\n".join("\n".join(one.replace("¤", t) for t in block) for block in blocks) + "\n"


def in_page(template, **kinds):
    return Layout(lambda blocks: page(each(template, blocks), **kinds))


def in_frame(frame, template, join="<br>\n", **kinds):
    """The blocks by `template`, put into `frame` at @."""
    return Layout(lambda blocks: page(frame.replace("@", each(template, blocks, join)), **kinds))


STYLE = '<style type="text/css">\n¤\n</style>\n'
FONT = "font-family:'Hiragino Sans','Yu Gothic',Meiryo,sans-serif"
TABLE = '<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" align="center" style="border-collapse:collapse;max-width:100%">'
LOGO = '<tr><td bgcolor="#00aa55" style="padding:12px"><img src="cid:image1" alt="" width="120" height="40"></td></tr>\n'
FOOT = '<tr><td style="font-size:11px;color:#666666">&copy; 2026 Sakura &nbsp;|&nbsp; <a href="https://sakura.example/privacy">Privacy</a></td></tr>\n'
FOOT_SEEN = ["© 2026 Sakura | Privacy"]
CELL = f'<td style="padding:8px 24px;{FONT};font-size:14px;line-height:1.7;color:#333333">'
ROW = f"<tr>{CELL}¤</td></tr>"
PREHEADER = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">Sakura &#8203;&zwnj;&nbsp;&zwnj;&nbsp;</div>\n'
TINY = '<span style="color:transparent;display:none!important;font-size:1px;line-height:1px;opacity:0;max-height:0;max-width:0">preview</span>\n'
MSO_HEAD = ("<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch>"
            "</o:OfficeDocumentSettings></xml><![endif]-->\n")
WORD_HEAD = MSO_HEAD + "<style><!--\n@font-face {font-family:\"Yu Gothic\";}\np.MsoNormal {margin:0mm; font-size:10.5pt;}\n--></style>\n"
WORD_LINE = '<p class="MsoNormal"><span style="font-family:&quot;Yu Gothic&quot;;color:#222222">¤<o:p></o:p></span></p>'
WORD_BLANK = '<p class="MsoNormal"><span lang="EN-US"><o:p>&nbsp;</o:p></span></p>'
DARK = STYLE.replace("¤", "@media (prefers-color-scheme: dark) { body, .card { background:#111111 !important; color:#eeeeee !important } }\n[data-ogsc] .card { color:#eeeeee !important }")
DARK_META = '<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes" content="light dark">\n'
GHOST_OPEN = '<!--[if mso | IE]><table align="center" border="0" width="600"><tr><td style="line-height:0px;font-size:0px;"><![endif]-->\n'
GHOST_CLOSE = "<!--[if mso | IE]></td></tr></table><![endif]-->\n"
BUILDER = ('<div style="background-color:#f4f4f4;">' + GHOST_OPEN +
           '<div style="margin:0px auto;max-width:600px;background:#ffffff">'
           '<table align="center" border="0" cellpadding="0" cellspacing="0" role="presentation" style="width:100%;"><tbody><tr>'
           '<td style="direction:ltr;font-size:0px;padding:20px 0;text-align:center;">'
           '<div class="column" style="font-size:0px;text-align:left;direction:ltr;display:inline-block;vertical-align:top;width:100%;">'
           '<table border="0" cellpadding="0" cellspacing="0" role="presentation" style="vertical-align:top;" width="100%"><tbody>\n@'
           "</tbody></table></div></td></tr></tbody></table></div>\n" + GHOST_CLOSE + "</div>\n")
BUILDER_ROW = ('<tr><td align="left" style="font-size:0px;padding:10px 25px;word-break:break-word;">'
               '<div style="font-family:Arial,sans-serif;font-size:14px;line-height:1.6;text-align:left;color:#333333;">¤</div></td></tr>')
APTOS = 'class="elementToProof" style="font-family: Aptos, Calibri, sans-serif; font-size: 12pt; color: rgb(0, 0, 0);"'
TEXT = "margin:0 0 16px;font-family:Arial,sans-serif;font-size:14px;line-height:1.6;color:#333333"
CARD = f'{TABLE}<tr><td class="card" style="padding:24px;background:#ffffff">\n@</td></tr></table>\n'
NIGHT = f'{TABLE}<tr><td bgcolor="#1b1f2a" style="padding:24px;background:#1b1f2a;color:#f5f5f5">\n@</td></tr></table>\n'
LINK_WHITE = STYLE.replace("¤", "a { text-decoration: none }\n.button a { color: #ffffff; background: #00aa55; padding: 8px }")
SOCIAL = ('<table width="100%"><tr><td width="50%" style="font-size:12px"><a href="https://sakura.example/jobs">Jobs</a></td>'
          '<td width="50%" style="font-size:12px" align="right"><a href="https://sakura.example/blog">Blog</a></td></tr></table>\n')

LAYOUTS = {
    # What mail programs write.
    "p": in_page("<p>¤</p>"),
    "p-styled": in_page(f'<p style="{TEXT}">¤</p>'),
    "p-fragment": Layout(lambda b: each("<p>¤</p>", b) + HISTORY),
    "p-open": in_page("<p>¤"),
    "p-flat": Layout(lambda b: page(per_line(b, '<p style="margin:0">¤</p>', '<p style="margin:0"><br></p>'))),
    "p-nbsp-between": in_page("<p>¤</p><p>&nbsp;</p>"),
    "gmail": Layout(lambda b: '<div dir="ltr">' + per_line(b, "<div>¤</div>", "<div><br></div>") + "</div>\n" + HISTORY),
    "gmail-br": Layout(lambda b: '<div dir="ltr">' + all_lines(b, "<br>") + "</div>\n" + HISTORY),
    "apple": Layout(lambda b: page(per_line(b, "<div>¤</div>", "<div><br></div>"),
                                   body='<body style="overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;">')),
    "apple-br": Layout(lambda b: page(all_lines(b, "<br>"), body='<body dir="auto" style="overflow-wrap: break-word;">')),
    "thunderbird": Layout(lambda b: page(each("<p>¤</p>", b, "<br>\n      "), body='<body text="#000000" bgcolor="#ffffff">')),
    "outlook-web": Layout(lambda b: page(per_line(b, f"<div {APTOS}>¤</div>", f"<div {APTOS}><br></div>"), body='<body dir="ltr">')),
    "outlook-span": Layout(lambda b: page(per_line(b, '<div style="font-size:12pt"><span style="font-size:12pt">¤</span></div>',
                                                   '<div style="font-size:12pt"><span style="font-size:12pt"><br></span></div>'))),
    "word": Layout(lambda b: page('<div class="WordSection1">\n' + per_line(b, WORD_LINE, WORD_BLANK) + "</div>\n", WORD_HEAD,
                                  '<body lang="JA" link="#0563C1" vlink="#954F72" style="word-wrap:break-word">')),
    "font-br": Layout(lambda b: page('<div><font face="Meiryo" size="2"><span style="font-size:10pt">' + all_lines(b) + "</span></font></div>\n")),
    "br": Layout(lambda b: page(all_lines(b) + "\n")),
    "br-one-line": Layout(lambda b: page(all_lines(b, "<br>"))),
    "br-xhtml": Layout(lambda b: page("<div>" + all_lines(b, "<br />\n") + "</div>\n")),
    "br-in-p": Layout(lambda b: page("<p>" + all_lines(b) + "</p>\n")),
    "br-fragment": Layout(lambda b: all_lines(b) + "<br>\n" + HISTORY),
    "br-div-fragment": Layout(lambda b: "<div>" + all_lines(b, "<br>") + "</div>" + HISTORY),
    "nbsp-br": Layout(lambda b: page("<br>&nbsp;<br>".join("<br>".join(x) for x in b))),
    "uppercase": Layout(lambda b: "<HTML><HEAD><TITLE>x</TITLE></HEAD><BODY>\n" + each("<P>¤</P>", b, "<BR>\n") + HISTORY + "</BODY></HTML>\n"),
    "uppercase-font": Layout(lambda b: "<HTML><BODY BGCOLOR=\"#FFFFFF\">\n<FONT FACE=\"MS PGothic\">" + all_lines(b, "<BR>\n") + "</FONT>\n" + HISTORY + "</BODY></HTML>\n"),
    "no-end-tags": Layout(lambda b: "<html><body><div>" + all_lines(b) + "</div>\n" + HISTORY),
    "pre": Layout(lambda b: page("<pre>" + all_lines(b, "\n") + "</pre>\n")),
    "pre-wrap": Layout(lambda b: page('<div style="white-space:pre-wrap">' + all_lines(b, "\n") + "</div>\n")),
    "div-blocks": in_page("<div>¤</div>")._replace(is_flat=True),
    "div-margin": in_page('<div style="margin-bottom:16px">¤</div>'),
    "div-soup": in_frame('<div><div><div class="a">@</div></div></div>\n', "<div><div><span>¤</span></div></div><div><br></div>"),
    "div-rtl-safe": in_page('<div dir="auto" style="unicode-bidi:plaintext">¤</div>')._replace(is_flat=True),
    "spans-joined": Layout(lambda b: page(each("<p>¤</p>", [[f"<span>{t[:4]}</span><span>{t[4:]}</span>" for t in x] for x in b]))),
    "entities": Layout(lambda b: page(each("<p>¤</p>", [["".join(f"&#{ord(c)};" if ord(c) > 127 else c for c in t) for t in x] for x in b]))),
    "comments-between": in_page("<!-- block --><p>¤</p><!-- end -->"),
    "section": in_frame("<main><article><section>@</section></article></main>\n", "<p>¤</p>"),
    "strong": in_page("<p><strong>¤</strong></p>"),
    "hr-between": Layout(lambda b: page("<hr>".join(each("<div>¤</div>", [x]) for x in b))),
    # Newsletter builders.
    "card-p": in_frame(CARD, f'<p style="{TEXT}">¤</p>'),
    "card-br": Layout(lambda b: page(CARD.replace("@", all_lines(b) + "\n"))),
    "rows": in_frame(f"{TABLE}<tbody>{LOGO}@{FOOT}</tbody></table>\n", ROW)._replace(seen_after=FOOT_SEEN),
    "rows-p": in_frame(f"{TABLE}<tbody>{LOGO}@{FOOT}</tbody></table>\n", ROW.replace("¤", '<p style="margin:0">¤</p>'))._replace(seen_after=FOOT_SEEN),
    "rows-nested": in_frame(f"{TABLE}<tr><td>@</td></tr></table>\n", f'<table width="100%">{ROW}</table>'),
    "rows-deep": in_frame(f"{TABLE}<tr><td><table width=\"100%\"><tr><td><table width=\"100%\"><tr><td>@</td></tr></table></td></tr></table></td></tr></table>\n", f'<table width="100%">{ROW}</table>'),
    "text-cell": in_frame(f"{TABLE}<tbody>{LOGO}<tr>{CELL}@</td></tr>{FOOT}</tbody></table>\n", "<p>¤</p>")._replace(seen_after=FOOT_SEEN),
    "builder": in_frame(BUILDER, BUILDER_ROW, head=MSO_HEAD + STYLE.replace("¤", "#outlook a { padding:0; }\nbody { margin:0;padding:0; }\np { display:block;margin:13px 0; }")),
    "builder-one-cell": Layout(lambda b: page(BUILDER.replace("@", BUILDER_ROW.replace("¤", each('<p style="margin:0 0 12px">¤</p>', b))), MSO_HEAD)),
    "preheader": in_frame(PREHEADER + CARD, "<p>¤</p>"),
    "preheader-tiny": in_frame(TINY + CARD, f'<p style="{TEXT}">¤</p>'),
    "dark-mode": in_frame(CARD, "<p>¤</p>", head=DARK_META + DARK),
    "dark-mode-p": in_page('<p style="margin:0 0 12px">¤</p>', head=DARK_META + DARK),
    "night": in_frame(NIGHT, '<p style="margin:0 0 16px;color:#f5f5f5">¤</p>'),
    "night-br": Layout(lambda b: page(NIGHT.replace("@", all_lines(b) + "\n"))),
    "night-body": in_page('<p style="color:#dddddd">¤</p>', body='<body bgcolor="#202020" style="background:#202020">'),
    "grey-page": in_frame(CARD, f'<p style="{TEXT}">¤</p>', body='<body style="margin:0;background:#eeeeee">'),
    "center": in_frame(f"<center>{CARD}</center>\n", '<div style="padding:4px">¤</div>')._replace(is_flat=True),
    "centered-text": in_frame(CARD, '<p style="text-align:center;margin:0 0 12px">¤</p>'),
    "two-columns-below": in_frame(CARD + SOCIAL, "<p>¤</p>")._replace(seen_after=["Jobs", "Blog"]),
    "font-size-zero": in_frame(f'{TABLE}<tr><td style="font-size:0;line-height:0">@</td></tr></table>\n', '<div style="font-size:15px;line-height:1.6;margin:14px 20px">¤</div>'),
    "small-print": in_page('<p style="font-size:11px;color:#555555;line-height:1.5">¤</p>'),
    "narrow": in_frame('<div style="max-width:320px">@</div>\n', '<p style="margin:0 0 10px">¤</p>'),
    # Applicant tracking systems.
    "ats-p": in_frame(f'<div class="email-body" style="max-width:640px;margin:0 auto">@</div>\n<div style="font-size:11px;color:#777777">Sent with HireTool</div>\n', "<p>¤</p>")._replace(seen_after=["Sent with HireTool"]),
    "ats-br-div": Layout(lambda b: page('<div class="mail-content" style="white-space:normal">' + all_lines(b, "<br/>") + "</div>\n")),
    "ats-span": Layout(lambda b: page("<div><span>" + all_lines(b, "<br/>\n") + "</span></div>\n")),
    "ats-card": in_frame(f'{TABLE}<tr><td style="padding:30px 0;text-align:center"><img src="cid:image1" alt="" width="90" height="30"></td></tr><tr>{CELL}@</td></tr></table>\n<p style="font-size:11px;color:#666666">Powered by HireTool</p>\n', '<p style="margin:0 0 14px">¤</p>')._replace(seen_after=["Powered by HireTool"]),
    "ats-links": in_frame(f'<div>@</div>\n<div class="button"><a href="https://jobs.sakura.example/">My page</a></div>\n', "<p>¤</p>", head=LINK_WHITE)._replace(seen_after=["My page"]),
    "ats-fragment": Layout(lambda b: '<style>p { margin: 0 0 1em }</style>\n' + each("<p>¤</p>", b) + HISTORY),
    "ats-xhtml": in_frame("<div>@</div>\n", "<p>¤</p>", join="<br />\n", doctype='<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'),
}
