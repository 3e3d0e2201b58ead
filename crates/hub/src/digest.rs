//! The hashes that the hub uses to name contents.

use std::fmt;

use cliptune_web::Hashing;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::commit::is_hex;

/// The hash of a file's content, as the hub's ETag gives it. It is also the name of the blob in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Digest {
    /// The SHA-256 of the content, for files in large-file storage.
    Sha256(String),
    /// The SHA-1 of `blob <size>\0` and the content, for files in git itself.
    GitBlob(String),
}

impl Digest {
    /// Reads a weak or strong ETag. Returns `None` if it is not one of the two hashes.
    pub(crate) fn from_etag(etag: &str) -> Option<Self> {
        Self::from_hex(etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"'))
    }

    /// Recognises the kind of hash by its length.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        if is_hex(text, 64) {
            Some(Self::Sha256(text.to_owned()))
        } else if is_hex(text, 40) {
            Some(Self::GitBlob(text.to_owned()))
        } else {
            None
        }
    }

    /// Returns the hexadecimal digits.
    pub(crate) fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitBlob(hex) => hex,
        }
    }

    /// Returns a hasher of this kind for content of `size` bytes.
    pub(crate) fn hasher(&self, size: u64) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Box::new(Sha256::new())),
            Self::GitBlob(_) => Hasher::GitBlob(Sha1::new().chain_update(format!("blob {size}\0"))),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(hex) => write!(f, "sha256 {hex}"),
            Self::GitBlob(hex) => write!(f, "git blob {hex}"),
        }
    }
}

/// A hash that is being computed.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Box<Sha256>),
    GitBlob(Sha1),
}

impl Hashing for Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitBlob(hasher) => hasher.update(bytes),
        }
    }
}

impl Hasher {
    pub(crate) fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::Sha256(format!("{:x}", hasher.finalize())),
            Self::GitBlob(hasher) => Digest::GitBlob(format!("{:x}", hasher.finalize())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(etag: &str, content: &[u8]) -> Digest {
        let mut hasher = Digest::from_etag(etag).unwrap().hasher(content.len() as u64);
        hasher.update(content);
        hasher.finish()
    }

    #[test]
    fn forty_digits_are_the_hash_of_a_git_blob() {
        // printf 'hello\n' | git hash-object --stdin
        let etag = "\"ce013625030ba8dba906f756967f9e9ca394464a\"";
        assert_eq!(computed(etag, b"hello\n"), Digest::from_etag(etag).unwrap());
    }

    #[test]
    fn sixty_four_digits_are_sha_256() {
        // printf 'hello\n' | sha256sum
        let etag = "W/\"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\"";
        assert_eq!(computed(etag, b"hello\n"), Digest::from_etag(etag).unwrap());
    }

    #[test]
    fn nothing_else_is_a_hash_and_can_become_a_file_name() {
        for etag in [
            "",
            "\"\"",
            "\"abc\"",
            "\"../../x\"",
            "\"d41d8cd98f00b204e9800998ecf8427e\"",
            &"G".repeat(40),
            &"A".repeat(64),
        ] {
            assert_eq!(Digest::from_etag(etag), None, "{etag:?} should be refused");
        }
    }
}
