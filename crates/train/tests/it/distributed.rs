//! Several processes compute what one computes. Here they are threads, each with weights of its own.
//!
//! libtorch's generator is one for the process, so that nothing here draws from it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use cliptune_experiment::{
    Augment, BatchSize, EmaDecay, Fraction, Lora, LoraTarget, Objective, Reduction, Seed, TaskKind,
    TrainPlan, Tune,
};
use cliptune_store::Event;
use cliptune_torch_bridge::in_threads;
use cliptune_train::TrainError;
use cliptune_train::data::{Example, Examples};
use cliptune_train::draws::Draws;
use cliptune_train::evaluate::{Evaluation, evaluate};
use cliptune_train::fit::Fitted;
use cliptune_train::gradient::{Gradient, in_expected_order};
use cliptune_train::group::{ALONE, Group};
use cliptune_train::model::Parameters;
use cliptune_train::objective::{self, Embeddings};
use cliptune_train::tuning::Tuned;
use tch::{Kind, Tensor};

use crate::support::{Tiny, World, assert_close, generator, go_on, related, tensors};

/// The numbers of processes that are compared with one.
const WORLDS: [usize; 3] = [2, 3, 4];
/// Of the norm of the whole gradient, in single precision.
const RELATIVE: f64 = 1e-6;
/// Of losses after some steps, of those above 1 relative to them. Rounding in the first step moves the weights of the
/// next.
const LOSS_TOLERANCE: f64 = 1e-4;
/// Bytes of a bucket. The tiny model has several of this size.
const BUCKET: usize = 2000;

const OBJECTIVES: [Objective; 4] = [
    Objective::Choice,
    Objective::Contrastive,
    Objective::ChoiceContrastive { contrastive_weight: 0.5 },
    Objective::Sigmoid,
];

/// Runs the processes of a group, and returns what they return in the order of their ranks.
fn together<T: Send>(world: usize, member: impl Fn(&Group) -> T + Sync) -> Vec<T> {
    in_threads(world, |members| member(&Group::joined(members).with_buckets_of(BUCKET))).unwrap()
}

fn plan(tiny: &Tiny, objective: Objective) -> TrainPlan {
    TrainPlan { objective, ..tiny.case(objective).plan.clone() }
}

fn lora() -> Tune {
    let targets = vec![LoraTarget::Query, LoraTarget::Out, LoraTarget::Mlp].into();
    Tune::Lora { lora: Lora { rank: NonZeroUsize::new(2).unwrap(), alpha: 2.0, dropout: 0.0, targets } }
}

/// Flips half of the images, by a generator of its own.
fn flips() -> Augment {
    Augment {
        random_resized_crop: None,
        horizontal_flip: Fraction::try_from(0.5).unwrap(),
        color_jitter: None,
        random_erasing: None,
    }
}

/// The train items, in which every other text equals the one before, so that equal texts, equal images and equal groups
/// meet across shares.
fn with_equal_texts() -> Tiny {
    let mut tiny = Tiny::load();
    let same: Vec<usize> = (0..tiny.text_count()).map(|text| text / 2).collect();
    Examples::unify(&mut tiny.train, &same);
    tiny
}

/// Six images, each with all texts as its candidates, as if they were classes: all batches have the same texts.
fn with_classes() -> Tiny {
    let mut tiny = Tiny::load();
    let texts: Vec<usize> = (0..tiny.text_count()).collect();
    tiny.train = related((0..6).map(|image| Example::new(image, texts.clone(), 2 * image, image)).collect());
    tiny
}

/// An update to compare.
struct Case {
    name: String,
    plan: TrainPlan,
    batches: Vec<Vec<usize>>,
}

/// An update of one process: the mean loss, and the gradient of every weight that moves.
type Update = (f64, Vec<(String, Tensor)>);

