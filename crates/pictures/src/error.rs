//! The error of this crate.

/// An error that keeps a picture from being shown.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// A picture cannot be encoded as PNG.
    #[error("the picture cannot be encoded")]
    Png(#[from] png::EncodingError),
}
