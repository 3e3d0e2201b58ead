//! What tests of variables have in common, and what is promised of the variables of every launcher.

use cliptune_terminal::{Diagnostic, Exit};

use crate::error::LauncherError;
use crate::placement::{Launch, Placement};
use crate::variables::Variables;

/// A variable and its value.
pub(crate) type Set = (&'static str, &'static str);

/// What torchrun sets for the second of four processes, on the first of two hosts.
pub(crate) const BY_TORCHRUN: [Set; 9] = [
    ("RANK", "1"),
    ("LOCAL_RANK", "1"),
    ("WORLD_SIZE", "4"),
    ("LOCAL_WORLD_SIZE", "2"),
    ("MASTER_ADDR", "node-1"),
    ("MASTER_PORT", "29500"),
    ("TORCHELASTIC_RUN_ID", "abc"),
    ("TORCHELASTIC_RESTART_COUNT", "2"),
    ("TORCHELASTIC_USE_AGENT_STORE", "True"),
];

/// What `srun` sets for the third of four processes, which is the first of the second host, in a job that was requeued once.
pub(crate) const BY_SRUN: [Set; 10] = [
    ("SLURM_PROCID", "2"),
    ("SLURM_LOCALID", "0"),
    ("SLURM_NODEID", "1"),
    ("SLURM_STEP_NUM_TASKS", "4"),
    ("SLURM_STEP_TASKS_PER_NODE", "2(x2)"),
    ("SLURM_STEP_NODELIST", "gpu-[03-04]"),
    ("SLURM_JOB_NODELIST", "login,gpu-[03-04]"),
    ("SLURM_JOB_ID", "12345"),
    ("SLURM_STEP_ID", "1"),
    ("SLURM_RESTART_COUNT", "1"),
];

/// Reads the variables of a launcher after some changes, of which an empty one unsets a variable.
pub(crate) fn launch(launcher: &[Set], changes: &[Set]) -> Result<Launch, LauncherError> {
    let value = |name: &str| {
        let set = changes.iter().chain(launcher).find(|(set, _)| *set == name);
        set.map(|(_, value)| (*value).to_owned())
    };
    Launch::of(Variables::new(&value))
}

/// Returns the place that these variables give a process.
pub(crate) fn among(launcher: &[Set], changes: &[Set]) -> Placement {
    match launch(launcher, changes).unwrap() {
        Launch::Among(placement) => placement,
        Launch::Alone => panic!("it is alone"),
    }
}

/// Returns what is said of these variables.
pub(crate) fn said(launcher: &[Set], changes: &[Set]) -> String {
    launch(launcher, changes).unwrap_err().to_string()
}

const NUMBERS_OF_TORCHRUN: [&str; 6] =
    ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT"];

const NUMBERS_OF_SLURM: [&str; 9] = [
    "SLURM_STEP_NUM_TASKS",
    "SLURM_PROCID",
    "SLURM_LOCALID",
    "SLURM_NODEID",
    "SLURM_JOB_ID",
    "SLURM_STEP_ID",
    "SLURM_RESTART_COUNT",
    "MASTER_PORT",
    "WORLD_SIZE",
];

fn every_number() -> impl Iterator<Item = (&'static [Set], &'static str)> {
    let of_torchrun = NUMBERS_OF_TORCHRUN.into_iter().map(|name| (BY_TORCHRUN.as_slice(), name));
    of_torchrun.chain(NUMBERS_OF_SLURM.into_iter().map(|name| (BY_SRUN.as_slice(), name)))
}

#[test]
fn a_variable_that_is_no_number_is_named_with_its_value_and_a_way_out() {
    for (launcher, name) in every_number() {
        for wrong in ["one", "-1", "1.0", "0x1", "1e3", "1,2", "99999999999999999999999999"] {
            let error = launch(launcher, &[(name, wrong)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{name} is {wrong:?}, which is not a valid number for it"),
                "{name}={wrong}"
            );
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains(name) && hint.contains("--distributed off"), "{hint}");
            assert_eq!(error.exit(), Exit::Usage);
        }
    }
}

