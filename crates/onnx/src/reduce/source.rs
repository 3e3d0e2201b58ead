//! Finds the elements of a finished graph's initialisers.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::OnnxError;
use crate::proto;

/// The folder that a graph's references to other files are relative to.
pub(super) struct Source {
    folder: PathBuf,
}

impl Source {
    /// Returns the source for a graph, whose files are looked up in the graph's own folder.
    pub(super) fn beside(graph: &Path) -> Self {
        Self { folder: graph.parent().unwrap_or(Path::new("")).to_path_buf() }
    }

    /// Opens the elements of an initialiser for reading.
    pub(super) fn open<'t>(&self, tensor: &'t proto::Tensor) -> Result<Box<dyn Read + 't>, OnnxError> {
        let Some(location) = entry(tensor, "location") else {
            return Ok(Box::new(tensor.raw_data()));
        };
        let path = self.folder.join(location);
        let opened = place(tensor).and_then(|(offset, length)| {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            Ok(file.take(length))
        });
        match opened {
            Ok(elements) => Ok(Box::new(BufReader::new(elements))),
            Err(source) => Err(OnnxError::Read { path, source }),
        }
    }
}

fn place(tensor: &proto::Tensor) -> io::Result<(u64, u64)> {
    let number = |key| {
        let number = entry(tensor, key).and_then(|text| text.parse().ok());
        number
            .ok_or_else(|| io::Error::other(format!("the graph does not say the {key} of {}", tensor.name())))
    };
    Ok((number("offset")?, number("length")?))
}

fn entry<'t>(tensor: &'t proto::Tensor, key: &str) -> Option<&'t str> {
    tensor.external_data.iter().find(|entry| entry.key() == key).map(proto::StringEntry::value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(entries: &[(&str, &str)]) -> proto::Tensor {
        let entry = |(key, value): &(&str, &str)| proto::StringEntry::new(key, (*value).to_owned());
        proto::Tensor {
            name: Some("w".to_owned()),
            external_data: entries.iter().map(entry).collect(),
            ..Default::default()
        }
    }

    fn read(tensor: &proto::Tensor, folder: &Path) -> Result<Vec<u8>, OnnxError> {
        let mut bytes = Vec::new();
        Source::beside(&folder.join("graph.onnx")).open(tensor)?.read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }

    #[test]
    fn elements_are_read_from_the_graph_or_from_a_file_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("weights"), b"0123456789").unwrap();
        let inside = proto::Tensor { raw_data: Some(b"abc".to_vec()), ..Default::default() };
        assert_eq!(read(&inside, folder.path()).unwrap(), b"abc");
        let beside = external(&[("location", "weights"), ("offset", "3"), ("length", "4")]);
        assert_eq!(read(&beside, folder.path()).unwrap(), b"3456");
    }

    #[test]
    fn what_cannot_be_found_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = external(&[("location", "weights"), ("offset", "3"), ("length", "4")]);
        let error = read(&missing, folder.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read {}", folder.path().join("weights").display()));
        let nowhere = external(&[("location", "weights"), ("length", "4")]);
        let OnnxError::Read { source, .. } = read(&nowhere, folder.path()).unwrap_err() else { panic!() };
        assert_eq!(source.to_string(), "the graph does not say the offset of w");
    }
}
