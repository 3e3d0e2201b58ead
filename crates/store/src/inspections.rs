//! What was found out about images by looking at their contents, remembered between calls.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::compact::{read_compact, write_compact};
use crate::image_identity::ImageIdentity;

/// The version of the file. Whoever inspects puts the version of the inspection into the name of the check.
const FORMAT: u32 = 1;

/// What one check has found out about the images of one set of sources.
///
/// Findings are known by the content that they are about, so that a file that has moved or got another time is not
/// inspected again, and one that has changed is.
#[derive(Debug)]
pub struct Inspections<T> {
    file: PathBuf,
    known: HashMap<[u8; 32], T>,
}

/// The content of `cache/inspections-<hash>.bin`.
#[derive(Serialize, Deserialize)]
struct Remembered<T> {
    findings: Vec<([u8; 32], T)>,
}

impl<T: Serialize + DeserializeOwned + Clone + PartialEq> Inspections<T> {
    /// Reads what is remembered. A file that cannot be read is empty.
    pub(crate) fn open(file: PathBuf) -> Self {
        let remembered = read_compact(&file, FORMAT);
        let findings = remembered.map_or(Vec::new(), |Remembered { findings }| findings);
        Self { known: findings.into_iter().collect(), file }
    }

    /// Returns what was found out about an image. Nothing is known of a file that was not read.
    pub fn get(&self, image: &ImageIdentity) -> Option<&T> {
        match image {
            ImageIdentity::Content(hash) => self.known.get(hash),
            ImageIdentity::Stamp { .. } => None,
        }
    }

    /// Remembers what is known about the images that there are now, and forgets all others. It does nothing where that
    /// is what is remembered already.
    pub fn remember<'a>(&self, now: impl IntoIterator<Item = (&'a ImageIdentity, &'a T)>)
    where
        T: 'a,
    {
        let contents = now.into_iter().filter_map(|(image, found)| match image {
            ImageIdentity::Content(hash) => Some((*hash, found)),
            ImageIdentity::Stamp { .. } => None,
        });
        let now: HashMap<[u8; 32], &T> = contents.collect();
        let is_same = now.len() == self.known.len()
            && now.iter().all(|(hash, found)| self.known.get(hash) == Some(found));
        if !is_same {
            let mut findings: Vec<([u8; 32], &T)> = now.into_iter().collect();
            findings.sort_unstable_by_key(|(hash, _)| *hash);
            let findings = findings.into_iter().map(|(hash, found)| (hash, found.clone())).collect();
            write_compact(&self.file, FORMAT, &Remembered { findings });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Finding = Result<(u32, u32), String>;

    #[test]
    fn a_content_is_inspected_once_wherever_it_lies_and_forgotten_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Inspections::<Finding>::open(folder.path().join("cache/inspections.bin"));
        let [one, two, three] = [b"1", b"2", b"3"].map(|content| ImageIdentity::of(content));
        let (good, bad) = (Ok((640, 480)), Err("it is cut off".to_owned()));
        assert_eq!(open().get(&one), None);
        open().remember([(&one, &good), (&two, &bad)]);
        assert_eq!((open().get(&one), open().get(&two), open().get(&three)), (Some(&good), Some(&bad), None));
        open().remember([(&one, &good)]);
        assert_eq!((open().get(&one), open().get(&two)), (Some(&good), None));
    }

    #[test]
    fn nothing_is_known_of_a_file_that_nobody_has_read() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Inspections::<Finding>::open(folder.path().join("inspections.bin"));
        let unread = ImageIdentity::stamp(0, "1.png", 1, 1);
        open().remember([(&unread, &Ok((1, 1)))]);
        assert_eq!(open().get(&unread), None);
    }
}
