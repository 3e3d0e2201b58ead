//! One tower of a model, run by several sessions side by side.
//!
//! Where a session has a processor's core to itself, no thread waits for another one after each operator, and operators
//! that ONNX Runtime computes in one thread keep nobody idle. A session holds a copy of the weights of its own,
//! rearranged for quick products, so that there are only two or three however many cores there are.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
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
        let mut all = Matrix::default();
        self.each(count, batches.map(|batch| Ok((batch?, ()))), |rows, ()| {
            done(rows.rows());
            all.extend(&rows);
            Ok::<(), EncodeError>(())
        })?;
        Ok(all)
    }

    /// Encodes batches, of which there are about so many, and passes the rows of each with its note to `sink`, in order. Batches
    /// are made while earlier ones are encoded, and only a few are there at a time, however many there are. A batch without
    /// rows is passed on without being encoded.
    ///
    /// # Errors
    /// Returns the first error of whoever makes batches, of the graph or of `sink`; nothing is encoded after it.
    pub fn each<B: Borrow<Batch> + Send, N: Send, E: From<EncodeError>>(
        &mut self,
        count: usize,
        batches: impl Iterator<Item = Result<(B, N), EncodeError>> + Send,
        mut sink: impl FnMut(Matrix, N) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(count).map_err(EncodeError::from)?;
        let Self { sessions, input, output, .. } = self;
        let (ready, waiting) = sync_channel(sessions.len());
        let (finished, results) = sync_channel::<Placed<Matrix, N>>(sessions.len());
        // The last session that ends drops it, by which whoever makes batches learns that nobody waits any more.
        let waiting = Arc::new(Mutex::new(waiting));
        std::thread::scope(|scope| {
            for session in sessions {
                let work = Work { waiting: Arc::clone(&waiting), input, output, finished: finished.clone() };
                scope.spawn(move || work.run(session));
            }
            drop((waiting, finished));
            scope.spawn(move || batches.enumerate().try_for_each(|batch| ready.send(batch)));
            // An error drops the receiver, by which the sessions learn that nothing more is needed.
            let (mut early, mut next) = (BTreeMap::new(), 0);
            for (place, rows) in results {
                early.insert(place, rows?);
                while let Some((rows, note)) = early.remove(&next) {
                    sink(rows, note)?;
                    next += 1;
                }
            }
            Ok(())
        })
    }
}

/// A batch or its rows, with its note and its place.
type Placed<T, N> = (usize, Result<(T, N), EncodeError>);

/// What a session's thread does.
struct Work<B, N> {
    waiting: Arc<Mutex<Receiver<Placed<B, N>>>>,
    input: &'static str,
    output: &'static str,
    finished: SyncSender<Placed<Matrix, N>>,
}

impl<B: Borrow<Batch>, N> Work<B, N> {
    fn run(self, session: &mut Graph) {
        while let Some((place, batch)) = self.next() {
            let rows = batch.and_then(|(batch, note)| Ok((self.encode(session, batch.borrow())?, note)));
            if self.finished.send((place, rows)).is_err() {
                return;
            }
        }
    }

    fn encode(&self, session: &mut Graph, batch: &Batch) -> Result<Matrix, GraphError> {
        match batch.rows() {
            0 => Ok(Matrix::default()),
            rows => session.run(&[(self.input, batch.input())], self.output, rows),
        }
    }

    fn next(&self) -> Option<Placed<B, N>> {
        self.waiting.lock().ok()?.recv().ok()
    }
}
