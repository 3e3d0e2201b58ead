//! One tower of a model, run by several sessions side by side.
//!
//! Where a session has a processor's core to itself, no thread waits for another one after each operator, and operators
//! that ONNX Runtime computes in one thread keep nobody idle. A session holds a copy of the weights of its own,
//! rearranged for quick products, so that there are only two or three however many cores there are.

use std::borrow::Borrow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::batch::Batch;
use crate::error::EncodeError;
use crate::graph::{Graph, GraphError};
use crate::matrix::Matrix;
use crate::runtime::{Purpose, Runtime};

/// A graph file whose only input is a batch of texts or images, and the sessions that run it.
#[derive(Debug)]
pub struct Tower<'r> {
    runtime: &'r Runtime,
    path: PathBuf,
    input: &'static str,
    output: &'static str,
    purpose: Purpose,
    sessions: Vec<Graph>,
}

impl<'r> Tower<'r> {
    /// Returns the tower in a file. ONNX Runtime opens it when there is something to run.
    pub fn new(
        runtime: &'r Runtime,
        path: PathBuf,
        [input, output]: [&'static str; 2],
        purpose: Purpose,
    ) -> Self {
        Self { runtime, path, input, output, purpose, sessions: Vec::new() }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens as many sessions as so many batches have use for.
    fn open(&mut self, batches: usize) -> Result<(), GraphError> {
        let missing = self.runtime.sessions().min(batches).saturating_sub(self.sessions.len());
        let open = |_| Graph::open(self.runtime, &self.path, self.purpose, &[self.input], &[self.output]);
        let opened = (0..missing).into_par_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        self.sessions.extend(opened);
        Ok(())
    }

    /// Encodes batches, of which there are so many, and returns their rows in order. They are made while earlier ones are
    /// encoded, and `done` is told the size of each that is finished.
    pub fn encode<B: Borrow<Batch> + Send>(
        &mut self,
        count: usize,
        batches: impl Iterator<Item = Result<B, EncodeError>> + Send,
        mut done: impl FnMut(usize),
    ) -> Result<Matrix, EncodeError> {
        self.open(count)?;
        let Self { sessions, input, output, .. } = self;
        let (ready, waiting) = sync_channel(sessions.len());
        let (finished, results) = channel::<(usize, Result<Matrix, EncodeError>)>();
        // The last session that ends drops it, by which whoever makes batches learns that nobody waits any more.
        let waiting = Arc::new(Mutex::new(waiting));
        let mut rows = std::thread::scope(|scope| {
            for session in sessions {
                let work = Work { waiting: Arc::clone(&waiting), input, output, finished: finished.clone() };
                scope.spawn(move || work.run(session));
            }
            drop((waiting, finished));
            scope.spawn(move || batches.enumerate().try_for_each(|batch| ready.send(batch)));
            // An error drops the receiver, by which the sessions learn that nothing more is needed.
            let kept = results.into_iter().map(|(place, rows)| {
                let rows = rows?;
                done(rows.rows());
                Ok((place, rows))
            });
            kept.collect::<Result<Vec<_>, EncodeError>>()
        })?;
        rows.sort_unstable_by_key(|(place, _)| *place);
        let mut all = Matrix::default();
        rows.iter().for_each(|(_, rows)| all.extend(rows));
        Ok(all)
    }
}

/// The batches that wait for a session, each with its place.
type Waiting<B> = Mutex<Receiver<(usize, Result<B, EncodeError>)>>;

/// What a session's thread does.
struct Work<B> {
    waiting: Arc<Waiting<B>>,
    input: &'static str,
    output: &'static str,
    finished: Sender<(usize, Result<Matrix, EncodeError>)>,
}

impl<B: Borrow<Batch>> Work<B> {
    fn run(self, session: &mut Graph) {
        while let Some((place, batch)) = self.next() {
            let rows = batch.and_then(|batch| {
                let batch = batch.borrow();
                Ok(session.run(&[(self.input, batch.input())], self.output, batch.rows())?)
            });
            if self.finished.send((place, rows)).is_err() {
                return;
            }
        }
    }

    fn next(&self) -> Option<(usize, Result<B, EncodeError>)> {
        self.waiting.lock().ok()?.recv().ok()
    }
}
