//! Repositories with small made-up contents.

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A commit that nobody made.
pub(crate) const COMMIT: &str = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268";

/// A model repository at one commit.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: String,
    pub(crate) commit: String,
    pub(crate) files: Vec<RepositoryFile>,
}

/// One file, in git or in large-file storage.
#[derive(Clone, Debug)]
pub(crate) struct RepositoryFile {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) is_large: bool,
}

impl RepositoryFile {
    /// What the hub's ETag says.
    pub(crate) fn etag(&self) -> String {
        match self.is_large {
            true => format!("{:x}", Sha256::digest(&self.content)),
            false => git_blob(&self.content),
        }
    }

    fn listed(&self) -> Value {
        let size = self.content.len();
        let mut listed = json!({ "rfilename": self.name, "size": size, "blobId": git_blob(b"pointer") });
        match self.is_large {
            true => listed["lfs"] = json!({ "sha256": self.etag(), "size": size, "pointerSize": 7 }),
            false => listed["blobId"] = json!(self.etag()),
        }
        listed
    }
}

fn git_blob(content: &[u8]) -> String {
    let header = format!("blob {}\0", content.len());
    format!("{:x}", Sha1::new().chain_update(header).chain_update(content).finalize())
}

impl Repository {
    /// A repository with nothing in it.
    pub(crate) fn empty(id: &str) -> Self {
        Self { id: id.to_owned(), commit: COMMIT.to_owned(), files: Vec::new() }
    }

    /// A small file, kept in git.
    pub(crate) fn with(mut self, name: &str, content: &str) -> Self {
        let (name, content) = (name.to_owned(), content.as_bytes().to_vec());
        self.files.push(RepositoryFile { name, content, is_large: false });
        self
    }

    /// A large file.
    pub(crate) fn with_large(mut self, name: &str, content: Vec<u8>) -> Self {
        self.files.push(RepositoryFile { name: name.to_owned(), content, is_large: true });
        self
    }

    /// Without a file.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.files.retain(|file| file.name != name);
        self
    }

    /// A CLIP as transformers keeps it, with much beside it that cliptune has no use for.
    pub(crate) fn clip() -> Self {
        Self::empty("org/clip")
            .with(".gitattributes", "*.safetensors filter=lfs\n")
            .with("README.md", "# CLIP\n")
            .with("config.json", "{\"model_type\": \"clip\"}\n")
            .with("preprocessor_config.json", "{\"size\": 224}\n")
            .with("tokenizer.json", "{\"model\": {}}\n")
            .with("tokenizer_config.json", "{}\n")
            .with("vocab.json", "{}\n")
            .with("merges.txt", "#version: 0.2\n")
            .with_large("pytorch_model.bin", b"pickle".to_vec())
            .with_large("tf_model.h5", b"hdf5".to_vec())
            .with_large("onnx/model.onnx", b"onnx".to_vec())
            .with_large("model.safetensors", weights(300_000))
    }

    /// The repository of the reference that Python made: shards, one of them in a folder, and no preprocessing.
    pub(crate) fn sharded() -> Self {
        let index = r#"{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "more/model-00002-of-00002.safetensors"}}"#;
        Self::empty("org/sharded")
            .with("README.md", "# Shards\n")
            .with("config.json", "{\"model_type\": \"clip\"}\n")
            .with("vocab.json", "{}\n")
            .with("merges.txt", "#version: 0.2\n")
            .with("model.safetensors.index.json", index)
            .with_large("model-00001-of-00002.safetensors", weights(100))
            .with_large("more/model-00002-of-00002.safetensors", weights(200))
    }

    /// The answer of the hub's API.
    pub(crate) fn listing(&self) -> String {
        let files: Vec<Value> = self.files.iter().map(RepositoryFile::listed).collect();
        json!({ "id": self.id, "sha": self.commit, "private": false, "siblings": files }).to_string()
    }

    pub(crate) fn file(&self, name: &str) -> &RepositoryFile {
        self.files.iter().find(|file| file.name == name).unwrap()
    }
}

/// Bytes that stand for weights: text, so that a reference with them can be read, and no two pieces alike.
pub(crate) fn weights(size: usize) -> Vec<u8> {
    let words = (0_u32..).flat_map(|i| format!("{:08x} ", i.wrapping_mul(2_654_435_761)).into_bytes());
    words.take(size).collect()
}
