//! Everybody says who they are, and waits for the others.

use std::time::{Duration, Instant};

use super::card::Card;
use super::distributed::patience;
use super::error::JoinError;
use super::interface;
use super::line::Line;
use crate::error::TrainError;

/// The number of missing ranks that a message names.
const NAMED: usize = 8;

/// Says who this process is, waits for the others, and returns who all of them are, in the order of their ranks.
///
/// # Errors
///
/// Returns an error that names the ranks that have not come in time, one that is there twice, two of different programs or with
/// different numbers of processes, or a network interface that this host does not have.
pub(super) fn call(line: &Line) -> Result<Vec<Card>, TrainError> {
    let (own, store, world) = (line.own(), line.store(), line.placement().world());
    if store.add(&taken(own.rank), 1)? > 1 {
        return Err(JoinError::Twice { rank: own.rank, own: own.to_string() }.into());
    }
    store.set(&member(own.rank), &serde_json::to_vec(own)?)?;
    let (patience, begun) = (patience()?, Instant::now());
    let mut cards = Vec::with_capacity(world);
    let mut missing = Vec::new();
    for rank in 0..world {
        // Whoever has come is found even when the time is over.
        let left = patience.saturating_sub(begun.elapsed()).max(Duration::from_millis(10));
        match store.get(&member(rank), left)? {
            Some(text) => {
                let card: Card = serde_json::from_slice(&text)?;
                // One of the two would wait for ranks that never come.
                of_one_world(own, &card)?;
                cards.push(card);
            }
            None => missing.push(rank),
        }
    }
    if !missing.is_empty() {
        let (missing, ranks) = (missing.len(), in_words(&missing));
        return Err(JoinError::Missing { missing, world, seconds: patience.as_secs(), ranks }.into());
    }
    alike(&cards)?;
    // From here on, the others learn why this process does not connect to them.
    interface::check()?;
    Ok(cards)
}

/// The key under which a process says who it is.
fn member(rank: usize) -> String {
    format!("member/{rank}")
}

/// The key that counts how many processes say that they have this rank.
fn taken(rank: usize) -> String {
    format!("taken/{rank}")
}

/// Refuses processes that have been told different numbers of processes.
fn of_one_world(own: &Card, other: &Card) -> Result<(), JoinError> {
    match own.world == other.world {
        true => Ok(()),
        false => Err(JoinError::OtherWorld { own: own.to_string(), other: other.to_string() }),
    }
}

/// Refuses processes of different programs.
fn alike(cards: &[Card]) -> Result<(), JoinError> {
    let Some(first) = cards.first() else { return Ok(()) };
    match cards.iter().find(|card| card.program != first.program) {
        None => Ok(()),
        Some(other) => Err(JoinError::OtherProgram {
            one: first.to_string(),
            its: first.program.clone(),
            other: other.to_string(),
            others: other.program.clone(),
        }),
    }
}

/// As in `rank 3`, `ranks 1, 2, 5` and `ranks 1, 2, 3, 4, 5, 6, 7, 8 and 12 more`.
pub(crate) fn in_words(ranks: &[usize]) -> String {
    let named: Vec<String> = ranks.iter().take(NAMED).map(usize::to_string).collect();
    let noun = if ranks.len() == 1 { "rank" } else { "ranks" };
    match ranks.len().saturating_sub(NAMED) {
        0 => format!("{noun} {}", named.join(", ")),
        more => format!("{noun} {} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_different_programs_are_named_with_what_each_has() {
        let (first, mut other) = (Card::of(0, 41), Card::of(1, 42));
        assert!(alike(&[first.clone(), other.clone()]).is_ok());
        other.program = "cliptune 0.0.1 (program 0123)".to_owned();
        let said = alike(&[first.clone(), other.clone()]).unwrap_err().to_string();
        assert_eq!(said, format!("{first} is {}, and {other} is {}", first.program, other.program));
    }

    #[test]
    fn processes_with_different_numbers_of_processes_are_named_with_theirs() {
        let (own, mut other) = (Card::of(0, 41), Card::of(1, 42));
        assert!(of_one_world(&own, &other).is_ok());
        other.world = 8;
        let said = of_one_world(&own, &other).unwrap_err().to_string();
        assert!(
            said.starts_with("rank 0 of 4 (process 41 on gpu-3) and rank 1 of 8 (process 42 on gpu-3) "),
            "{said}"
        );
    }

    #[test]
    fn missing_ranks_are_named_and_many_are_counted() {
        assert_eq!(in_words(&[3]), "rank 3");
        assert_eq!(in_words(&[1, 2, 5]), "ranks 1, 2, 5");
        let many: Vec<usize> = (1..=20).collect();
        assert_eq!(in_words(&many), "ranks 1, 2, 3, 4, 5, 6, 7, 8 and 12 more");
    }
}
