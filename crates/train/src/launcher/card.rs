//! Who a process of a group is.

use std::fmt;

use cliptune_durable::boot_id;
use cliptune_launcher::Placement;
use cliptune_store::host_name;
use serde::{Deserialize, Serialize};

use crate::device;
use crate::provenance;

/// Who a process of a group is, as it tells the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Card {
    pub(super) rank: usize,
    pub(super) world: usize,
    host: String,
    process: u32,
    /// What tells whether another process sees the same process numbers: the start of the system and the namespace.
    system: Option<String>,
    /// The version of cliptune and the beginning of its program's hash.
    pub(super) program: String,
    /// Whether it can send from its GPU to those of others. A build that says nothing of it is named as another one.
    #[serde(default)]
    pub(super) has_nccl: bool,
}

impl Card {
    /// Describes this process.
    pub(super) fn of_this_process(placement: &Placement) -> Self {
        let hash = provenance::binary_hash().unwrap_or_default();
        let hash = hash.get(..12).unwrap_or("unknown");
        Self {
            rank: placement.rank(),
            world: placement.world(),
            host: host_name(),
            process: std::process::id(),
            system: system(),
            program: format!("cliptune {} (program {hash})", env!("CARGO_PKG_VERSION")),
            // A libtorch that cannot be loaded is an error where the device is chosen, when the others can be told.
            has_nccl: device::has_nccl().unwrap_or_default(),
        }
    }

    /// Checks whether the process is known to have ended. Of one on another host, nothing is known.
    pub(super) fn is_gone(&self, here: &Self) -> bool {
        self.is_near(here) && !is_alive(self.process)
    }

    /// Checks whether the process is known to run. Of one on another host, nothing is known.
    pub(super) fn is_here(&self, here: &Self) -> bool {
        self.is_near(here) && is_alive(self.process)
    }

    /// Describes a process of this system as one of four.
    #[cfg(test)]
    pub(super) fn of(rank: usize, process: u32) -> Self {
        let (host, program) = ("gpu-3".to_owned(), "cliptune".to_owned());
        Self { rank, world: 4, host, process, system: system(), program, has_nccl: false }
    }

    fn is_near(&self, here: &Self) -> bool {
        self.system.is_some() && self.system == here.system
    }
}

/// As in `rank 2 of 4 (process 4242 on gpu-3)`.
impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rank, world, host, process, .. } = self;
        write!(f, "rank {rank} of {world} (process {process} on {host})")
    }
}

fn system() -> Option<String> {
    let namespace = fs_err::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot_id()?, namespace.display()))
}

/// Checks whether a process of this system runs. One that has ended keeps its number until its parent has asked how.
fn is_alive(process: u32) -> bool {
    let Ok(status) = fs_err::read_to_string(format!("/proc/{process}/stat")) else { return false };
    // The name, in brackets, may hold anything.
    let state = status.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, Some('Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_of_this_system_that_has_ended_is_gone_even_before_anybody_has_asked() {
        let own = Card::of(1, std::process::id());
        assert!(!own.is_gone(&own) && own.is_here(&own));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let other = Card::of(1, child.id());
        assert!(!other.is_gone(&own));
        child.kill().unwrap();
        // The kernel takes a moment; the test ends with it.
        while !other.is_gone(&own) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(other.is_gone(&own));
    }

    #[test]
    fn the_card_of_an_older_build_can_be_read() {
        let mut card = serde_json::to_value(Card::of(1, 42)).unwrap();
        card.as_object_mut().unwrap().remove("has_nccl");
        assert_eq!(serde_json::from_value::<Card>(card).unwrap(), Card::of(1, 42));
    }

    #[test]
    fn of_a_process_elsewhere_nothing_is_known() {
        let own = Card::of(1, std::process::id());
        for system in [None, Some("another boot".to_owned())] {
            let other = Card { system, ..Card::of(1, u32::MAX) };
            assert!(!other.is_gone(&own) && !other.is_here(&own));
        }
        assert_eq!(Card::of(1, 42).to_string(), "rank 1 of 4 (process 42 on gpu-3)");
    }
}
