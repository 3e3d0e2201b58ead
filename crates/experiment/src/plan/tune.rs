//! `train.tune`: which weights move.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::language::{Vocabulary, options, variants, word, words};
use crate::shape::Shape;
use crate::yaml::{FromNode, Node};

const LAYERS: Shape = Shape::Whole { min: 0, max: 1000 };

variants! {
    /// Which weights a training moves.
    pub enum Tune under "tune" {
        /// All weights move.
        Full = "full",
        /// All weights move but those of the vision tower and its projection.
        LockedImage = "locked-image" {
            /// How many blocks of the locked tower, counted from its end, move all the same, together with its final norm
            /// and its projection.
            unlocked_layers: usize = "0", LAYERS;
        },
        /// All weights move but those of the text tower and its projection.
        LockedText = "locked-text" {
            /// How many blocks of the locked tower, counted from its end, move all the same, together with its final norm
            /// and its projection.
            unlocked_layers: usize = "0", LAYERS;
        },
        /// Only the two projections and logit_scale move.
        Projections = "projections",
        /// Only adapters of low rank move. They are saved beside the model, which has them merged in.
        Lora = "lora" {
            /// The adapters of `tune: lora`.
            lora: Lora = "{}";
        },
    }
}

/// Writes the word and its options, for people.
impl fmt::Display for Tune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::LockedImage { unlocked_layers } | Self::LockedText { unlocked_layers }
                if *unlocked_layers > 0 =>
            {
                write!(f, " but its last {unlocked_layers}")
            }
            Self::Lora { lora } => write!(f, " of rank {}", lora.rank),
            _ => Ok(()),
        }
    }
}

const TARGET: Shape = word::<LoraTarget>();

options! {
    /// `train.lora`: adapters of low rank over the linear layers of both towers' blocks (Hu et al. 2021). W·x becomes
    /// W·x + alpha/rank · B·A·x. The defaults are PEFT's, and the targets those of CLIP-LoRA (Zanella & Ben Ayed 2024).
    #[derive(Copy)]
    pub struct Lora {
        /// The rank of what is added to a layer.
        rank: NonZeroUsize = "8", Shape::Whole { min: 1, max: 4096 };
        /// The strength of the adapters: what they add is scaled by alpha / rank. It equals the rank when absent.
        alpha: f64 => rank.map(|rank: NonZeroUsize| rank.get() as f64), Shape::positive(1e6);
        /// The share of an adapter's inputs that a step drops at random.
        dropout: f64 = "0", Shape::below_one();
        /// The layers of both towers' blocks that have an adapter: `q`, `k`, `v` and `out` are those of attention, and
        /// `mlp` is both layers of the MLP.
        targets: LoraTargets = "[q, k, v]", Shape::set(&TARGET, 1);
    }
}

words! {
    /// A linear layer of a block.
    pub enum LoraTarget {
        /// The query projection.
        Query = "q",
        /// The key projection.
        Key = "k",
        /// The value projection.
        Value = "v",
        /// The output projection of attention.
        Out = "out",
        /// Both layers of the MLP.
        Mlp = "mlp",
    }
}

impl LoraTarget {
    /// All targets, in order.
    const ALL: [Self; 5] = [Self::Query, Self::Key, Self::Value, Self::Out, Self::Mlp];
}

/// The set of layers that have an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<LoraTarget>", into = "Vec<LoraTarget>")]
pub struct LoraTargets(u8);

impl LoraTargets {
    /// Returns the targets in the order in which they are defined.
    pub fn iter(self) -> impl Iterator<Item = LoraTarget> {
        LoraTarget::ALL.into_iter().filter(move |target| self.0 & bit(*target) != 0)
    }
}

fn bit(target: LoraTarget) -> u8 {
    1 << (target as u8)
}

impl From<Vec<LoraTarget>> for LoraTargets {
    fn from(targets: Vec<LoraTarget>) -> Self {
        Self(targets.into_iter().fold(0, |bits, target| bits | bit(target)))
    }
}

impl From<LoraTargets> for Vec<LoraTarget> {
    fn from(targets: LoraTargets) -> Self {
        targets.iter().collect()
    }
}

impl FromNode for LoraTargets {
    fn from_node(node: &Node) -> Option<Self> {
        Vec::<LoraTarget>::from_node(node).map(Self::from)
    }
}

words! {
    /// Whether logit_scale (and SigLIP's logit_bias) is trained.
    pub enum LogitScale {
        /// It is trained. CLIP's is kept between 0 and ln 100.
        Learned = "learned",
        /// It stays as the starting point has it.
        Fixed = "fixed",
    }
}
