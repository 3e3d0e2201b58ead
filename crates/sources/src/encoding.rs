//! Checksums and times as servers write them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Reads a CRC-32C in big-endian Base64.
pub(crate) fn crc32c(text: &str) -> Option<u32> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Reads an MD5 in Base64.
pub(crate) fn md5(text: &str) -> Option<[u8; 16]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

/// Reads an MD5 in hexadecimal digits.
pub(crate) fn md5_of_digits(text: &str) -> Option<[u8; 16]> {
    let digits = text.bytes().all(|b| b.is_ascii_hexdigit()) && text.len() == 32;
    let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
    Some(number.to_be_bytes())
}

/// Reads a time such as `2026-11-28T20:51:55.781Z`, in seconds since the Unix epoch.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// Reads a time such as `Sat, 28 Nov 2026 20:51:55 GMT`, in seconds since the Unix epoch.
pub(crate) fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        // date -u -d '2026-11-28 20:51:55' +%s
        assert_eq!(timestamp("2026-11-28T20:51:55.781632Z"), Some(1_795_899_115));
        assert_eq!(http_date("Sat, 28 Nov 2026 20:51:55 GMT"), Some(1_795_899_115));
        assert_eq!((timestamp("yesterday"), http_date("yesterday")), (None, None));
    }

    #[test]
    fn checksums_are_read_and_nothing_else() {
        // printf 123456789 | md5sum, and the check value of CRC-32C.
        let md5_digits = "25f9e794323b453885f5181f1b624d0b";
        assert_eq!(crc32c("4waSgw=="), Some(0xe306_9283));
        assert_eq!(md5("JfnnlDI7RTiF9RgfG2JNCw=="), md5_of_digits(md5_digits));
        assert!(md5_of_digits(md5_digits).is_some());
        for text in ["", "abc", "25f9e794323b453885f5181f1b624d0b-2", "+5f9e794323b453885f5181f1b624d0b"] {
            assert_eq!((crc32c(text), md5(text), md5_of_digits(text)), (None, None, None), "{text}");
        }
    }
}
