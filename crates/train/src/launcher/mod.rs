//! Brings the processes of a launcher together for one training, and sees to it that they end together.
//!
//! The processes meet in a key-value store (`line`), where each says who it is (`card`, `roll`), and form a [`Team`]: the group that
//! computes, and a lookout that notices when a process is gone. Whoever fails first says so in the store; all others end
//! with what it said, and one of them tells the person.

mod card;
mod distributed;
mod error;
mod fate;
mod fault;
mod interface;
mod line;
mod lookout;
mod order;
mod relay;
mod roll;
mod team;

pub use distributed::Distributed;
pub use error::JoinError;
pub use fault::Fault;
pub(crate) use line::Line;
pub(crate) use order::{Found, Next, Order};
pub(crate) use roll::in_words;
pub use team::Team;