fn update(tiny: &Tiny, case: &Case, group: &Group) -> Update {
    let parameters = tiny.parameters().with_token_rows(case.plan.tune, &tiny.texts.ids()).unwrap();
    let tuned = Tuned::new(&parameters, &case.plan, Seed(0)).unwrap();
    wake(&tuned);
    let mut encoder = tiny.encoder(&parameters).with_adapters(tuned.adapters()).with_group(group);
    encoder.lock(&case.plan).unwrap();
    let moving = tuned.moving();
    let buckets = group.buckets(&in_expected_order(&moving)).unwrap();
    let gradient = Gradient {
        plan: &case.plan,
        encoder: &encoder,
        examples: &tiny.train,
        draws: Draws::new(Seed(0), 1).of_member(group),
        ahead: None,
        buckets: buckets.as_ref(),
    };
    let part = gradient.accumulate(&case.batches).unwrap();
    let gradients = moving.iter().map(|one| (one.spec.name.clone(), one.tensor.grad())).collect();
    (group.sums(&[part]).unwrap()[0], gradients)
}

/// Adapters begin with matrices of zeros, under which their other matrices have no gradient.
fn wake(tuned: &Tuned<'_>) {
    let _guard = tch::no_grad_guard();
    for one in tuned.moving().iter().filter(|one| one.spec.name.contains("lora_B")) {
        let values = Tensor::linspace(-0.3, 0.3, one.tensor.numel() as i64, (Kind::Float, tch::Device::Cpu));
        one.tensor.shallow_clone().copy_(&values.view_as(&one.tensor));
    }
}

fn assert_same(what: &str, (loss, found): &Update, (expected_loss, expected): &Update) {
    let tolerance = RELATIVE * expected_loss.abs().max(1.0);
    assert!((loss - expected_loss).abs() < tolerance, "{what}: {loss} instead of {expected_loss}");
    let square = |one: &Tensor| one.square().sum(Kind::Double).double_value(&[]);
    let norm =
        expected.iter().map(|(_, one)| one).filter(|one| one.defined()).map(square).sum::<f64>().sqrt();
    for ((weight, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.defined(), expected.defined(), "{what}: gradient of {weight}");
        if expected.defined() {
            assert_close(found, expected, RELATIVE * norm, &format!("{what}: gradient of {weight}"));
        }
    }
}

/// Compares every process of every group with a process alone.
fn assert_all_same(tiny: &Tiny, cases: &[Case]) {
    let _generator = generator();
    let expected: Vec<Update> = cases.iter().map(|case| update(tiny, case, &ALONE)).collect();
    for world in WORLDS {
        let updates = together(world, |group| {
            cases.iter().map(|case| update(tiny, case, group)).collect::<Vec<Update>>()
        });
        for (rank, updates) in updates.iter().enumerate() {
            for ((case, found), expected) in cases.iter().zip(updates).zip(&expected) {
                assert_same(&format!("{} on {rank} of {world}", case.name), found, expected);
            }
        }
    }
}

/// Ways to compute an update: at once, in chunks, with activations computed again, and both.
fn passes(plan: &TrainPlan) -> Vec<(String, TrainPlan)> {
    [(None, false), (Some(2), false), (None, true), (Some(2), true)]
        .into_iter()
        .map(|(rows, gradient_checkpointing)| {
            let gradient_cache = rows.map(|rows: usize| BatchSize::try_from(rows).unwrap());
            let name = format!("cache {rows:?}, again {gradient_checkpointing}");
            (name, TrainPlan { gradient_cache, gradient_checkpointing, ..plan.clone() })
        })
        .collect()
}

/// One whole batch, two with one that is too small for all, and three of which the last two are.
fn updates_of_ten() -> Vec<Vec<Vec<usize>>> {
    vec![
        vec![(0..10).collect()],
        vec![(0..8).collect(), vec![8, 9]],
        vec![(0..5).collect(), vec![5, 6, 7], vec![9]],
    ]
}

