//! The curves of a run as tables that DVC plots.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cliptune_durable::write_remade;
use fs_err as fs;

use crate::error::ExchangeError;
use crate::export::content::Curve;

/// A curve that DVC is to plot.
#[derive(Debug)]
pub(super) struct Plot {
    /// The name: `train/loss`.
    pub(super) name: &'static str,
    /// The table, by its path in the folder.
    pub(super) file: String,
    /// The column of the table that holds the curve.
    pub(super) column: &'static str,
}

/// Writes a table for each group of curves, with a column for the step and one for each curve.
pub(super) fn write(
    curves: &BTreeMap<&'static str, Curve>,
    folder: &Path,
) -> Result<Vec<Plot>, ExchangeError> {
    let mut tables: BTreeMap<&str, Vec<(&'static str, &Curve)>> = BTreeMap::new();
    let mut plots = Vec::new();
    for (&name, curve) in curves {
        let (group, column) = name.split_once('/').unwrap_or(("run", name));
        tables.entry(group).or_default().push((column, curve));
        plots.push(Plot { name, file: format!("plots/{group}.tsv"), column });
    }
    for (group, curves) in tables {
        fs::create_dir_all(folder.join("plots"))?;
        write_remade(&folder.join("plots").join(format!("{group}.tsv")), table(&curves).as_bytes())?;
    }
    Ok(plots)
}

/// Returns a table of curves. What was not measured at a step, or is no number, is empty.
fn table(curves: &[(&'static str, &Curve)]) -> String {
    let steps: BTreeSet<usize> = curves.iter().flat_map(|(_, curve)| curve.keys().copied()).collect();
    let names = curves.iter().map(|(name, _)| *name);
    let mut table = format!("{}\n", std::iter::once("step").chain(names).collect::<Vec<_>>().join("\t"));
    for step in steps {
        let value = |(_, curve): &(&str, &Curve)| {
            let value = curve.get(&step).map(|point| point.value).filter(|value| value.is_finite());
            value.map(|value| value.to_string()).unwrap_or_default()
        };
        let values = curves.iter().map(value);
        let cells: Vec<String> = std::iter::once(step.to_string()).chain(values).collect();
        table.push_str(&format!("{}\n", cells.join("\t")));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::content::Point;

    #[test]
    fn a_table_has_every_step_and_every_digit() {
        let curve = |points: &[(usize, f64)]| -> Curve {
            points.iter().map(|(step, value)| (*step, Point { time: 0.0, value: *value })).collect()
        };
        let loss = curve(&[(1, 0.1 + 0.2), (2, f64::NAN)]);
        let rate = curve(&[(2, 1e-5)]);
        let table = table(&[("loss", &loss), ("rate", &rate)]);
        assert_eq!(table, "step\tloss\trate\n1\t0.30000000000000004\t\n2\t\t0.00001\n");
    }
}
