//! A metric of both sides.

use cliptune_statistics::range::{self, Range};
use cliptune_statistics::{Sides, Statistic};
use cliptune_store::Prediction;

use crate::answers::Answers;
use crate::metric::{Metric, Of};

/// A metric with what it is made of on both sides, per seed.
pub(crate) struct Values {
    pub(crate) metric: Metric,
    pub(crate) both: Both,
}

/// What a metric is made of on both sides, per seed.
pub(crate) enum Both {
    /// A number of each item within a range, whose mean is the metric.
    Each { of: Vec<Vec<f64>>, against: Vec<Vec<f64>>, range: Range },
    /// A number of all items.
    All { of: Vec<Statistic>, against: Vec<Statistic> },
}

impl Both {
    /// Returns the numbers of each item, if both sides tell all of them.
    fn each(of: fn(&Prediction) -> f64, range: Range, answers: &Answers, baseline: &Answers) -> Option<Self> {
        let [of, against] = [answers, baseline].map(|side| side.values(&of));
        let are_told = of.iter().chain(&against).flatten().all(|value| value.is_finite());
        are_told.then_some(Self::Each { of, against, range })
    }
}

impl Values {
    /// Returns the values of a metric, if both sides tell it.
    pub(crate) fn of(metric: Metric, answers: &Answers, baseline: &Answers) -> Option<Self> {
        let both = match metric.of {
            Of::Share(of) => Both::each(of, range::SHARE, answers, baseline)?,
            Of::Mean(range, of) => Both::each(of, range, answers, baseline)?,
            Of::All(of) => {
                Both::All { of: answers.statistics(of).ok()?, against: baseline.statistics(of).ok()? }
            }
        };
        Some(Self { metric, both })
    }

    /// Returns the values of each item, if the metric is their mean.
    pub(crate) fn sides(&self) -> Option<Sides<'_>> {
        let Both::Each { of, against, range } = &self.both else { return None };
        let [of, against] = [of, against].map(|side| side.iter().map(Vec::as_slice).collect());
        Some(Sides { of, against, range: *range })
    }

    /// Returns whether the metric is the same for every item, as being among the first five is where there are five classes.
    pub(crate) fn say_nothing(&self) -> bool {
        let Both::Each { of, against, .. } = &self.both else { return false };
        let mut all = of.iter().chain(against).flatten();
        let first = all.next();
        all.all(|value| Some(value) == first)
    }
}

impl Answers {
    /// Returns a number of all answers, for each seed.
    pub(crate) fn statistics<E>(
        &self,
        of: fn(&[Prediction]) -> Result<Statistic, E>,
    ) -> Result<Vec<Statistic>, E> {
        self.seeds.iter().map(|seed| of(seed)).collect()
    }
}
