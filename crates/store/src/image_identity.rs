//! What an image is known by.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an image is known by. Two images with the same identity are one image to everyone who reads a dataset.
///
/// Its text is what the column `image_hash` of `items.parquet` holds: 64 hexadecimal digits for a content, and the
/// digits of a path, a size and a time, joined by `-`, for a file that nobody has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImageIdentity {
    /// The BLAKE3 of the file's content.
    Content([u8; 32]),
    /// The path and the stamp of a file that was not read to make the dataset.
    Stamp {
        /// The beginning of the BLAKE3 of the folder's number and the path below it.
        place: u64,
        /// The size in bytes.
        size: u64,
        /// The time of the last modification, in nanoseconds since the Unix epoch.
        modified: i64,
    },
}

/// The text of an identity that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not what an image is known by")]
pub struct NoIdentity(String);

impl ImageIdentity {
    /// Returns the identity of a content.
    pub fn of(content: &[u8]) -> Self {
        Self::Content(*blake3::hash(content).as_bytes())
    }

    /// Returns the identity of a file that is not read: one below the folder of this number.
    pub(crate) fn stamp(folder: u32, relative: &str, size: u64, modified: i64) -> Self {
        let hash = blake3::Hasher::new().update(&folder.to_le_bytes()).update(relative.as_bytes()).finalize();
        let mut place = [0; 8];
        place.copy_from_slice(&hash.as_bytes()[..8]);
        Self::Stamp { place: u64::from_be_bytes(place), size, modified }
    }

    /// Returns the digits of the content, if that is what the image is known by. Caches of what was computed from a
    /// content are named by it.
    pub fn content(&self) -> Option<String> {
        matches!(self, Self::Content(_)).then(|| self.to_string())
    }

    /// Appends the identity's text.
    pub(crate) fn append_to(&self, text: &mut Vec<u8>) {
        match self {
            Self::Content(hash) => {
                text.extend_from_slice(blake3::Hash::from_bytes(*hash).to_hex().as_bytes());
            }
            Self::Stamp { .. } => text.extend_from_slice(self.to_string().as_bytes()),
        }
    }

    /// Checks whether an image that this is the stamp of is as it was, by its size and the file that it lies in. A content
    /// says nothing without being read.
    pub(crate) fn fits(&self, now: u64, file: &Metadata) -> bool {
        match self {
            Self::Content(_) => true,
            Self::Stamp { size, modified, .. } => *size == now && *modified == modification_time(file),
        }
    }

    /// Checks whether this is the identity of a file with that content. A stamp says nothing about a content.
    pub(crate) fn is_of(&self, content: &[u8]) -> bool {
        match self {
            Self::Content(hash) => blake3::hash(content) == blake3::Hash::from_bytes(*hash),
            Self::Stamp { .. } => true,
        }
    }
}

/// Returns the time of a file's last modification, in nanoseconds since the Unix epoch.
pub(crate) fn modification_time(file: &Metadata) -> i64 {
    nanoseconds(file.mtime(), file.mtime_nsec())
}

/// Returns a time in nanoseconds.
pub(crate) fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

impl fmt::Display for ImageIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(hash) => f.write_str(&blake3::Hash::from_bytes(*hash).to_hex()),
            Self::Stamp { place, size, modified } => write!(f, "{place:016x}-{size}-{modified}"),
        }
    }
}

impl FromStr for ImageIdentity {
    type Err = NoIdentity;

    fn from_str(text: &str) -> Result<Self, NoIdentity> {
        let identity = match text.split_once('-') {
            None => blake3::Hash::from_hex(text).ok().map(|hash| Self::Content(*hash.as_bytes())),
            Some((place, rest)) => stamp(place, rest),
        };
        // Only the text that is written is read, so that one image never has two texts.
        identity.filter(|identity| identity.to_string() == text).ok_or_else(|| NoIdentity(text.to_owned()))
    }
}

impl TryFrom<String> for ImageIdentity {
    type Error = NoIdentity;

    fn try_from(text: String) -> Result<Self, NoIdentity> {
        text.parse()
    }
}

impl From<ImageIdentity> for String {
    fn from(identity: ImageIdentity) -> Self {
        identity.to_string()
    }
}

fn stamp(place: &str, rest: &str) -> Option<ImageIdentity> {
    let (size, modified) = rest.split_once('-')?;
    Some(ImageIdentity::Stamp {
        place: u64::from_str_radix(place, 16).ok()?,
        size: size.parse().ok()?,
        modified: modified.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_from_its_own_text_and_from_no_other() {
        let stamps = [0, i64::MIN, i64::MAX, -1].map(|time| ImageIdentity::stamp(1, "a-b.png", 7, time));
        for identity in stamps.into_iter().chain([ImageIdentity::of(b""), ImageIdentity::of(b"one")]) {
            assert_eq!(identity.to_string().parse(), Ok(identity));
        }
        let content = ImageIdentity::of(b"one").to_string();
        for text in
            ["", "-", "h", "0-1", "1-2-3", "+000000000000001-2-3", &content.to_uppercase(), &content[1..]]
        {
            assert!(text.parse::<ImageIdentity>().is_err(), "{text}");
        }
    }

    #[test]
    fn files_in_two_places_are_two_images_though_their_size_and_time_are_the_same() {
        let at = |folder, relative| ImageIdentity::stamp(folder, relative, 1, 1);
        assert_eq!(at(0, "1.png"), at(0, "1.png"));
        assert!(at(0, "1.png") != at(0, "2.png") && at(0, "1.png") != at(1, "1.png"));
    }
}
