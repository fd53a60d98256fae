//! Saying who we are: AUTH by name and password (RFC 4954). Only under TLS; that is the caller's to see to.

use data_encoding::BASE64;

use super::{Capabilities, Extension};

/// What is said, line by line: each but the last is answered by 334.
pub fn lines(offered: &Capabilities, user: &str, password: &str) -> Option<Vec<String>> {
    let encoded = |text: &str| format!("{}\r\n", BASE64.encode(text.as_bytes()));
    if offered.offers(Extension::AuthPlain) {
        return Some(vec![format!("AUTH PLAIN {}", encoded(&format!("\0{user}\0{password}")))]);
    }
    if offered.offers(Extension::AuthLogin) {
        return Some(vec!["AUTH LOGIN\r\n".to_owned(), encoded(user), encoded(password)]);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_one_line_login_three_and_others_none() {
        let said = |offered: &[Extension]| lines(&Capabilities::of(offered), "relay", "a password");
        let plain = "AUTH PLAIN AHJlbGF5AGEgcGFzc3dvcmQ=\r\n".to_owned();
        assert_eq!(said(&[Extension::AuthLogin, Extension::AuthPlain]), Some(vec![plain]));
        let login = ["AUTH LOGIN\r\n", "cmVsYXk=\r\n", "YSBwYXNzd29yZA==\r\n"].map(str::to_owned);
        assert_eq!(said(&[Extension::AuthLogin]), Some(login.to_vec()));
        assert_eq!(said(&[Extension::StartTls]), None);
    }
}