#[test]
fn spaces_around_a_number_are_no_part_of_it() {
    assert_eq!(among(&BY_TORCHRUN, &[("RANK", " 3 ")]).rank(), 3);
    assert_eq!(among(&BY_SRUN, &[("SLURM_PROCID", "3\n")]).rank(), 3);
}

#[test]
fn a_few_variables_of_a_launcher_make_no_group() {
    let harmless: [&[Set]; 6] = [
        &[],
        &[("LOCAL_RANK", "1")],
        &[
            ("LOCAL_RANK", "1"),
            ("LOCAL_WORLD_SIZE", "2"),
            ("MASTER_ADDR", "node-1"),
            ("MASTER_PORT", "29500"),
        ],
        &[("SLURM_PROCID", "1"), ("SLURM_LOCALID", "1"), ("SLURM_JOB_ID", "7")],
        &[("SLURM_NTASKS", "4"), ("SLURM_JOB_NODELIST", "gpu-[1-2]"), ("SLURM_PROCID", "0")],
        &[("RANK", " "), ("WORLD_SIZE", "")],
    ];
    for some in harmless {
        assert_eq!(launch(&[], some), Ok(Launch::Alone), "{some:?}");
    }
}

#[test]
fn whoever_says_that_there_are_several_has_to_say_the_rest() {
    let half: [(&[Set], &str); 4] = [
        (&[("WORLD_SIZE", "2")], "RANK is not set, and WORLD_SIZE is"),
        (&[("WORLD_SIZE", "2"), ("LOCAL_RANK", "0")], "RANK is not set, and WORLD_SIZE is"),
        (&[("RANK", "0")], "WORLD_SIZE is not set, and RANK is"),
        (&[("SLURM_STEP_NUM_TASKS", "2")], "SLURM_PROCID is not set, and SLURM_STEP_NUM_TASKS is"),
    ];
    for (some, expected) in half {
        assert_eq!(said(&[], some), expected, "{some:?}");
    }
}

#[test]
fn ranks_and_numbers_of_processes_fit_together_or_are_refused() {
    let wrong: [(&[Set], &[Set], &str); 10] = [
        (&BY_TORCHRUN, &[("RANK", "4")], "RANK is 4, which is not below WORLD_SIZE, which is 4"),
        (
            &BY_TORCHRUN,
            &[("RANK", "18446744073709551615")],
            "RANK is 18446744073709551615, which is not below WORLD_SIZE, which is 4",
        ),
        (&[("RANK", "1"), ("WORLD_SIZE", "1")], &[], "RANK is 1, which is not below WORLD_SIZE, which is 1"),
        (&BY_TORCHRUN, &[("WORLD_SIZE", "65537")], "WORLD_SIZE is 65537, which is not from 1 to 65536"),
        (&BY_TORCHRUN, &[("LOCAL_WORLD_SIZE", "0")], "LOCAL_WORLD_SIZE is 0, which is not from 1 to 4"),
        (
            &BY_TORCHRUN,
            &[("LOCAL_WORLD_SIZE", ""), ("LOCAL_RANK", "4")],
            "LOCAL_RANK is 4, which is not below WORLD_SIZE, which is 4",
        ),
        (
            &BY_SRUN,
            &[("SLURM_STEP_NUM_TASKS", "0")],
            "SLURM_STEP_NUM_TASKS is 0, which is not from 1 to 65536",
        ),
        (
            &BY_SRUN,
            &[("SLURM_LOCALID", "2")],
            "SLURM_LOCALID is 2, which is not below SLURM_STEP_TASKS_PER_NODE, which is 2",
        ),
        (
            &BY_SRUN,
            &[("SLURM_STEP_TASKS_PER_NODE", ""), ("SLURM_LOCALID", "4")],
            "SLURM_LOCALID is 4, which is not below SLURM_STEP_NUM_TASKS, which is 4",
        ),
        (
            &BY_SRUN,
            &[("SLURM_STEP_TASKS_PER_NODE", "5(x2)")],
            "SLURM_STEP_TASKS_PER_NODE is 5, which is not from 1 to 4",
        ),
    ];
    for (launcher, changes, expected) in wrong {
        assert_eq!(said(launcher, changes), expected, "{changes:?}");
    }
}
