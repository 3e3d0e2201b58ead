//! Describes tensors that will exist only when the graph runs, as far as the interpreter knows them.
//!
//! An ONNX value is only a name. These types say what its axes mean, so that an operation on the wrong kind of tensor
//! is an error instead of a graph that computes something else.

use crate::error::OnnxError;

/// A value of the graph: its name and the meaning of its axes.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Token ids `[B, S]`, int64.
    Ids(String),
    /// Attention mask `[B, S]`, int64, 1 or 0.
    KeyMask(String),
    /// Pixels `[B, 3, height, width]`.
    Pixels(String),
    /// Embedded tokens or patches before positions are added.
    Sequence(Sequence),
    /// Hidden states or embeddings, one per row.
    Matrix(Matrix),
    /// Similarities `[A, B]`.
    Similarity(String),
}

/// Embeddings of shape `[B, S, width]`.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) width: usize,
    pub(crate) source: Source,
}

/// The input that a [`Sequence`] was made from, which decides its length.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Token ids with this name; the sequence is as long as they are.
    Ids(String),
    /// An image; the sequence is as long as the position table.
    Image,
}

/// Hidden states or embeddings of shape `[rows, width]`.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) name: String,
    pub(crate) width: usize,
    pub(crate) rows: Rows,
}

impl Matrix {
    /// Returns a value with the same rows after an operation on each of them.
    pub(crate) fn mapped(&self, name: String, width: usize) -> Value {
        Value::Matrix(Self { name, width, rows: self.rows.clone() })
    }
}

/// The meaning of the rows of a [`Matrix`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rows {
    /// `B·S` rows: all rows of all sequences, one sequence after the other. The residual stream stays flat so that
    /// every linear layer is one `Gemm`, which runtimes execute best and which includes the bias.
    Flat(Stream),
    /// `B` rows, one for each image or text.
    Pooled,
}

impl Rows {
    /// Returns the number of rows in a sequence.
    pub(crate) fn length(&self) -> Length {
        match self {
            Self::Flat(stream) => stream.length.clone(),
            Self::Pooled => Length::Fixed(1),
        }
    }
}

/// A flat stream that holds the rows of several sequences.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stream {
    pub(crate) length: Length,
    /// The number of positions that the tower has, which is the longest possible sequence.
    pub(crate) at_most: usize,
}

/// The number of rows in one sequence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Length {
    /// A length that is known when the graph is built.
    Fixed(usize),
    /// The length of the token ids with this name, which is known only when the graph runs.
    OfIds(String),
}

impl Value {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Ids(name) | Self::KeyMask(name) | Self::Pixels(name) | Self::Similarity(name) => name,
            Self::Sequence(sequence) => &sequence.name,
            Self::Matrix(matrix) => &matrix.name,
        }
    }

    pub(crate) fn ids(&self, operation: &'static str) -> Result<&str, OnnxError> {
        match self {
            Self::Ids(name) => Ok(name),
            other => Err(other.misused(operation, "token ids")),
        }
    }

    pub(crate) fn key_mask(&self, operation: &'static str) -> Result<&str, OnnxError> {
        match self {
            Self::KeyMask(name) => Ok(name),
            other => Err(other.misused(operation, "an attention mask")),
        }
    }

    pub(crate) fn pixels(&self, operation: &'static str) -> Result<&str, OnnxError> {
        match self {
            Self::Pixels(name) => Ok(name),
            other => Err(other.misused(operation, "pixels")),
        }
    }

    pub(crate) fn sequence(&self, operation: &'static str) -> Result<&Sequence, OnnxError> {
        match self {
            Self::Sequence(sequence) => Ok(sequence),
            other => Err(other.misused(operation, "sequences without positions")),
        }
    }

    pub(crate) fn matrix(&self, operation: &'static str) -> Result<&Matrix, OnnxError> {
        match self {
            Self::Matrix(matrix) => Ok(matrix),
            other => Err(other.misused(operation, "hidden states or embeddings")),
        }
    }

    /// Returns the matrix if it holds all rows of its sequences, and an error otherwise.
    pub(crate) fn stream(&self, operation: &'static str) -> Result<(&Matrix, &Stream), OnnxError> {
        match self {
            Self::Matrix(matrix @ Matrix { rows: Rows::Flat(stream), .. }) => Ok((matrix, stream)),
            other => Err(other.misused(operation, "hidden states of whole sequences")),
        }
    }

    /// Returns the matrix if it holds one row for each image or text, and an error otherwise.
    pub(crate) fn pooled(&self, operation: &'static str) -> Result<&Matrix, OnnxError> {
        match self {
            Self::Matrix(matrix @ Matrix { rows: Rows::Pooled, .. }) => Ok(matrix),
            other => Err(other.misused(operation, "one embedding for each image or text")),
        }
    }

    /// Returns the error for an operation that is not defined for this value.
    pub(crate) fn misused(&self, operation: &'static str, expected: impl Into<String>) -> OnnxError {
        let what = match self {
            Self::Ids(_) => "token ids",
            Self::KeyMask(_) => "an attention mask",
            Self::Pixels(_) => "pixels",
            Self::Similarity(_) => "similarities",
            Self::Sequence(_) => "sequences without positions",
            Self::Matrix(Matrix { rows: Rows::Flat(_), .. }) => "hidden states of whole sequences",
            Self::Matrix(Matrix { rows: Rows::Pooled, .. }) => "one embedding for each image or text",
        };
        OnnxError::Operand {
            operation,
            expected: expected.into(),
            found: format!("{what} ({})", self.name()),
        }
    }
}

/// Returns the module that made a value: the part of its name before the slash.
pub(crate) fn module_of(value: &str) -> &str {
    value.rsplit_once('/').map_or(value, |(module, _)| module)
}

/// Returns the module that contains a module.
pub(crate) fn parent_of(module: &str) -> &str {
    module.rsplit_once('.').map_or(module, |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_kind_is_an_error_that_names_both() {
        let pixels = Value::Pixels("pixel_values".to_owned());
        let message = pixels.stream("attention").unwrap_err().to_string();
        assert_eq!(message, "attention takes hidden states of whole sequences, not pixels (pixel_values)");
    }

    #[test]
    fn whole_sequences_are_not_embeddings_and_the_other_way_round() {
        let stream = Stream { length: Length::Fixed(5), at_most: 5 };
        let matrix = |rows| Value::Matrix(Matrix { name: "x".to_owned(), width: 4, rows });
        assert!(matrix(Rows::Flat(stream.clone())).pooled("normalize").is_err());
        assert!(matrix(Rows::Pooled).stream("attention").is_err());
        assert!(matrix(Rows::Flat(stream)).matrix("linear").is_ok());
    }

    #[test]
    fn modules_are_read_from_the_names_of_values() {
        let value = "text_model.encoder.layers.0.mlp.fc1/linear";
        assert_eq!(module_of(value), "text_model.encoder.layers.0.mlp.fc1");
        assert_eq!(parent_of(module_of(value)), "text_model.encoder.layers.0.mlp");
    }
}
