//! The variables of Slurm's `srun`.

use std::num::NonZeroU16;

use crate::error::LauncherError;
use crate::host_list::{first_host, tasks_of_node};
use crate::placement::{Keeper, MOST_PROCESSES, Placement, below, count};
use crate::variables::Variables;

/// The variable with the number of processes of a step. `srun` alone sets it: a batch script has the other numbers of its job, and is one
/// process that must not wait for others.
const TASKS: &str = "SLURM_STEP_NUM_TASKS";
/// The ports among which a job's number chooses, below those that Linux gives to connections.
const PORTS: std::ops::Range<u64> = 20_000..32_000;
/// How far the ports of two steps of a job are apart.
const STEP: u64 = 101;

/// Returns where the process stands, or `None` when `srun` has not started it.
pub(crate) fn placement(variables: Variables<'_>) -> Result<Option<Placement>, LauncherError> {
    let declared: Option<usize> = variables.number("WORLD_SIZE")?;
    let Some(world) = variables.number(TASKS)? else {
        // Somebody has set a part of torchrun's variables.
        return match declared {
            None | Some(1) => Ok(None),
            Some(_) => Err(LauncherError::Missing { variable: "RANK", with: "WORLD_SIZE" }),
        };
    };
    let world = count(TASKS, world, MOST_PROCESSES)?;
    if world == 1 {
        return Ok(None);
    }
    if let Some(value) = declared.filter(|declared| *declared != world) {
        return Err(LauncherError::Contradiction {
            variable: "WORLD_SIZE",
            value,
            other: TASKS,
            expected: world,
        });
    }
    let rank = below("SLURM_PROCID", variables.needed_number("SLURM_PROCID", TASKS)?, (TASKS, world))?;
    let (job, step): (u64, u64) =
        (variables.number("SLURM_JOB_ID")?.unwrap_or(0), variables.number("SLURM_STEP_ID")?.unwrap_or(0));
    let local_world = local_world(variables)?;
    let local = ("SLURM_STEP_TASKS_PER_NODE", local_world.unwrap_or(world));
    let local_rank = variables.number("SLURM_LOCALID")?;
    Ok(Some(Placement {
        rank,
        world,
        local_rank: local_rank.map(|rank| below("SLURM_LOCALID", rank, local)).transpose()?,
        local_world,
        host: host(variables)?,
        port: variables.number("MASTER_PORT")?.map_or_else(|| port(job, step), NonZeroU16::get),
        keeper: Keeper::FirstRank,
        job: format!("{job}.{step}"),
        attempt: variables.number("SLURM_RESTART_COUNT")?.unwrap_or(0),
    }))
}

/// Returns the host of the first task: the first node of the step, unless somebody has said otherwise.
fn host(variables: Variables<'_>) -> Result<String, LauncherError> {
    if let Some(host) = variables.text("MASTER_ADDR") {
        return Ok(host);
    }
    let lists = ["SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"];
    let list = lists.into_iter().find_map(|variable| Some((variable, variables.text(variable)?)));
    let (variable, value) =
        list.ok_or(LauncherError::Missing { variable: "SLURM_STEP_NODELIST", with: TASKS })?;
    first_host(&value).ok_or(LauncherError::NoHosts { variable, value })
}

/// Returns the port that all tasks of a step come to by themselves.
fn port(job: u64, step: u64) -> u16 {
    let number = job.wrapping_add(step.wrapping_mul(STEP)) % (PORTS.end - PORTS.start);
    u16::try_from(PORTS.start + number).unwrap_or(u16::MAX)
}

/// Returns how many tasks the step has on this node, where Slurm says so.
fn local_world(variables: Variables<'_>) -> Result<Option<usize>, LauncherError> {
    let node = variables.number("SLURM_NODEID")?;
    let counts = variables.text("SLURM_STEP_TASKS_PER_NODE");
    Ok(node.zip(counts).and_then(|(node, counts)| tasks_of_node(&counts, node)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Launch;

    const THIRD_OF_FOUR: [(&str, &str); 8] = [
        ("SLURM_PROCID", "2"),
        ("SLURM_LOCALID", "0"),
        ("SLURM_NODEID", "1"),
        ("SLURM_STEP_NUM_TASKS", "4"),
        ("SLURM_STEP_TASKS_PER_NODE", "2(x2)"),
        ("SLURM_STEP_NODELIST", "gpu-[03-04]"),
        ("SLURM_JOB_ID", "12345"),
        ("SLURM_STEP_ID", "1"),
    ];

    fn launch(changes: &[(&str, &str)]) -> Result<Launch, String> {
        let all: Vec<(&str, &str)> = changes.iter().copied().chain(THIRD_OF_FOUR).collect();
        let value =
            |name: &str| all.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        Launch::of(Variables::new(&value)).map_err(|error| error.to_string())
    }

    fn among(changes: &[(&str, &str)]) -> Placement {
        match launch(changes).unwrap() {
            Launch::Among(placement) => placement,
            Launch::Alone => panic!("it is alone"),
        }
    }

    #[test]
    fn all_that_srun_sets_is_read() {
        let placement = among(&[]);
        assert_eq!((placement.rank(), placement.world()), (2, 4));
        assert_eq!((placement.local_rank(), placement.local_world()), (Some(0), Some(2)));
        assert_eq!((placement.host(), placement.port()), ("gpu-03", 20_446));
        assert_eq!(placement.prefix(), "cliptune/12345.1/0");
        assert!(!placement.holds_store());
        assert!(among(&[("SLURM_PROCID", "0")]).holds_store());
    }

    #[test]
    fn whoever_says_where_to_meet_is_heeded() {
        let placement = among(&[("MASTER_ADDR", "head"), ("MASTER_PORT", "4000")]);
        assert_eq!((placement.host(), placement.port()), ("head", 4000));
    }

    #[test]
    fn a_batch_script_waits_for_nobody() {
        // What `sbatch --ntasks=4` sets for the script itself.
        assert_eq!(
            launch(&[("SLURM_STEP_NUM_TASKS", ""), ("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")]),
            Ok(Launch::Alone)
        );
        assert_eq!(launch(&[("SLURM_STEP_NUM_TASKS", "1"), ("SLURM_PROCID", "0")]), Ok(Launch::Alone));
    }

    #[test]
    fn torchrun_within_a_step_comes_first() {
        let inner =
            [("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "localhost"), ("MASTER_PORT", "29500")];
        let placement = among(&inner);
        assert_eq!((placement.host(), placement.rank(), placement.world()), ("localhost", 1, 2));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let said = |changes: &[(&str, &str)]| launch(changes).unwrap_err();
        assert_eq!(said(&[("SLURM_PROCID", "")]), "SLURM_PROCID is not set, and SLURM_STEP_NUM_TASKS is");
        assert_eq!(
            said(&[("SLURM_PROCID", "9")]),
            "SLURM_PROCID is 9, which is not below SLURM_STEP_NUM_TASKS, which is 4"
        );
        assert_eq!(said(&[("WORLD_SIZE", "8")]), "WORLD_SIZE is 8, and SLURM_STEP_NUM_TASKS is 4");
        assert_eq!(
            said(&[("SLURM_STEP_NODELIST", "gpu-[3")]),
            "SLURM_STEP_NODELIST is \"gpu-[3\", which is not a list of hosts"
        );
        assert_eq!(
            said(&[("SLURM_STEP_NODELIST", "")]),
            "SLURM_STEP_NODELIST is not set, and SLURM_STEP_NUM_TASKS is"
        );
    }
}
