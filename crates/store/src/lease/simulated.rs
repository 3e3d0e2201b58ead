//! Hosts that share a folder, for tests: several in one process, with clocks and processes of their own.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Lease;
use super::file::Own;
use super::observer::Observer;
use super::process::{Machine, OUTERMOST, Process};
use crate::worker::Worker;

/// The hosts. Their time passes when one of them pauses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    millis: AtomicU64,
    /// The next number of a process.
    pid: AtomicU32,
    killed: Mutex<HashSet<Process>>,
    /// What is renewed whenever somebody pauses.
    beating: Mutex<Vec<Arc<Own>>>,
    /// What people were told.
    told: Mutex<Vec<String>>,
    /// Whether what they share is on a local disk.
    is_local: AtomicBool,
    /// Whether people ask all processes to stop.
    are_asked_to_stop: AtomicBool,
}

impl Hosts {
    /// Starts a process on a host.
    pub(crate) fn host(&self, name: &str) -> Arc<Observer> {
        self.host_ahead(name, Duration::ZERO)
    }

    /// Starts a process on a host whose clock is ahead of the others.
    pub(crate) fn host_ahead(&self, name: &str, ahead: Duration) -> Arc<Observer> {
        self.start(Process { boot: name.to_owned(), ..self.process(name) }, ahead)
    }

    /// Starts a process on a host that was started again since.
    pub(crate) fn host_started_again(&self, name: &str) -> Arc<Observer> {
        self.start(Process { boot: format!("{name} again"), ..self.process(name) }, Duration::ZERO)
    }

    /// Starts a process in a container on a host.
    pub(crate) fn container(&self, host: &str, name: &str) -> Arc<Observer> {
        let (boot, space) = (host.to_owned(), format!("pid:[{name}]"));
        self.start(Process { boot, space, ..self.process(name) }, Duration::ZERO)
    }

    fn process(&self, machine: &str) -> Process {
        let pid = self.0.pid.fetch_add(1, Ordering::Relaxed) + 1;
        let (boot, space, machine) = (String::new(), OUTERMOST.to_owned(), machine.to_owned());
        Process { boot, space, pid, start: 7, machine }
    }

    fn start(&self, process: Process, ahead: Duration) -> Arc<Observer> {
        Arc::new(Observer::new(Simulated { process, ahead, hosts: self.clone() }))
    }

    /// Puts what they share on a local disk.
    pub(crate) fn share_a_local_disk(&self) {
        self.0.is_local.store(true, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.0.millis.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
        self.0.beating.lock().unwrap().iter().for_each(|own| own.beat());
    }

    /// Returns the time that has passed.
    pub(crate) fn passed(&self) -> Duration {
        Duration::from_millis(self.0.millis.load(Ordering::SeqCst))
    }

    /// Has a claim renewed from now on.
    pub(crate) fn keeps_beating(&self, lease: &Lease) {
        self.0.beating.lock().unwrap().push(Arc::clone(&lease.own));
    }

    /// Has nothing renewed any more.
    pub(crate) fn stop_beating(&self) {
        self.0.beating.lock().unwrap().clear();
    }

    /// Returns what people were told.
    pub(crate) fn told(&self) -> Vec<String> {
        self.0.told.lock().unwrap().clone()
    }

    /// Has people ask all processes to stop.
    pub(crate) fn ask_to_stop(&self) {
        self.0.are_asked_to_stop.store(true, Ordering::SeqCst);
    }

    /// Ends the process of an observer, which leaves everything behind.
    pub(crate) fn kill(&self, observer: &Observer) {
        self.0.killed.lock().unwrap().insert(observer.machine().process());
    }
}

/// A process on one of the hosts.
#[derive(Debug)]
struct Simulated {
    process: Process,
    ahead: Duration,
    hosts: Hosts,
}

impl Machine for Simulated {
    fn worker(&self) -> Worker {
        Worker::at(&self.process.machine, self.process.pid)
    }

    fn process(&self) -> Process {
        self.process.clone()
    }

    fn runs(&self, process: &Process) -> bool {
        !self.hosts.0.killed.lock().unwrap().contains(process)
    }

    fn is_local(&self, _: &Path) -> bool {
        self.hosts.0.is_local.load(Ordering::SeqCst)
    }

    fn now(&self) -> Duration {
        self.ahead + self.hosts.passed()
    }

    fn pause(&self, time: Duration) {
        self.hosts.pass(time);
    }

    fn tell(&self, text: &str) {
        self.hosts.0.told.lock().unwrap().push(text.to_owned());
    }

    fn is_asked_to_stop(&self) -> bool {
        self.hosts.0.are_asked_to_stop.load(Ordering::SeqCst)
    }

    fn beats(&self) -> bool {
        false
    }
}
