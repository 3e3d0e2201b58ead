//! The defaults of a training that depend on what is trained.
//!
//! Weights that know much are moved little, and weights that know nothing are moved much. Most numbers are those of the
//! field: open_clip trains from scratch for 32 epochs at 5e-4; WiSE-FT (Wortsman et al. 2022) and FLYP (Goyal et al. 2023)
//! fine-tune all weights of CLIP for 10 epochs at 1e-5; CLIP-LoRA (Zanella & Ben Ayed 2024) trains its adapters at 2e-4; and
//! 1e-3 is what Tip-Adapter-F (Zhang et al. 2022) gives its layer at a tower's end. A model that was trained here from random
//! weights is small and has seen little: at 1e-5 it does not move on the drawn contest (0.23 of the test items,
//! where chance is 0.20), and at 3e-4 it learns (0.55).

use crate::origins::{Origin, Origins};
use crate::yaml::{FromNode as _, Node};

/// What decides the usual values of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Training {
    kind: Kind,
    is_adaptive: bool,
}

/// The kinds of training whose usual values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Random weights are trained.
    Scratch,
    /// Weights are tuned, all of them or one tower, that other experiments trained from random ones.
    TrainedHere,
    /// Weights are tuned, all of them or one tower, that come from elsewhere.
    Tuned,
    /// Only the projections move.
    Projections,
    /// Only adapters move.
    Lora,
}

/// A value that is usual for some kinds of training and another one for others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    cases: &'static [(Kind, &'static str)],
    /// The value for the kinds that are no case.
    otherwise: &'static str,
    /// Whether the values are those of optimisers that adapt their steps, and there are none for others.
    only_adaptive: bool,
}

/// The number of epochs.
pub(crate) const EPOCHS: Usual =
    Usual { cases: &[(Kind::Scratch, "32")], otherwise: "10", only_adaptive: false };

/// The peak learning rate.
pub(crate) const LEARNING_RATE: Usual = Usual {
    cases: &[
        (Kind::Scratch, "5e-4"),
        (Kind::TrainedHere, "3e-4"),
        (Kind::Projections, "1e-3"),
        (Kind::Lora, "2e-4"),
    ],
    otherwise: "1e-5",
    only_adaptive: true,
};

impl Training {
    /// Returns what an experiment trains, whose defaults are not filled in yet.
    pub(crate) fn of(experiment: &Node, origins: &Origins) -> Self {
        let word = |path: &[&str]| {
            let node = path.iter().try_fold(experiment, |node, key| node.get(key));
            node.and_then(String::from_node).unwrap_or_default()
        };
        let kind = match word(&["train", "tune"]).as_str() {
            "lora" => Kind::Lora,
            "projections" => Kind::Projections,
            _ => match origins.origin(&word(&["model", "from"])) {
                Origin::Random => Kind::Scratch,
                Origin::TrainedHere => Kind::TrainedHere,
                Origin::Model => Kind::Tuned,
            },
        };
        Self { kind, is_adaptive: word(&["train", "optimizer", "name"]) != "sgd" }
    }
}

impl Kind {
    /// Returns the setting that makes a training one of this kind.
    fn setting(self) -> &'static str {
        match self {
            Self::Scratch => "`from: scratch`",
            Self::TrainedHere => "`from: run:…` that began from scratch",
            Self::Tuned => "another model to start from",
            Self::Projections => "`tune: projections`",
            Self::Lora => "`tune: lora`",
        }
    }
}

impl Usual {
    /// Returns the YAML of the value that is usual for a training, if any is.
    pub(crate) fn yaml(&self, training: Training) -> Option<&'static str> {
        let case = self.cases.iter().find(|(kind, _)| *kind == training.kind);
        let yaml = case.map_or(self.otherwise, |(_, yaml)| yaml);
        (training.is_adaptive || !self.only_adaptive).then_some(yaml)
    }

    /// Returns the values in words: "`32` with `from: scratch`, else `10`".
    pub(crate) fn phrase(&self) -> String {
        let each: Vec<String> =
            self.cases.iter().map(|(kind, yaml)| format!("`{yaml}` with {}", kind.setting())).collect();
        let error = if self.only_adaptive { "; an error with `name: sgd`" } else { "" };
        format!("{}, else `{}`{error}", each.join(", "), self.otherwise)
    }

    /// Returns all values.
    #[cfg(test)]
    pub(crate) fn values(&self) -> impl Iterator<Item = &'static str> {
        self.cases.iter().map(|(_, yaml)| *yaml).chain([self.otherwise])
    }
}
