//! What servers say about contents, and the comparison with what arrived.

use cliptune_web::Hashing;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::client::Reply;
use crate::encoding::{crc32c, md5};

/// The checksums of a content, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums {
    /// The CRC-32C.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) crc32c: Option<u32>,
    /// The MD5.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) md5: Option<[u8; 16]>,
    /// Whether the MD5 is an ETag that looks like one, so that it proves nothing if it is another.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) is_guess: bool,
}

impl Checksums {
    /// Returns what the headers of an answer say about the whole content.
    pub(crate) fn of(reply: &Reply) -> Self {
        let google = reply.header("x-goog-hash").unwrap_or_default();
        let of_google = |kind: &str| google.split(',').find_map(|part| part.trim().strip_prefix(kind));
        // A whole file's own; what a store computes of parts has a dash in it and is no Base64.
        let amazon = reply.header("x-amz-checksum-crc32c");
        let own_md5 = reply.header("content-md5").filter(|_| reply.status() == 200);
        Self {
            crc32c: of_google("crc32c=").or(amazon).and_then(crc32c),
            md5: of_google("md5=").or(own_md5).and_then(md5),
            is_guess: false,
        }
    }

    /// Adds what another source says, which counts more than a guess.
    pub(crate) fn learn(&mut self, other: &Self) {
        self.crc32c = self.crc32c.or(other.crc32c);
        if other.md5.is_some() && (self.md5.is_none() || self.is_guess) {
            (self.md5, self.is_guess) = (other.md5, false);
        }
    }
}

/// Computes every checksum that a server may give.
#[derive(Clone, Default)]
pub(crate) struct Hasher {
    crc32c: u32,
    md5: Md5,
}

/// What the comparison of a content with what the server says comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// It differs from a checksum of this kind.
    Wrong(&'static str),
    /// It differs from an ETag that looks like an MD5.
    Doubtful([u8; 16]),
}

impl Hashing for Hasher {
    fn update(&mut self, bytes: &[u8]) {
        self.crc32c = ::crc32c::crc32c_append(self.crc32c, bytes);
        self.md5.update(bytes);
    }
}

impl Hasher {
    pub(crate) fn verdict(self, expected: &Checksums) -> Verdict {
        let md5: [u8; 16] = self.md5.finalize().into();
        match expected {
            Checksums { crc32c: Some(crc32c), .. } if *crc32c != self.crc32c => Verdict::Wrong("CRC-32C"),
            Checksums { md5: Some(expected), is_guess: false, .. } if *expected != md5 => {
                Verdict::Wrong("MD5")
            }
            Checksums { md5: Some(expected), is_guess: true, .. } if *expected != md5 => {
                Verdict::Doubtful(md5)
            }
            _ => Verdict::Right,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(expected: Checksums) -> Verdict {
        let mut hasher = Hasher::default();
        hasher.update(b"123456");
        hasher.update(b"789");
        hasher.verdict(&expected)
    }

    // The check value of CRC-32C (RFC 3720), and `printf 123456789 | md5sum`.
    const CRC: u32 = 0xe306_9283;
    const MD5: u128 = 0x25f9_e794_323b_4538_85f5_181f_1b62_4d0b;

    #[test]
    fn a_content_is_right_if_every_known_checksum_is() {
        let md5 = Some(MD5.to_be_bytes());
        assert_eq!(verdict(Checksums::default()), Verdict::Right);
        assert_eq!(verdict(Checksums { crc32c: Some(CRC), md5, is_guess: false }), Verdict::Right);
        assert_eq!(
            verdict(Checksums { crc32c: Some(CRC ^ 1), md5, is_guess: false }),
            Verdict::Wrong("CRC-32C")
        );
        let other = Some((MD5 ^ 1).to_be_bytes());
        assert_eq!(
            verdict(Checksums { crc32c: Some(CRC), md5: other, is_guess: false }),
            Verdict::Wrong("MD5")
        );
    }

    #[test]
    fn an_etag_that_is_no_md5_is_only_doubtful() {
        let expected = Checksums { md5: Some([1; 16]), is_guess: true, ..Checksums::default() };
        assert_eq!(verdict(expected), Verdict::Doubtful(MD5.to_be_bytes()));
    }
}
