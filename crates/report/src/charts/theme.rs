//! Colours: one list for charts and page, in which each colour has a light and a dark value.
//!
//! The hues are Okabe and Ito's, darkened until text in them is legible on paper (contrast of at least 4.5) and
//! lightened for dark backgrounds. The baseline is always grey. An entry has the same colour in every chart; those that are
//! some of many share one.

use crate::data::{NAMED, ReportData, Role};

/// A colour with a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// The name of its CSS variable.
    pub(crate) variable: &'static str,
    /// The value on a light background, which standalone charts use as well. It is in capitals, as plotters writes it.
    pub(crate) light: &'static str,
    /// The value on a dark background.
    pub(crate) dark: &'static str,
}

const fn colour(variable: &'static str, light: &'static str, dark: &'static str) -> Colour {
    Colour { variable, light, dark }
}

/// The colour of the background.
pub(crate) const PAPER: Colour = colour("paper", "#FEFDFB", "#161719");
/// The colour of text.
pub(crate) const INK: Colour = colour("ink", "#1D1C1A", "#e9e7e2");
/// The colour of secondary text.
pub(crate) const MUTED: Colour = colour("muted", "#66635D", "#a3a09a");
/// The colour of grid lines and rules.
pub(crate) const GRID: Colour = colour("grid", "#E7E4DD", "#2f3134");
/// The colour of surfaces that stand out a little.
pub(crate) const SHADE: Colour = colour("shade", "#F6F4EF", "#1e2023");
/// The colour of the baseline.
pub(crate) const BASELINE: Colour = colour("baseline", "#73706A", "#9b9892");
/// The colour of entries that are some of many.
pub(crate) const OTHER: Colour = colour("other", "#5F7486", "#8ea3b5");
/// The colour of right answers.
pub(crate) const RIGHT: Colour = colour("right", "#00734F", "#4fc79a");

/// The colours of entries that are not a baseline, in order; after the last one, the first is used again.
pub(crate) const SERIES: [Colour; NAMED] = [
    colour("series-1", "#0069A8", "#5db8ee"),
    colour("series-2", "#C24A00", "#ff9356"),
    colour("series-3", "#007A5A", "#3cc9a0"),
    colour("series-4", "#A8437F", "#ea9ac6"),
    colour("series-5", "#8A6500", "#e3b834"),
    colour("series-6", "#5B3FA0", "#b3a0f2"),
    colour("series-7", "#7C3428", "#d99a8c"),
];

/// Returns all colours.
pub(crate) fn all() -> impl Iterator<Item = Colour> {
    [PAPER, INK, MUTED, GRID, SHADE, BASELINE, OTHER, RIGHT].into_iter().chain(SERIES)
}

/// Returns the colour of an entry.
pub(crate) fn of_entry(data: &ReportData, entry: usize) -> Colour {
    match data.entries[entry].role {
        Role::Baseline => BASELINE,
        Role::Named(place) => SERIES[place % SERIES.len()],
        Role::Other => OTHER,
    }
}

/// Returns the colour of the curve of an entry that the reader has asked for, which is one of many.
pub(crate) fn of_picked(entry: usize) -> Colour {
    SERIES[entry % SERIES.len()]
}

/// Returns the CSS rules that define the variables.
pub(crate) fn css() -> String {
    let block = |value: fn(&Colour) -> &'static str| -> String {
        all().map(|colour| format!("--{}:{};", colour.variable, value(&colour))).collect()
    };
    format!(
        ":root{{color-scheme:light dark;{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n\
         @media print{{:root{{color-scheme:light;{}}}}}\n",
        block(|colour| colour.light),
        block(|colour| colour.dark),
        block(|colour| colour.light),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The inline look replaces light values by variables, so no two colours may have the same light value.
    #[test]
    fn every_colour_has_its_own_light_value() {
        let distinct: BTreeSet<_> = all().map(|colour| colour.light).collect();
        assert_eq!(distinct.len(), all().count());
    }
}
