//! Where the weights come from, and the check that they fit the configuration.

use std::borrow::Cow;
use std::collections::HashMap;

use cliptune_clip::ClipConfig;
use cliptune_clip::weights::weights;

use crate::error::OnnxError;

/// Bytes of one element: every weight is f32.
pub(crate) const ELEMENT_BYTES: usize = 4;

/// Gives the weights by the names of `cliptune_clip::names`.
pub trait WeightSource {
    /// The shape of a weight, empty for a scalar; `None` if there is no such weight.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// The elements of a weight as little-endian f32, row by row; `None` if there is no such weight.
    ///
    /// Asked for one weight at a time, once per file that holds it, so an implementation may convert on the fly.
    fn data(&self, name: &str) -> Option<Cow<'_, [u8]>>;
}

/// A source whose weights are checked against the configuration before they are used.
pub(crate) struct CheckedWeights<'a> {
    source: &'a dyn WeightSource,
    expected: HashMap<String, Vec<usize>>,
}

impl<'a> CheckedWeights<'a> {
    pub(crate) fn new(config: &ClipConfig, source: &'a dyn WeightSource) -> Self {
        let expected = weights(config).into_iter().map(|spec| (spec.name, spec.shape)).collect();
        Self { source, expected }
    }

    /// The shape of a weight, if the source has it as the configuration says.
    pub(crate) fn shape(&self, name: &str) -> Result<&[usize], OnnxError> {
        let missing = || OnnxError::MissingWeight { name: name.to_owned() };
        let expected = self.expected.get(name).ok_or_else(missing)?;
        let found = self.source.shape(name).ok_or_else(missing)?;
        if &found == expected {
            return Ok(expected);
        }
        Err(OnnxError::WeightShape { name: name.to_owned(), expected: expected.clone(), found })
    }

    /// The data of a weight, as long as its shape needs.
    pub(crate) fn data(&self, name: &str) -> Result<Cow<'a, [u8]>, OnnxError> {
        let elements: usize = self.shape(name)?.iter().product();
        let expected = elements * ELEMENT_BYTES;
        let data =
            self.source.data(name).ok_or_else(|| OnnxError::MissingWeight { name: name.to_owned() })?;
        if data.len() == expected {
            return Ok(data);
        }
        let (expected, found) = (expected as u64, data.len() as u64);
        Err(OnnxError::WeightData { name: name.to_owned(), expected, found })
    }

    /// The value of a scalar weight.
    pub(crate) fn scalar(&self, name: &str) -> Result<f32, OnnxError> {
        let data = self.data(name)?;
        let found = data.len() as u64;
        <[u8; ELEMENT_BYTES]>::try_from(data.as_ref()).map(f32::from_le_bytes).map_err(|_| {
            OnnxError::WeightData { name: name.to_owned(), expected: ELEMENT_BYTES as u64, found }
        })
    }
}
