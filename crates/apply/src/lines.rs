//! Texts in a file, one in a line.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;

use cliptune_durable::open_regular;

use crate::error::ApplyError;

/// The most texts that are ranked at once: at some milliseconds each, more would take a quarter of an hour.
pub const MOST_TEXTS: usize = 100_000;
/// The longest line in bytes. Of a text, a model reads the first few hundred bytes.
pub(crate) const LONGEST_LINE: u64 = 1 << 20;

/// Returns the texts of a file, one for each line that is not blank, and the number of lines that repeat an earlier one and
/// are left out.
///
/// # Errors
/// Returns an error if the file is no file of texts in UTF-8, has none, or has more than [`MOST_TEXTS`].
pub fn read_lines(path: &Path) -> Result<(Vec<String>, usize), ApplyError> {
    let (mut texts, mut seen, mut repeated) = (Vec::new(), HashSet::new(), 0);
    for line in lines(path)? {
        let line = line?;
        if !seen.insert(blake3::hash(line.as_bytes())) {
            repeated += 1;
            continue;
        }
        if texts.len() == MOST_TEXTS {
            return Err(ApplyError::TooManyTexts { path: path.to_path_buf(), most: MOST_TEXTS });
        }
        texts.push(line);
    }
    match texts.is_empty() {
        true => Err(ApplyError::NoTexts { path: path.to_path_buf() }),
        false => Ok((texts, repeated)),
    }
}

/// Returns the lines of a file that are not blank, without the spaces around them, one after the other.
pub(crate) fn lines(
    path: &Path,
) -> Result<impl Iterator<Item = Result<String, ApplyError>> + use<>, ApplyError> {
    let mut reader = BufReader::new(open_regular(path)?);
    let path = path.to_path_buf();
    let mut is_first = true;
    let next = move || loop {
        let text = match line(&mut reader, &path) {
            Ok(text) => text?,
            Err(error) => return Some(Err(error.into())),
        };
        let text = if is_first { text.trim_start_matches('\u{feff}') } else { &text };
        is_first = false;
        if !text.trim().is_empty() {
            return Some(Ok(text.trim().to_owned()));
        }
    };
    Ok(std::iter::from_fn(next).scan(false, |ended, line| {
        let is_over = std::mem::replace(ended, line.is_err());
        (!is_over).then_some(line)
    }))
}

/// Reads one line, or returns `None` at the end.
fn line(reader: &mut impl BufRead, path: &Path) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let invalid = |what: &str| {
        std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{} {what}", path.display()))
    };
    if std::io::Read::take(&mut *reader, LONGEST_LINE).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LONGEST_LINE {
        return Err(invalid("has a line that is too long for a text"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| invalid("is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: impl AsRef<[u8]>) -> Result<(Vec<String>, usize), ApplyError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.txt");
        fs_err::write(&path, content).unwrap();
        read_lines(&path)
    }

    #[test]
    fn a_text_is_a_line_that_is_not_blank() {
        let (texts, repeated) = read("\u{feff}a cat\r\n\n  \na dog \na cat\nlast").unwrap();
        assert_eq!((texts, repeated), (["a cat", "a dog", "last"].map(str::to_owned).to_vec(), 1));
    }

    #[test]
    fn what_is_no_file_of_texts_is_an_error() {
        assert!(matches!(read("\n \n"), Err(ApplyError::NoTexts { .. })));
        assert!(read(b"a\n\xff\xfe\n").unwrap_err().to_string().ends_with("texts.txt is not UTF-8"));
        assert!(read(vec![b'a'; 2 << 20]).unwrap_err().to_string().contains("too long"));
        let many: String = (0..=MOST_TEXTS).map(|number| format!("{number}\n")).collect();
        assert!(matches!(read(many), Err(ApplyError::TooManyTexts { .. })));
        assert!(read_lines(Path::new("/")).unwrap_err().to_string().contains("is a folder"));
    }
}
