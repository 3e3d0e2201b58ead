//! Who goes where.

use cliptune_experiment::{Seed, Split, SplitBy, SplitPlan, SplitShares};
use cliptune_store::Item;

use crate::components::{Components, Link, Unit};
use crate::error::IngestError;

/// Assigns every item to a split.
///
/// Whole units go, in an order that the seed shuffles by their keys, each to the split that lacks most groups. The
/// result depends on the units' keys and sizes and the seed alone: two datasets over the same groups and
/// connections get the same split, whatever their texts.
pub(crate) fn assign(
    items: &mut [Item],
    plan: &SplitPlan,
    links: &[Link<'_>],
    connected: &Components<'_>,
) -> Result<(), IngestError> {
    match &plan.by {
        SplitBy::Column(_) => return Ok(()),
        SplitBy::Component { .. } => assign_components(items, plan, connected, "connected component")?,
        SplitBy::Group => assign_components(items, plan, &Components::groups(links), "group")?,
        SplitBy::Row => {
            let units: Vec<Unit> =
                items.iter().map(|item| Unit { key: item.item_id.clone(), size: 1 }).collect();
            let splits = splits_of_units(&units, plan, "item")?;
            items.iter_mut().zip(splits).for_each(|(item, split)| item.split = split);
        }
    }
    let empty = shares(&plan.shares)
        .find(|(split, share)| *share > 0.0 && !items.iter().any(|item| item.split == *split));
    match empty {
        Some((split, _)) => Err(IngestError::EmptySplit { split }),
        None => Ok(()),
    }
}

fn assign_components(
    items: &mut [Item],
    plan: &SplitPlan,
    components: &Components<'_>,
    unit: &'static str,
) -> Result<(), IngestError> {
    let splits = splits_of_units(&components.units, plan, unit)?;
    for item in items {
        // Every item comes from a joined row, and so does every group.
        if let Some(component) = components.of(&item.group) {
            item.split = splits[component];
        }
    }
    Ok(())
}

fn shares(shares: &SplitShares) -> impl Iterator<Item = (Split, f64)> {
    Split::ALL.into_iter().zip([shares.train.get(), shares.validation.get(), shares.test.get()])
}

fn splits_of_units(units: &[Unit], plan: &SplitPlan, unit: &'static str) -> Result<Vec<Split>, IngestError> {
    let total: usize = units.iter().map(|unit| unit.size).sum();
    let mut places: Vec<Place> = shares(&plan.shares)
        .filter(|(_, share)| *share > 0.0)
        .map(|(split, share)| Place { split, lacks: share * total as f64, is_empty: true })
        .collect();
    if units.len() < places.len() {
        return Err(IngestError::TooFewUnits { units: units.len() as u64, unit, splits: places.len() });
    }
    let mut splits = vec![Split::Train; units.len()];
    for (placed, number) in shuffled(units, plan.seed).into_iter().enumerate() {
        // The last units are kept for splits that would otherwise stay empty.
        let empty = places.iter().filter(|place| place.is_empty).count();
        let only_empty = units.len() - placed <= empty;
        if let Some(place) = neediest(&mut places, only_empty) {
            place.lacks -= units[number].size as f64;
            place.is_empty = false;
            splits[number] = place.split;
        }
    }
    Ok(splits)
}

/// A split that is being filled.
struct Place {
    split: Split,
    /// How many groups it is short of its share.
    lacks: f64,
    is_empty: bool,
}

/// The first of the splits that lack most.
fn neediest(places: &mut [Place], only_empty: bool) -> Option<&mut Place> {
    let allowed = places.iter_mut().filter(|place| place.is_empty || !only_empty);
    allowed.reduce(|best, place| if place.lacks > best.lacks { place } else { best })
}

fn shuffled(units: &[Unit], seed: Seed) -> Vec<usize> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_cached_key(|&unit| {
        *blake3::hash(format!("{seed}\n{}", units[unit].key).as_bytes()).as_bytes()
    });
    order
}

#[cfg(test)]
mod tests {
    use cliptune_experiment::Fraction;

    use super::*;

    fn plan(shares: [f64; 3], seed: u32) -> SplitPlan {
        let [train, validation, test] = shares.map(|share| Fraction::try_from(share).unwrap());
        let by = SplitBy::Component { across: Vec::new() };
        SplitPlan { by, shares: SplitShares { train, validation, test }, seed: Seed(seed) }
    }

    fn units(sizes: &[usize]) -> Vec<Unit> {
        sizes.iter().enumerate().map(|(n, &size)| Unit { key: format!("g{n}"), size }).collect()
    }

    fn sizes(sizes: &[usize], shares: [f64; 3], seed: u32) -> [usize; 3] {
        let splits = splits_of_units(&units(sizes), &plan(shares, seed), "component").unwrap();
        Split::ALL.map(|split| {
            splits.iter().zip(sizes).filter(|(found, _)| **found == split).map(|(_, size)| size).sum()
        })
    }

    #[test]
    fn equal_components_fill_the_shares_exactly() {
        for seed in 0..20 {
            assert_eq!(sizes(&[100; 10], [0.7, 0.1, 0.2], seed), [700, 100, 200]);
        }
    }

    #[test]
    fn three_large_components_still_give_three_splits() {
        for seed in 0..20 {
            let found = sizes(&[546, 540, 546], [0.8, 0.1, 0.1], seed);
            assert!(found.iter().all(|size| *size > 0), "{found:?}");
        }
    }

    #[test]
    fn a_split_without_a_share_stays_empty() {
        assert_eq!(sizes(&[1; 10], [0.5, 0.0, 0.5], 0), [5, 0, 5]);
    }

    #[test]
    fn fewer_components_than_splits_are_refused() {
        let error =
            splits_of_units(&units(&[9, 9]), &plan([0.8, 0.1, 0.1], 0), "connected component").unwrap_err();
        assert_eq!(error.to_string(), "2 connected components cannot fill 3 splits");
    }

    #[test]
    fn another_seed_gives_another_split() {
        let of = |seed| splits_of_units(&units(&[1; 50]), &plan([0.8, 0.1, 0.1], seed), "group").unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn the_order_of_units_changes_nothing() {
        let forwards = units(&[3, 1, 4, 1, 5, 9, 2, 6]);
        let backwards: Vec<Unit> = forwards.iter().rev().cloned().collect();
        let split = |units: &[Unit]| {
            let splits = splits_of_units(units, &plan([0.6, 0.2, 0.2], 3), "group").unwrap();
            let mut named: Vec<_> = units.iter().map(|unit| unit.key.clone()).zip(splits).collect();
            named.sort();
            named
        };
        assert_eq!(split(&forwards), split(&backwards));
    }
}
