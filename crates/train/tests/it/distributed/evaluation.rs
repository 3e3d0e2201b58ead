//! Evaluation by several processes.

use cliptune_experiment::{BatchSize, Objective, TaskKind};
use cliptune_train::data::Example;
use cliptune_train::evaluate::{Evaluation, evaluate};
use cliptune_train::group::{ALONE, Group};

use super::{WORLDS, together, with_classes};
use crate::support::{Tiny, related};

#[test]
fn an_evaluation_is_that_of_one_process() {
    let tiny = with_classes();
    let pairs = related(tiny.validation.iter().chain(&Tiny::load().train).cloned().collect());
    let mut cases = Vec::new();
    for size in [1, 2, 4, 64] {
        let size = BatchSize::try_from(size).unwrap();
        cases.push((Objective::Choice, TaskKind::Choice, size, &pairs));
        cases.push((Objective::Contrastive, TaskKind::Pairs, size, &pairs));
        cases.push((Objective::Sigmoid, TaskKind::Pairs, size, &pairs));
        cases.push((Objective::Contrastive, TaskKind::Classes, size, &tiny.train));
    }
    let evaluated = |group: &Group| -> Vec<Evaluation> {
        let parameters = tiny.parameters();
        let encoder = tiny.encoder(&parameters).with_group(group);
        let of = |&(objective, task, size, examples): &(_, _, _, &Vec<Example>)| {
            evaluate(&encoder, objective, task, size, examples).unwrap()
        };
        cases.iter().map(of).collect()
    };
    let expected = evaluated(&ALONE);
    for world in WORLDS {
        let all = together(world, evaluated);
        assert!(all.iter().all(|one| *one == all[0]), "not all of {world} have the same");
        for ((found, expected), case) in all[0].iter().zip(&expected).zip(&cases) {
            let what = format!("{:?}, {:?}, {:?} on {world}: {found:?}", case.0, case.1, case.2);
            assert!((found.loss - expected.loss).abs() < 1e-5, "{what} instead of {expected:?}");
            assert!((found.accuracy - expected.accuracy).abs() < 1e-9, "{what} instead of {expected:?}");
        }
    }
}
