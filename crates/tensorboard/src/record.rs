//! Frames the records of event files in the TFRecord format.
//!
//! A record is its length, a checksum of the length, the data, and a checksum of the data. Numbers are little-endian.
//! Source: <https://www.tensorflow.org/tutorials/load_data/tfrecord>.

/// Puts a record into its frame.
pub(crate) fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()].concat()
}

/// Computes the CRC-32C, then rotates and shifts it, because a plain checksum says little about data that itself
/// contains checksums.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector comes from TensorBoard's own reader, `tensorboard/data/server/masked_crc.rs`.
    #[test]
    fn the_checksum_is_tensorboards() {
        assert_eq!(masked_crc(b"\x1a\x11CRC test, one two"), 0x5794_d08a);
    }

    /// ```python
    /// from tensorboard.summary.writer.record_writer import RecordWriter
    /// with open("record", "wb") as file: RecordWriter(file).write(b"cliptune")
    /// open("record", "rb").read().hex(" ")
    /// ```
    #[test]
    fn a_record_is_framed_as_tensorboard_frames_it() {
        let written =
            frame(b"cliptune").iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        assert_eq!(written, "08 00 00 00 00 00 00 00 ff 86 24 0f 63 6c 69 70 74 75 6e 65 ca bc ec 7a");
    }
}
