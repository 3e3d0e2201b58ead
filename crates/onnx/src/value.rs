//! What the interpreter knows about a tensor that does not exist yet.
//!
//! An ONNX value is only a name. The type here says what its axes mean, so that an operation on the wrong kind of
//! tensor is an error and not a graph that computes something else.

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

/// `[B, S, width]`.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) width: usize,
    pub(crate) source: Source,
}

/// What a [`Sequence`] was made from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// These token ids, so it is as long as they are.
    Ids(String),
    /// An image, so its length is that of the position table.
    Image,
}

/// `[rows, width]`.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) name: String,
    pub(crate) width: usize,
    pub(crate) rows: Rows,
}

impl Matrix {
    /// The same rows after an operation on each of them.
    pub(crate) fn mapped(&self, name: String, width: usize) -> Value {
        Value::Matrix(Self { name, width, rows: self.rows.clone() })
    }
}

/// What the rows of a [`Matrix`] are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rows {
    /// All rows of all sequences, one sequence after the other: `B·S`. The residual stream stays flat so that
    /// every linear layer is one `Gemm`, which runtimes run best and which holds the bias as well.
    Flat(Stream),
    /// One row for each image or text: `B`.
    Pooled,
}

impl Rows {
    /// How many rows a sequence has.
    pub(crate) fn length(&self) -> Length {
        match self {
            Self::Flat(stream) => stream.length.clone(),
            Self::Pooled => Length::Fixed(1),
        }
    }
}

/// The sequences in a flat stream of rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stream {
    pub(crate) length: Length,
    /// The number of positions that the tower has.
    pub(crate) at_most: usize,
}

/// Rows of one sequence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Length {
    /// Known now.
    Fixed(usize),
    /// The length of these token ids, which is known when the graph runs.
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

    /// A matrix with all rows of its sequences.
    pub(crate) fn stream(&self, operation: &'static str) -> Result<(&Matrix, &Stream), OnnxError> {
        match self {
            Self::Matrix(matrix @ Matrix { rows: Rows::Flat(stream), .. }) => Ok((matrix, stream)),
            other => Err(other.misused(operation, "hidden states of whole sequences")),
        }
    }

    /// A matrix with one row for each image or text.
    pub(crate) fn pooled(&self, operation: &'static str) -> Result<&Matrix, OnnxError> {
        match self {
            Self::Matrix(matrix @ Matrix { rows: Rows::Pooled, .. }) => Ok(matrix),
            other => Err(other.misused(operation, "one embedding for each image or text")),
        }
    }

    /// The error of an operation that is not defined for this value.
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

/// The module that made a value: what precedes the slash in its name.
pub(crate) fn module_of(value: &str) -> &str {
    value.rsplit_once('/').map_or(value, |(module, _)| module)
}

/// The module around a module.
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
