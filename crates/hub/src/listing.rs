//! The listing of what a repository holds at a commit.

use std::collections::HashMap;

use serde::Deserialize;

use crate::commit::Commit;
use crate::digest::Digest;
use crate::error::Result;

/// The longest answer that is read, in bytes: enough for some 100 000 files.
pub(crate) const LONGEST: u64 = 32 << 20;

/// The files of a commit. Their names are untrusted, like everything from a server: they are looked up, never walked.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The commit that the revision stands for.
    pub(crate) commit: Commit,
    files: HashMap<String, Listed>,
}

/// The size and hash that the listing gives for a file. Mirrors may leave out either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) size: Option<u64>,
    pub(crate) digest: Option<Digest>,
}

impl Listing {
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> Listed {
        self.files.get(name).cloned().unwrap_or_default()
    }

    /// Returns the names in sorted order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// The needed parts of the answer of `/api/models/<id>/revision/<revision>?blobs=true`.
#[derive(Deserialize)]
pub(crate) struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Sibling {
    /// Returns the size and hash of the content. For a large file, `blobId` is the hash of the pointer in git, not of
    /// the content.
    fn listed(&self) -> Listed {
        match &self.lfs {
            Some(large) => Listed {
                size: large.size.or(self.size),
                digest: large.sha256.as_deref().and_then(Digest::from_hex),
            },
            None => Listed { size: self.size, digest: self.blob_id.as_deref().and_then(Digest::from_hex) },
        }
    }
}

impl Answer {
    /// Returns the listing if it names a valid commit.
    pub(crate) fn listing(self) -> Result<Listing> {
        let files = self.siblings.into_iter().map(|sibling| {
            let listed = sibling.listed();
            (sibling.rfilename, listed)
        });
        Ok(Listing { commit: self.sha.parse()?, files: files.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(json: &str) -> Listing {
        serde_json::from_str::<Answer>(json).unwrap().listing().unwrap()
    }

    #[test]
    fn sizes_and_hashes_are_those_of_the_content_and_not_of_the_pointer() {
        let (commit, blob, sha) = ("a".repeat(40), "b".repeat(40), "c".repeat(64));
        let listing = listing(&format!(
            r#"{{"sha":"{commit}","private":false,"siblings":[
                {{"rfilename":"config.json","size":7,"blobId":"{blob}"}},
                {{"rfilename":"model.safetensors","size":9,"blobId":"{blob}",
                  "lfs":{{"sha256":"{sha}","size":9,"pointerSize":3}}}}]}}"#
        ));
        assert_eq!(listing.get("config.json"), Listed { size: Some(7), digest: Digest::from_hex(&blob) });
        assert_eq!(
            listing.get("model.safetensors"),
            Listed { size: Some(9), digest: Digest::from_hex(&sha) }
        );
    }

    #[test]
    fn a_mirror_may_know_names_alone() {
        let listing = listing(&format!(r#"{{"sha":"{}","siblings":[{{"rfilename":"a"}}]}}"#, "a".repeat(40)));
        assert!(listing.contains("a") && !listing.contains("b"));
        assert_eq!(listing.get("a"), Listed::default());
    }

    #[test]
    fn a_commit_that_is_none_never_becomes_a_folder() {
        let answer: Answer = serde_json::from_str(r#"{"sha":"../../x"}"#).unwrap();
        assert!(answer.listing().is_err());
    }
}
