//! The variables of torchrun, which are those of `torch.distributed`'s `env://`.

use std::num::NonZeroU16;

use crate::error::LauncherError;
use crate::placement::{Keeper, MOST_PROCESSES, Placement, below, count};
use crate::variables::Variables;

/// Returns where the process stands, or `None` when torchrun has not started it.
pub(crate) fn placement(variables: Variables<'_>) -> Result<Option<Placement>, LauncherError> {
    let Some(rank) = variables.number("RANK")? else { return Ok(None) };
    let world = count("WORLD_SIZE", variables.needed_number("WORLD_SIZE", "RANK")?, MOST_PROCESSES)?;
    let local_world = variables.number("LOCAL_WORLD_SIZE")?;
    let local_world = local_world.map(|local| count("LOCAL_WORLD_SIZE", local, world)).transpose()?;
    let local = local_world.map_or(("WORLD_SIZE", world), |local| ("LOCAL_WORLD_SIZE", local));
    let local_rank = variables.number("LOCAL_RANK")?;
    let local_rank = local_rank.map(|rank| below("LOCAL_RANK", rank, local)).transpose()?;
    let missing = |variable| LauncherError::Missing { variable, with: "RANK" };
    let (host, port) = match world {
        // The only process meets nobody.
        1 => (String::new(), 0),
        _ => (
            variables.text("MASTER_ADDR").ok_or_else(|| missing("MASTER_ADDR"))?,
            variables.needed_number::<NonZeroU16>("MASTER_PORT", "RANK")?.get(),
        ),
    };
    let is_held = variables.text("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|held| is_true(&held));
    Ok(Some(Placement {
        rank: below("RANK", rank, ("WORLD_SIZE", world))?,
        world,
        local_rank,
        local_world,
        host,
        port,
        keeper: if is_held { Keeper::Agent } else { Keeper::FirstRank },
        job: variables.text("TORCHELASTIC_RUN_ID").unwrap_or_else(|| "none".to_owned()),
        attempt: variables.number("TORCHELASTIC_RESTART_COUNT")?.unwrap_or(0),
    }))
}

/// Reads a switch as Python writes it.
fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text == "1"
}

#[cfg(test)]
mod tests {
    use crate::placement::Launch;
    use crate::tests::{BY_TORCHRUN, Set, among, launch, said};

    fn second(changes: &[Set]) -> crate::Placement {
        among(&BY_TORCHRUN, changes)
    }

    #[test]
    fn all_that_torchrun_sets_is_read() {
        let placement = second(&[]);
        assert_eq!((placement.rank(), placement.world()), (1, 4));
        assert_eq!((placement.local_rank(), placement.local_world()), (Some(1), Some(2)));
        assert_eq!((placement.host(), placement.port()), ("node-1", 29500));
        assert_eq!(placement.prefix(), "cliptune/abc/2");
        assert!(!placement.holds_store(), "torchrun holds it");
    }

    #[test]
    fn four_variables_are_enough() {
        let by_hand =
            [("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "node-1"), ("MASTER_PORT", "29500")];
        let placement = among(&by_hand, &[]);
        assert_eq!((placement.rank(), placement.world()), (0, 2));
        assert_eq!((placement.local_rank(), placement.local_world()), (None, None));
        assert_eq!(placement.prefix(), "cliptune/none/0");
        assert!(placement.holds_store());
    }

    #[test]
    fn the_first_process_holds_the_store_unless_torchrun_does() {
        let first = [("RANK", "0"), ("LOCAL_RANK", "0")];
        for (switch, holds) in
            [("True", false), ("true", false), ("1", false), ("False", true), ("0", true), ("", true)]
        {
            let placement = second(&[first[0], first[1], ("TORCHELASTIC_USE_AGENT_STORE", switch)]);
            assert_eq!(placement.holds_store(), holds, "{switch:?}");
        }
        assert!(!second(&[("TORCHELASTIC_USE_AGENT_STORE", "")]).holds_store(), "it is not the first");
    }

    #[test]
    fn whoever_is_started_as_the_only_one_is_alone() {
        assert_eq!(launch(&[], &[("RANK", "0"), ("WORLD_SIZE", "1")]), Ok(Launch::Alone));
        assert_eq!(launch(&[], &[("WORLD_SIZE", "1")]), Ok(Launch::Alone));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let said = |change: Set| said(&BY_TORCHRUN, &[change]);
        assert_eq!(said(("RANK", "")), "RANK is not set, and WORLD_SIZE is");
        assert_eq!(said(("WORLD_SIZE", "")), "WORLD_SIZE is not set, and RANK is");
        assert_eq!(said(("WORLD_SIZE", "0")), "WORLD_SIZE is 0, which is not from 1 to 65536");
        assert_eq!(said(("LOCAL_WORLD_SIZE", "5")), "LOCAL_WORLD_SIZE is 5, which is not from 1 to 4");
        assert_eq!(
            said(("LOCAL_RANK", "2")),
            "LOCAL_RANK is 2, which is not below LOCAL_WORLD_SIZE, which is 2"
        );
        for name in ["MASTER_ADDR", "MASTER_PORT"] {
            assert_eq!(said((name, "")), format!("{name} is not set, and RANK is"));
        }
        for port in ["65536", "0"] {
            let expected = format!("MASTER_PORT is {port:?}, which is not a valid number for it");
            assert_eq!(said(("MASTER_PORT", port)), expected);
        }
    }
}
