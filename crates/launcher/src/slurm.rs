//! The variables of Slurm's `srun`.

use std::num::NonZeroU16;

use crate::error::LauncherError;
use crate::host_list::{first_host, tasks_of_node};
use crate::placement::{Keeper, MOST_PROCESSES, Placement, below, count};
use crate::variables::Variables;

/// The variable with the number of processes of a step. `srun` alone sets it: a batch script has the other numbers of its job, and is one
/// process that must not wait for others.
const TASKS: &str = "SLURM_STEP_NUM_TASKS";
/// The variable with the numbers of the step's processes on its nodes.
const TASKS_OF_NODES: &str = "SLURM_STEP_TASKS_PER_NODE";
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
    let local_world = local_world(variables)?.map(|local| count(TASKS_OF_NODES, local, world)).transpose()?;
    let local = local_world.map_or((TASKS, world), |local| (TASKS_OF_NODES, local));
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
    let counts = variables.text(TASKS_OF_NODES);
    Ok(node.zip(counts).and_then(|(node, counts)| tasks_of_node(&counts, node)))
}

#[cfg(test)]
mod tests {
    use cliptune_terminal::Diagnostic;

    use crate::placement::Launch;
    use crate::tests::{BY_SRUN, Set, among, launch, said};

    fn third(changes: &[Set]) -> crate::Placement {
        among(&BY_SRUN, changes)
    }

    #[test]
    fn all_that_srun_sets_is_read() {
        let placement = third(&[]);
        assert_eq!((placement.rank(), placement.world()), (2, 4));
        assert_eq!((placement.local_rank(), placement.local_world()), (Some(0), Some(2)));
        assert_eq!((placement.host(), placement.port()), ("gpu-03", 20_446));
        assert_eq!(placement.prefix(), "cliptune/12345.1/1");
        assert!(!placement.holds_store());
        assert!(third(&[("SLURM_PROCID", "0")]).holds_store());
    }

    #[test]
    fn what_srun_may_leave_out_is_unknown_or_a_first_time() {
        let names = [
            "SLURM_LOCALID",
            "SLURM_NODEID",
            "SLURM_STEP_TASKS_PER_NODE",
            "SLURM_STEP_NODELIST",
            "SLURM_JOB_ID",
            "SLURM_STEP_ID",
            "SLURM_RESTART_COUNT",
        ];
        let placement = third(&names.map(|name| (name, "")));
        assert_eq!((placement.rank(), placement.world()), (2, 4));
        assert_eq!((placement.local_rank(), placement.local_world()), (None, None));
        assert_eq!(placement.host(), "login", "the nodes of the job are known");
        assert_eq!((placement.prefix().as_str(), placement.port()), ("cliptune/0.0/0", 20_000));
    }

    #[test]
    fn a_number_of_tasks_that_says_nothing_of_this_node_leaves_it_unknown() {
        let wrong = ["2", "x", "2(x", "0(x2)", "-1(x2)", "2(x99999999999999999999)"];
        for counts in wrong {
            let placement = third(&[("SLURM_STEP_TASKS_PER_NODE", counts)]);
            assert_eq!((placement.local_rank(), placement.local_world()), (Some(0), None), "{counts}");
        }
        assert_eq!(third(&[("SLURM_NODEID", "2")]).local_world(), None, "there are two nodes");
        assert_eq!(third(&[("SLURM_NODEID", "")]).local_world(), None);
    }

    #[test]
    fn whoever_says_where_to_meet_is_heeded() {
        let placement = third(&[("MASTER_ADDR", "head"), ("MASTER_PORT", "4000")]);
        assert_eq!((placement.host(), placement.port()), ("head", 4000));
        let placement = third(&[("MASTER_ADDR", "head"), ("SLURM_STEP_NODELIST", "gpu-[")]);
        assert_eq!(placement.host(), "head", "then the nodes do not matter");
        for port in ["0", "65536"] {
            let expected = format!("MASTER_PORT is {port:?}, which is not a valid number for it");
            assert_eq!(said(&BY_SRUN, &[("MASTER_PORT", port)]), expected);
        }
    }

    #[test]
    fn every_job_and_step_has_a_port_that_anybody_may_use_and_that_linux_gives_to_nobody() {
        let numbers = ["0", "1", "11999", "12000", "4294967293", "18446744073709551615"];
        for job in numbers {
            for step in numbers {
                let port = third(&[("SLURM_JOB_ID", job), ("SLURM_STEP_ID", step)]).port();
                assert!((20_000..32_000).contains(&port), "{port} for {job}.{step}");
            }
        }
        let of_step = |step| third(&[("SLURM_STEP_ID", step)]).port();
        assert_ne!(of_step("0"), of_step("1"), "two steps of a job may run side by side");
    }

    #[test]
    fn a_batch_script_waits_for_nobody() {
        // What `sbatch --ntasks=4` sets for the script itself.
        let of_script = [("SLURM_STEP_NUM_TASKS", ""), ("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")];
        assert_eq!(launch(&BY_SRUN, &of_script), Ok(Launch::Alone));
        let only = [("SLURM_STEP_NUM_TASKS", "1"), ("SLURM_PROCID", "0")];
        assert_eq!(launch(&BY_SRUN, &only), Ok(Launch::Alone));
    }

    #[test]
    fn torchrun_within_a_step_comes_first() {
        let inner =
            [("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "localhost"), ("MASTER_PORT", "29500")];
        let placement = third(&inner);
        assert_eq!((placement.host(), placement.rank(), placement.world()), ("localhost", 1, 2));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let said = |change: Set| said(&BY_SRUN, &[change]);
        assert_eq!(said(("SLURM_PROCID", "")), "SLURM_PROCID is not set, and SLURM_STEP_NUM_TASKS is");
        assert_eq!(
            said(("SLURM_PROCID", "9")),
            "SLURM_PROCID is 9, which is not below SLURM_STEP_NUM_TASKS, which is 4"
        );
        assert_eq!(said(("WORLD_SIZE", "8")), "WORLD_SIZE is 8, and SLURM_STEP_NUM_TASKS is 4");
    }

    #[test]
    fn nodes_that_cannot_be_read_are_shown_with_the_variable_that_says_instead() {
        for list in ["gpu-[3", "gpu-]3", "gpu-[[3]]", "gpu-[3-]", "two hosts", ","] {
            let error = launch(&BY_SRUN, &[("SLURM_STEP_NODELIST", list)]).unwrap_err();
            let expected = format!("SLURM_STEP_NODELIST is {list:?}, which is not a list of hosts");
            assert_eq!(error.to_string(), expected);
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains("MASTER_ADDR"), "{hint}");
        }
        let none = [("SLURM_STEP_NODELIST", ""), ("SLURM_JOB_NODELIST", "")];
        assert_eq!(said(&BY_SRUN, &none), "SLURM_STEP_NODELIST is not set, and SLURM_STEP_NUM_TASKS is");
        let of_job = [("SLURM_STEP_NODELIST", ""), ("SLURM_JOB_NODELIST", "a[")];
        assert_eq!(said(&BY_SRUN, &of_job), "SLURM_JOB_NODELIST is \"a[\", which is not a list of hosts");
    }
}
