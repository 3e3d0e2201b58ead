//! What the processes of a group do together, and what each does differently.

use cliptune_experiment::Seed;
use cliptune_train::draws::Draws;
use cliptune_train::group::ALONE;
use tch::{Device, Kind, Tensor};

use super::together;
use crate::support::generator;

#[test]
fn processes_draw_different_numbers_and_one_alone_draws_as_it_always_has() {
    let members = together(2, |group| Draws::new(Seed(3), 7).of_member(group));
    let _generator = generator();
    let drawn = |draws: Draws| {
        draws.begin(&[1, 2]);
        Tensor::rand([4], (Kind::Float, Device::Cpu))
    };
    let alone = drawn(Draws::new(Seed(3), 7));
    assert!(drawn(Draws::new(Seed(3), 7).of_member(&ALONE)) == alone);
    let [first, second] = [0, 1].map(|rank| drawn(members[rank]));
    assert!(first != second && first != alone && second != alone);
}

#[test]
fn what_the_first_process_says_is_heard_by_all() {
    let heard = together(3, |group| {
        let said = vec!["a".to_owned(), "b".repeat(1000)];
        let heard: Vec<String> = group.hear(group.is_leader().then_some(&said)).unwrap();
        group.barrier().unwrap();
        heard == said && group.any(group.rank() == 1).unwrap() && !group.any(false).unwrap()
    });
    assert_eq!(heard, [true; 3]);
}

#[test]
fn rows_are_gathered_in_order_whatever_the_shares() {
    for world in [1, 2, 3, 4] {
        for rows in [1, 2, 5, 8] {
            let gathered = together(world, |group| {
                let own: Vec<f32> = group.share(rows).flat_map(|row| [row as f32, 0.5]).collect();
                let own = Tensor::from_slice(&own).view([-1, 2]).set_requires_grad(true);
                let all = group.gather(&own, rows).unwrap();
                assert!(!all.requires_grad());
                Vec::<f32>::try_from(all.flatten(0, -1)).unwrap()
            });
            let expected: Vec<f32> = (0..rows).flat_map(|row| [row as f32, 0.5]).collect();
            assert!(gathered.iter().all(|one| *one == expected), "{rows} rows on {world}: {gathered:?}");
        }
    }
}
