//! Mails for the milter: those that nobody touches, in all the forms an MTA may hold one, and rejections.

use crate::smtp::{message, rejection};

/// A mail of this id, with these fields and this body.
fn mail(id: &str, fields: &[u8], body: &[u8]) -> (String, Vec<u8>) {
    let id = format!("{id}@sakura.example");
    let head = format!(
        "From: saiyo@sakura.example\r\nTo: partner@vendor.example\r\nMessage-ID: <{id}>\r\n\
         Date: Mon, 06 Apr 2026 10:00:00 +0900\r\n"
    );
    (id, [head.as_bytes(), fields, b"\r\n", body].concat())
}

/// Mails that are no rejections, however they look.
pub fn corpus() -> Vec<(String, Vec<u8>)> {
    let folded = format!("Subject: a\r\n\tb\r\n  c\r\nX-Long: {}\r\n {}\r\n", "x".repeat(900), "y".repeat(900));
    let long_line = format!("{}\r\n", "z".repeat(6000));
    let many = "a line of some length, again and again\r\n".repeat(8000);
    let shift_jis = b"Subject: \x83e\x83X\x83g\r\nContent-Type: text/plain; charset=Shift_JIS\r\n";
    vec![
        mail("plain", b"Subject: plain\r\n", b"Good morning,\r\nhere are the figures.\r\n"),
        mail("empty", b"Subject: empty\r\n", b""),
        mail("folded", folded.as_bytes(), b"body\r\n"),
        mail(
            "odd-fields",
            b"subject:no blank\r\nX-Tab:\ttab\r\nX-Two:  two\r\nX-Empty:\r\nX-Blank : b\r\n",
            b"body\r\n",
        ),
        mail("same-names", b"X-A: 1\r\nx-a: 2\r\nX-A: 3\r\nReceived: by elsewhere\r\n", b"body\r\n"),
        mail("dots", b"Subject: dots\r\n", b".\r\n..\r\n.a\r\n...end\r\n"),
        mail("blank-lines", b"Subject: blanks\r\n", b"\r\n\r\na \r\n\r\n\t\r\n\r\n"),
        mail("eight-bit", shift_jis, b"\x82\xa8\x90\xa2\x98b\x82\xc9\r\n\xff\xfe\x80\r\n"),
        mail("bare-cr", b"Subject: cr\r\n", b"one\rtwo\r\r\nthree\r\n"),
        mail("nul", b"Subject: nul\r\n", b"one\0two\r\n"),
        mail("long-line", b"Subject: long\r\n", long_line.as_bytes()),
        mail("many-chunks", b"Subject: many\r\n", many.as_bytes()),
        mail("no-header-end", b"Subject: no end\r\nthis is no field\r\n", b"body\r\n"),
    ]
}

/// Rejections with their Message-IDs and candidates.
pub fn rejections() -> Vec<(String, String, Vec<u8>)> {
    let text = "応募者様\r\n\r\n株式会社サクラ商事 採用担当の佐藤でございます。\r\n\
        この度は弊社の求人にご応募いただき、誠にありがとうございました。\r\n\r\n\
        慎重に検討を重ねました結果、誠に残念ではございますが、\r\n今回は採用を見送らせていただくこととなりました。\r\n\r\n\
        末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。\r\n\r\n株式会社サクラ商事 人事部\r\n";
    let head = |to: &str, more: &str| {
        format!(
            "From: saiyo@sakura.example\r\nTo: {to}\r\nSubject: =?UTF-8?B?6YG46ICD57WQ5p6c44Gu44GU6YCj57Wh?=\r\n\
             Date: Mon, 06 Apr 2026 10:00:00 +0900\r\nMessage-ID: <{to}>\r\nMIME-Version: 1.0\r\n\
             X-Folded: one\r\n\ttwo\r\n{more}\r\n"
        )
    };
    let utf8 = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    let one = |name: &str, more: &str, body: Vec<u8>| {
        let to = format!("{name}@candidate.example");
        (to.clone(), to.clone(), [head(&to, more).into_bytes(), body].concat())
    };
    let simple = "simple@candidate.example".to_owned();
    let dotted = text.replace("株式会社サクラ商事 人事部", ".\r\n..人事部");
    let attachment = format!("{}\r\n", "QUJD".repeat(18)).repeat(1500);
    let with_attachment = format!(
        "--b\r\n{utf8}\r\n{text}\r\n--b\r\nContent-Type: application/pdf\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=cv.pdf\r\n\r\n\
         {attachment}--b--\r\n"
    );
    let english = "english@candidate.example".to_owned();
    let words = "Dear Taro,\n\nThank you for applying for the accountant position at Sakura and for the interview.\n\
        After careful consideration, we regret to inform you that we will not be moving forward with your \
        application.\n\n\
        We wish you every success in your job search.\n\nKind regards,\nSakura HR\n";
    vec![
        (simple.clone(), simple.clone(), rejection(&simple)),
        (english.clone(), english.clone(), message(&english, words)),
        one("folded", utf8, text.as_bytes().to_vec()),
        one("dotted", utf8, dotted.into_bytes()),
        one("longer-than-a-chunk", "Content-Type: multipart/mixed; boundary=b\r\n", with_attachment.into_bytes()),
    ]
}
