//! Lays texts of different lengths one after another, without padding.

use tch::{Device, Tensor};

use crate::error::TrainError;

/// Describes where the tokens of some texts lie in `[tokens, …]`.
///
/// Linear layers and norms look at one token at a time and need nothing more. Attention looks at one text at a time;
/// texts of one length are neighbours, so that a run of them forms a batch without padding and without a copy.
#[derive(Debug)]
pub struct Packing {
    runs: Vec<Run>,
    /// The position of every token in its text: `[tokens]`.
    positions: Tensor,
    /// The last token of every text: `[texts]`.
    last: Tensor,
    /// The place of every text among the packed ones, in the order that was asked for: `[texts]`.
    places: Tensor,
}

/// Texts of one length that lie next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The number of texts in the run.
    pub texts: i64,
    /// The number of tokens in each text.
    pub length: i64,
}

impl Packing {
    /// Packs texts of these lengths, shortest first, and returns the packing with the order of the texts.
    pub fn new(lengths: &[usize], device: Device) -> Result<(Self, Vec<usize>), TrainError> {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&text| lengths[text]);
        let mut places = vec![0; order.len()];
        for (place, &text) in (0_i64..).zip(&order) {
            places[text] = place;
        }
        let packed = || order.iter().map(|&text| lengths[text] as i64);
        let positions: Vec<i64> = packed().flat_map(|length| 0..length).collect();
        let ends = packed().scan(0, |end, length| {
            *end += length;
            Some(*end - 1)
        });
        let on_device = |numbers: &[i64]| Tensor::from_slice(numbers).f_to_device(device);
        let packing = Self {
            runs: runs(packed()),
            positions: on_device(&positions)?,
            last: on_device(&ends.collect::<Vec<_>>())?,
            places: on_device(&places)?,
        };
        Ok((packing, order))
    }

    /// Returns the runs of texts of one length, in order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Picks rows of a table of positions, one for each token: `[positions, D]` → `[tokens, D]`.
    pub fn positions(&self, table: &Tensor) -> Result<Tensor, TrainError> {
        Ok(table.f_index_select(0, &self.positions)?)
    }

    /// Picks what belongs to the last token of each text: `[tokens, D]` → `[texts, D]`.
    pub fn last(&self, x: &Tensor) -> Result<Tensor, TrainError> {
        Ok(x.f_index_select(0, &self.last)?)
    }

    /// Puts what belongs to each text into the order that was asked for: `[texts, D]` → `[texts, D]`.
    pub fn unpacked(&self, x: &Tensor) -> Result<Tensor, TrainError> {
        Ok(x.f_index_select(0, &self.places)?)
    }
}

fn runs(lengths: impl Iterator<Item = i64>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for length in lengths {
        match runs.last_mut() {
            Some(run) if run.length == length => run.texts += 1,
            _ => runs.push(Run { texts: 1, length }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: &Tensor) -> Vec<i64> {
        Vec::try_from(tensor).unwrap()
    }

    #[test]
    fn texts_of_one_length_are_neighbours_and_find_their_way_back() {
        let (packing, order) = Packing::new(&[3, 2, 3, 1], Device::Cpu).unwrap();
        assert_eq!(order, [3, 1, 0, 2]);
        let expected = [(1, 1), (1, 2), (2, 3)].map(|(texts, length)| Run { texts, length });
        assert_eq!(packing.runs(), expected);
        let tokens = Tensor::from_slice(&[30_i64, 10, 11, 0, 1, 2, 20, 21, 22]);
        assert_eq!(numbers(&packing.positions), [0, 0, 1, 0, 1, 2, 0, 1, 2]);
        let last = packing.last(&tokens).unwrap();
        assert_eq!(numbers(&packing.unpacked(&last).unwrap()), [2, 11, 22, 30]);
    }
}