#[test]
fn every_objective_has_the_gradient_of_the_whole_batch() {
    let tiny = with_equal_texts();
    let mut cases = Vec::new();
    for objective in OBJECTIVES {
        for (name, plan) in passes(&plan(&tiny, objective)) {
            for batches in updates_of_ten() {
                let name = format!("{objective:?}, {name}, {batches:?}");
                cases.push(Case { name, plan: plan.clone(), batches });
            }
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn smoothed_and_summed_losses_have_the_gradient_of_the_whole_batch() {
    let tiny = with_equal_texts();
    let mut cases = Vec::new();
    for objective in OBJECTIVES {
        for batches in updates_of_ten() {
            let plan =
                TrainPlan { label_smoothing: 0.2, reduction: Reduction::Sum, ..plan(&tiny, objective) };
            cases.push(Case { name: format!("{objective:?}, {batches:?}"), plan, batches });
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn whatever_moves_has_the_gradient_of_the_whole_batch() {
    let tiny = with_equal_texts();
    let mut cases = Vec::new();
    for tune in [
        Tune::LockedImage { unlocked_layers: 0 },
        Tune::LockedImage { unlocked_layers: 1 },
        Tune::LockedText { unlocked_layers: 0 },
        Tune::LockedText { unlocked_layers: 1 },
        Tune::Projections,
        lora(),
    ] {
        for objective in [Objective::Choice, Objective::Contrastive] {
            for augment in [None, Some(flips())] {
                let plan = TrainPlan { tune, augment, ..plan(&tiny, objective) };
                for (name, plan) in passes(&plan) {
                    let name = format!("{tune:?}, {objective:?}, augmented {}, {name}", augment.is_some());
                    cases.push(Case { name, plan, batches: vec![(0..8).collect(), vec![8, 9]] });
                }
            }
        }
    }
    assert_all_same(&tiny, &cases);
}

#[test]
fn classes_that_several_batches_share_have_the_gradient_of_all() {
    let tiny = with_classes();
    let mut cases = Vec::new();
    for (name, plan) in passes(&plan(&tiny, Objective::Choice)) {
        for batches in [vec![(0..6).collect()], vec![vec![0, 1, 2], vec![3, 4], vec![5]]] {
            cases.push(Case { name: format!("{name}, {batches:?}"), plan: plan.clone(), batches });
        }
    }
    assert_all_same(&tiny, &cases);
}

/// Directions in the plane, in degrees, from which gradients flow back.
fn directions(degrees: &[f64]) -> Tensor {
    let radians = degrees.iter().map(|degrees| degrees.to_radians());
    let rows: Vec<f32> = radians.flat_map(|angle| [angle.cos() as f32, angle.sin() as f32]).collect();
    Tensor::from_slice(&rows).view([-1, 2]).set_requires_grad(true)
}

fn leaves() -> Embeddings {
    Embeddings {
        images: directions(&[10.0, 80.0, 35.0, 200.0]),
        texts: directions(&[0.0, 90.0, 180.0, 250.0]),
        logit_scale: Tensor::from(3.0_f32).set_requires_grad(true),
        logit_bias: Some(Tensor::from(-1.0_f32).set_requires_grad(true)),
    }
}

fn gradients_of(embeddings: &Embeddings) -> Vec<Tensor> {
    let Embeddings { images, texts, logit_scale, logit_bias } = embeddings;
    [images, texts, logit_scale].into_iter().chain(logit_bias).map(Tensor::grad).collect()
}

#[test]
fn shares_of_a_loss_add_up_to_it_and_so_do_their_gradients() {
    // Text 0 belongs to two images, and two groups have two images each.
    let example =
        |(image, text): (usize, usize)| Example::new(image, vec![text, (text + 1) % 4], 0, image / 2);
    let examples = related([(0, 0), (1, 1), (2, 0), (3, 2), (0, 3)].into_iter().map(example).collect());
    for objective in OBJECTIVES {
        for smoothing in [0.0, 0.3] {
            let whole = leaves();
            let expected = objective::loss(objective, smoothing, &whole, &examples).unwrap();
            expected.backward();
            for cuts in [vec![0, 5], vec![0, 2, 5], vec![0, 1, 2, 3, 4, 5]] {
                let (parts, mut sum) = (leaves(), 0.0);
                for share in cuts.windows(2).map(|cut| cut[0]..cut[1]) {
                    let weight = share.len() as f64 / examples.len() as f64;
                    let loss =
                        objective::loss_of_share(objective, smoothing, &parts, &examples, share).unwrap();
                    let loss = loss * weight;
                    sum += loss.double_value(&[]);
                    loss.backward();
                }
                let what = format!("{objective:?}, {smoothing}, {cuts:?}");
                assert!((sum - expected.double_value(&[])).abs() < 1e-6, "{what}: {sum}");
                for (found, expected) in gradients_of(&parts).iter().zip(gradients_of(&whole)) {
                    assert_eq!(found.defined(), expected.defined(), "{what}");
                    if expected.defined() {
                        assert_close(found, &expected, 1e-6, &what);
                    }
                }
            }
        }
    }
}

/// What a process has seen of a training.
#[derive(Debug, PartialEq)]
struct Curve {
    /// The bits of each step's loss.
    losses: Vec<u64>,
    /// The bits of each epoch's validation loss and accuracy.
    validation: Vec<[u64; 2]>,
}

fn curve(world: &World) -> Curve {
    let mut curve = Curve { losses: Vec::new(), validation: Vec::new() };
    for event in world.events() {
        match event {
            Event::Step { loss, .. } => curve.losses.push(loss.to_bits()),
            Event::Epoch { validation_loss, validation_accuracy, .. } => {
                curve.validation.push([validation_loss.to_bits(), validation_accuracy.to_bits()]);
            }
            _ => {}
        }
    }
    curve
}

fn assert_close_curves(found: &Curve, expected: &Curve, what: &str) {
    assert_eq!(found.losses.len(), expected.losses.len(), "{what}");
    assert_eq!(found.validation.len(), expected.validation.len(), "{what}");
    let numbers = |curve: &Curve| -> Vec<f64> {
        let validation = curve.validation.iter().map(|[loss, _]| loss);
        curve.losses.iter().chain(validation).map(|&bits| f64::from_bits(bits)).collect()
    };
    for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
        let tolerance = LOSS_TOLERANCE * expected.abs().max(1.0);
        assert!((found - expected).abs() < tolerance, "{what}: {found} instead of {expected}");
    }
}

/// The bits of everything that a run would continue from.
fn state(world: &World) -> BTreeMap<String, Vec<u32>> {
    let bits = |tensor: Tensor| -> Vec<u32> {
        let values: Vec<f32> = Vec::try_from(tensor.flatten(0, -1)).unwrap();
        values.into_iter().map(f32::to_bits).collect()
    };
    let mut saved = tensors(&world.checkpoints().last_file());
    assert!(saved.remove("~crc32c").is_some(), "the checksum");
    saved.into_iter().map(|(name, tensor)| (name, bits(tensor))).collect()
}

/// Takes part in a training from whatever is in the world's folder.
fn take_part(
    world: &World,
    group: &Group,
    after_step: &dyn Fn(&Event) -> ControlFlow<()>,
) -> Result<Fitted, TrainError> {
    let tiny = &world.tiny;
    let parameters = tiny.parameters().with_token_rows(world.plan.tune, &tiny.texts.ids())?;
    let tuned = Tuned::new(&parameters, &world.plan, tiny.cases.seed)?;
    world.run_in(group, &tuned, after_step)
}

/// Trains to the end on so many processes, and returns what each of them has seen and would continue from.
fn trained(plan: &TrainPlan, world: usize) -> Vec<(Curve, BTreeMap<String, Vec<u32>>)> {
    together(world, |group| {
        let world = World::with(plan.clone());
        take_part(&world, group, &go_on).unwrap();
        (curve(&world), state(&world))
    })
}

/// Trainings that keep something of their own between steps, or compute steps in another way.
fn trainings() -> Vec<(&'static str, TrainPlan)> {
    let plain = World::new(Objective::Choice).plan;
    let two = NonZeroUsize::new(2).unwrap();
    vec![
        ("choice", plain.clone()),
        ("contrastive", World::new(Objective::Contrastive).plan),
        ("both", TrainPlan { objective: OBJECTIVES[2], ..plain.clone() }),
        ("sigmoid", TrainPlan { objective: Objective::Sigmoid, ..World::new(Objective::Contrastive).plan }),
        ("accumulated", TrainPlan { accumulate: two, ..plain.clone() }),
        (
            "in two passes",
            TrainPlan {
                gradient_cache: Some(2.try_into().unwrap()),
                gradient_checkpointing: true,
                ..plain.clone()
            },
        ),
        ("average", TrainPlan { ema: Some(EmaDecay::try_from(0.6).unwrap()), ..plain.clone() }),
        ("adapters", TrainPlan { tune: lora(), ..plain.clone() }),
        ("locked image", TrainPlan { tune: Tune::LockedImage { unlocked_layers: 0 }, ..plain.clone() }),
        ("locked text", TrainPlan { tune: Tune::LockedText { unlocked_layers: 1 }, ..plain.clone() }),
        ("augmented", TrainPlan { augment: Some(flips()), ..plain }),
    ]
}

#[test]
fn a_training_has_the_same_losses_on_any_number_of_processes() {
    let _generator = generator();
    for (name, plan) in trainings() {
        let alone = trained(&plan, 1);
        for world in WORLDS {
            let all = trained(&plan, world);
            assert_close_curves(&all[0].0, &alone[0].0, &format!("{name} on {world}"));
            for (rank, one) in all.iter().enumerate() {
                assert!(*one == all[0], "{name}: process {rank} of {world} has other bits than the first");
            }
        }
    }
}

#[test]
fn the_same_number_of_processes_has_the_same_bits_again() {
    let _generator = generator();
    for (name, plan) in trainings() {
        assert!(trained(&plan, 3) == trained(&plan, 3), "{name}");
    }
}

#[test]
fn one_process_that_joined_a_group_of_its_own_is_alone() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    let world = World::with(plan.clone());
    take_part(&world, &ALONE, &go_on).unwrap();
    assert!(trained(&plan, 1) == [(curve(&world), state(&world))]);
    assert!(together(1, Group::is_alone)[0]);
}

#[test]
fn all_processes_begin_with_the_weights_of_the_first() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    let all = together(2, |group| {
        let world = World::with(plan.clone());
        let parameters = world.tiny.parameters();
        if !group.is_leader() {
            parameters.iter().for_each(spoil);
        }
        let tuned = Tuned::new(&parameters, &plan, world.tiny.cases.seed).unwrap();
        world.run_in(group, &tuned, &go_on).unwrap();
        state(&world)
    });
    assert!(all[0] == all[1]);
}

fn spoil(one: &cliptune_train::model::Parameter) {
    let _guard = tch::no_grad_guard();
    let _ = one.tensor.shallow_clone().g_mul_scalar_(0.5);
}

/// Stops after some steps of this process, or never.
fn stop_after(steps: Option<usize>) -> impl Fn(&Event) -> ControlFlow<()> {
    let seen = Cell::new(0);
    move |_| {
        seen.set(seen.get() + 1);
        if Some(seen.get()) == steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn an_interrupt_of_one_process_stops_all_in_the_same_step() {
    let _generator = generator();
    let plan = World::new(Objective::Choice).plan;
    // Two epochs of three steps: the others hear of it with the next step, or at the end of the epoch.
    for (interrupted, expected) in [(1, 2), (2, 3), (3, 3), (4, 5), (5, 6), (6, 6)] {
        let ends = together(3, |group| {
            let world = World::with(plan.clone());
            let stop = stop_after((group.rank() == 1).then_some(interrupted));
            let fitted = take_part(&world, group, &stop).unwrap();
            (fitted, world.events().pop())
        });
        for end in ends {
            assert_eq!(end, (Fitted::Interrupted, Some(Event::Interrupted { step: expected })));
        }
    }
}

#[test]
fn a_run_that_is_interrupted_on_four_processes_goes_on_with_two_and_with_one() {
    let _generator = generator();
    let plan = World::new(Objective::Contrastive).plan;
    let alone = trained(&plan, 1);
    for rest in [1, 2] {
        let worlds: Vec<World> = (0..4).map(|_| World::with(plan.clone())).collect();
        let go = |processes: usize, stop: Option<usize>| {
            together(processes, |group| take_part(&worlds[group.rank()], group, &stop_after(stop)).unwrap())
        };
        assert_eq!(go(4, Some(1)), [Fitted::Interrupted; 4]);
        assert!(go(rest, None).iter().all(|fitted| matches!(fitted, Fitted::Done { .. })));
        assert_close_curves(&curve(&worlds[0]), &alone[0].0, &format!("on {rest}"));
    }
}

/// Weights of which those of one process compute NaN. The tower is locked, so that no process takes them over.
fn locked_to_nan(world: &World, spoilt: bool) -> Parameters {
    let parameters = world.tiny.parameters();
    if spoilt {
        let _ = parameters.tensor("visual_projection.weight").unwrap().shallow_clone().fill_(f64::NAN);
    }
    parameters
}

#[test]
fn a_loss_that_is_not_a_number_on_one_process_ends_all_in_the_same_step() {
    let _generator = generator();
    let plain = World::new(Objective::Choice).plan;
    // Images that are changed at random are encoded anew in each step.
    let tune = Tune::LockedImage { unlocked_layers: 0 };
    let plan = TrainPlan { tune, augment: Some(flips()), ..plain };
    for (_, plan) in passes(&plan) {
        let ends = together(3, |group| {
            let world = World::with(plan.clone());
            let parameters = locked_to_nan(&world, group.rank() == 2);
            let tuned = Tuned::new(&parameters, &plan, world.tiny.cases.seed).unwrap();
            world.run_in(group, &tuned, &go_on).map_err(|error| error.to_string())
        });
        let expected = "the loss became NaN at step 1 (epoch 1)".to_owned();
        assert!(ends.iter().all(|end| *end == Err(expected.clone())), "{ends:?}");
    }
}

#[test]
fn a_process_that_would_never_have_anything_to_do_is_refused() {
    let plan = TrainPlan { batch_size: 3.try_into().unwrap(), ..World::new(Objective::Choice).plan };
    let ends = together(4, |group| take_part(&World::with(plan.clone()), group, &go_on));
    for end in ends {
        let error = end.unwrap_err();
        assert!(matches!(error, TrainError::WorldTooLarge { world: 4, batch: 3 }), "{error:?}");
        assert_eq!(error.to_string(), "4 processes cannot share batches of 3 items");
    }
}

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

#[test]
fn only_what_moves_is_sent() {
    let _generator = generator();
    let tiny = Tiny::load();
    let sent = |tune: Tune| {
        let plan = TrainPlan { tune, ..plan(&tiny, Objective::Choice) };
        let case = Case { name: String::new(), plan, batches: vec![(0..10).collect()] };
        together(2, |group| {
            update(&tiny, &case, group);
            group.bytes()
        })
    };
    let [full, locked, adapters] = [Tune::Full, Tune::LockedText { unlocked_layers: 0 }, lora()].map(sent);
    assert_eq!(full[0], full[1]);
    assert!(locked[0] < full[0], "{locked:?} {full:?}");
    assert!(adapters[0] < full[0], "{adapters:?} {full:?}");
}

#[test]
fn processes_draw_different_numbers_and_one_alone_draws_as_it_always_has() {
    let members = together(2, |group| Draws::new(Seed(3), 7).of_member(group));
    let _generator = generator();
    let drawn = |draws: Draws| {
        draws.begin(&[1, 2]);
        Tensor::rand([4], (Kind::Float, tch::Device::Cpu))
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
