//! The checksum of decoded pixels in the cache.

/// The number of bytes of the checksum that follows the pixels.
pub const PIXEL_CHECKSUM: usize = 8;

/// Computes the checksum of the pixels of an image. It also covers the image's hash, so that a file under another image's
/// name is not accepted.
pub fn pixel_checksum(image_hash: &str, pixels: &[u8]) -> [u8; PIXEL_CHECKSUM] {
    let hash = blake3::Hasher::new().update(image_hash.as_bytes()).update(pixels).finalize();
    std::array::from_fn(|at| hash.as_bytes()[at])
}
