//! The checksum at the end of a file, which tells whether the file is as it was written.
//!
//! It is a tensor of one number, whose four bytes are the checksum of all bytes before them. Other readers of the file take it
//! for a weight that they do not know.

use std::io::{self, Write};

use safetensors::SafeTensors;

/// The name of the tensor, which comes after those of all weights.
pub(crate) const SEAL: &str = "~crc32c";

/// A file that is written together with the checksum of what was written.
pub(crate) struct Sealed<W> {
    out: W,
    checksum: u32,
}

impl<W: Write> Sealed<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, checksum: 0 }
    }

    /// Writes the checksum, after everything else.
    pub(crate) fn seal(mut self) -> io::Result<W> {
        self.out.write_all(&self.checksum.to_le_bytes())?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.checksum = crc32c::crc32c_append(self.checksum, bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Checks whether a file is as it was written. One that has no checksum, as earlier versions wrote it, counts as such.
pub(crate) fn is_as_written(file: &SafeTensors<'_>, data: &[u8]) -> bool {
    let checksum = data.split_last_chunk().map(|(content, seal)| (crc32c::crc32c(content), *seal));
    file.tensor(SEAL).is_err() || checksum.is_some_and(|(of, seal)| of.to_le_bytes() == seal)
}
