//! Where a process stands among those that torchrun or Slurm's `srun` has started, as their environment variables say.
//!
//! [`Launch::of_this_process`] reads the variables once into a [`Placement`], whose numbers fit together. A process without such
//! variables is alone, and so is the only one of a launcher. A batch script of Slurm that starts a program without `srun` has many
//! of the variables of a step, but not the number of its tasks, and is alone.

mod error;
mod host_list;
mod placement;
mod slurm;
#[cfg(test)]
mod tests;
mod torchrun;
mod variables;

pub use error::{LauncherError, SeveralProcesses};
pub use placement::{Keeper, Launch, Placement, refuse_several};
pub use variables::Variables;
