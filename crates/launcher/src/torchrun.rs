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
    let local = ("LOCAL_WORLD_SIZE", local_world.unwrap_or(world));
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
    use crate::placement::{Launch, Placement};
    use crate::variables::Variables;

    fn launch(set: &[(&str, &str)]) -> Result<Launch, String> {
        let value =
            |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        Launch::of(Variables::new(&value)).map_err(|error| error.to_string())
    }

    fn among(set: &[(&str, &str)]) -> Placement {
        match launch(set).unwrap() {
            Launch::Among(placement) => placement,
            Launch::Alone => panic!("it is alone"),
        }
    }

    const SECOND_OF_FOUR: [(&str, &str); 9] = [
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

    fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let kept = SECOND_OF_FOUR.into_iter().filter(|(name, _)| !is_changed(name));
        changes.iter().copied().filter(|(_, value)| !value.is_empty()).chain(kept).collect()
    }

    #[test]
    fn all_that_torchrun_sets_is_read() {
        let placement = among(&SECOND_OF_FOUR);
        assert_eq!((placement.rank(), placement.world()), (1, 4));
        assert_eq!((placement.local_rank(), placement.local_world()), (Some(1), Some(2)));
        assert_eq!((placement.host(), placement.port()), ("node-1", 29500));
        assert_eq!(placement.prefix(), "cliptune/abc/2");
        assert!(!placement.holds_store(), "torchrun holds it");
    }

    #[test]
    fn the_first_process_holds_the_store_unless_torchrun_does() {
        let first = [("RANK", "0"), ("LOCAL_RANK", "0")];
        assert!(!among(&with(&first)).holds_store());
        let by_hand = [first[0], first[1], ("TORCHELASTIC_USE_AGENT_STORE", "")];
        assert!(among(&with(&by_hand)).holds_store());
        assert!(!among(&with(&[("TORCHELASTIC_USE_AGENT_STORE", "")])).holds_store(), "it is not the first");
    }

    #[test]
    fn whoever_is_not_started_by_a_launcher_or_as_the_only_one_is_alone() {
        assert_eq!(launch(&[]), Ok(Launch::Alone));
        assert_eq!(launch(&[("RANK", "0"), ("WORLD_SIZE", "1")]), Ok(Launch::Alone));
        assert_eq!(launch(&[("WORLD_SIZE", "1")]), Ok(Launch::Alone));
        assert_eq!(launch(&[("RANK", "")]), Ok(Launch::Alone), "an empty variable is not set");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let said = |changes: &[(&'static str, &'static str)]| launch(&with(changes)).unwrap_err();
        assert_eq!(said(&[("RANK", "4")]), "RANK is 4, which is not below WORLD_SIZE, which is 4");
        assert_eq!(said(&[("RANK", "one")]), "RANK is \"one\", which is not a valid number for it");
        assert_eq!(said(&[("RANK", "-1")]), "RANK is \"-1\", which is not a valid number for it");
        assert_eq!(said(&[("RANK", "")]), "RANK is not set, and WORLD_SIZE is");
        assert_eq!(said(&[("WORLD_SIZE", "")]), "WORLD_SIZE is not set, and RANK is");
        assert_eq!(said(&[("WORLD_SIZE", "0")]), "WORLD_SIZE is 0, which is not from 1 to 65536");
        assert_eq!(said(&[("LOCAL_WORLD_SIZE", "5")]), "LOCAL_WORLD_SIZE is 5, which is not from 1 to 4");
        assert_eq!(
            said(&[("LOCAL_RANK", "2")]),
            "LOCAL_RANK is 2, which is not below LOCAL_WORLD_SIZE, which is 2"
        );
        assert_eq!(said(&[("MASTER_ADDR", "")]), "MASTER_ADDR is not set, and RANK is");
        for port in ["99999", "0"] {
            let expected = format!("MASTER_PORT is {port:?}, which is not a valid number for it");
            assert_eq!(said(&[("MASTER_PORT", port)]), expected);
        }
    }
}
