//! Exchanges images, so that none takes the place of one of its own group.

use std::collections::BTreeMap;

use cliptune_random::Random;

/// The seed of the order, which is always the same.
const SEED: u64 = 0;

/// Returns for each image, whose group is given, the image that takes its place; each image takes one. If a group has more than
/// half of all images, some of these keep to their own group. A single image cannot be exchanged.
pub(crate) fn shuffled(groups: &[usize]) -> Option<Vec<usize>> {
    if groups.len() < 2 {
        return None;
    }
    let mut random = Random::new(SEED);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    random.shuffle(&mut order);
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    order.into_iter().for_each(|image| members.entry(groups[image]).or_default().push(image));
    let mut members: Vec<Vec<usize>> = members.into_values().collect();
    random.shuffle(&mut members);
    // Group after group, whoever is as far away as the largest group is long is of another group.
    let largest = members.iter().map(Vec::len).max().unwrap_or_default();
    let along = if largest == groups.len() { 1 } else { largest };
    let beside = members.concat();
    let mut images = vec![0; groups.len()];
    for (place, image) in beside.iter().enumerate() {
        images[*image] = beside[(place + along) % beside.len()];
    }
    Some(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_image_cannot_be_exchanged_and_those_of_one_group_are_exchanged_among_themselves() {
        assert_eq!(shuffled(&[7]), None);
        let alike = shuffled(&[1; 4]).unwrap();
        assert!(alike.iter().enumerate().all(|(place, image)| place != *image), "{alike:?}");
    }

    proptest! {
        #[test]
        fn every_image_takes_one_place_of_another_group(groups in proptest::collection::vec(0_usize..9, 2..60)) {
            let images = shuffled(&groups).unwrap();
            let mut taken = images.clone();
            taken.sort_unstable();
            prop_assert_eq!(taken, (0..groups.len()).collect::<Vec<_>>());
            let count = |group: usize| groups.iter().filter(|one| **one == group).count();
            if groups.iter().all(|&group| 2 * count(group) <= groups.len()) {
                prop_assert!(images.iter().zip(&groups).all(|(&image, &group)| groups[image] != group));
            }
        }
    }
}
