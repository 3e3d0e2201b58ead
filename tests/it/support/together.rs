//! Processes that train one model together, started as torchrun starts them.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use fs_err as fs;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::context::{TestContext, wait_for};
use super::output::Output;

/// How long the processes of a test wait for each other. Nothing that works takes so long.
const JOIN_SECONDS: &str = "100";

/// Processes that train one model together, by their ranks. Those that still run are ended with it.
pub(crate) struct Together {
    children: Vec<Child>,
}

impl Together {
    /// Starts so many processes of `cliptune-train`; the arguments are split at spaces.
    pub(crate) fn start(context: &TestContext, world: usize, arguments: &str) -> Self {
        Self::start_with(context, world, arguments, |_, _| {})
    }

    /// Starts them with a change for each, which is given its rank.
    pub(crate) fn start_with(
        context: &TestContext,
        world: usize,
        arguments: &str,
        change: impl Fn(usize, &mut Command),
    ) -> Self {
        let port = free_port();
        let start = |rank: usize| {
            let mut command = one_of(context, "cliptune-train", (rank, world), port);
            command.args(arguments.split_whitespace());
            change(rank, &mut command);
            command.spawn().expect("the program starts")
        };
        Self { children: (0..world).map(start).collect() }
    }

    /// Starts two processes, the second of which may take only so many bytes of memory more than it has when it looks for the first.
    pub(crate) fn start_two_with_room_for(context: &TestContext, bytes: u64, arguments: &str) -> Self {
        let meeting = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        let port = meeting.local_addr().expect("it has an address").port();
        let start = |rank: usize| {
            let mut command = one_of(context, "cliptune-train", (rank, 2), port);
            command.args(arguments.split_whitespace()).spawn().expect("the program starts")
        };
        let mut both = Self { children: vec![start(1)] };
        // It has started when it looks for the store, which it does again where nobody has one.
        meeting.set_nonblocking(true).expect("a socket can be asked");
        drop(wait_for("process", || meeting.accept().ok()));
        drop(meeting);
        let second = &both.children[0];
        let bound = Some(data_of(second) + bytes);
        prlimit(Some(Pid::from_child(second)), Resource::Data, Rlimit { current: bound, maximum: bound })
            .expect("a limit can be set");
        both.children.insert(0, start(0));
        both
    }

    /// Sends a signal to one of them.
    pub(crate) fn send(&self, rank: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.children[rank]), signal).expect("it runs");
    }

    /// Checks whether one of them catches a signal, which would end it otherwise.
    pub(crate) fn catches(&self, rank: usize, signal: Signal) -> bool {
        let caught = status(&self.children[rank], "SigCgt:");
        let caught = u64::from_str_radix(&caught, 16).expect("it is a number");
        caught & (1 << (signal.as_raw() - 1)) != 0
    }

    /// Checks whether one of them has ended.
    pub(crate) fn is_any_ended(&mut self) -> bool {
        self.children.iter_mut().any(|child| child.try_wait().expect("it can be asked").is_some())
    }

    /// Waits for one of them, which is then left out.
    pub(crate) fn take_ended(&mut self, rank: usize) -> Output {
        self.children.remove(rank).wait_with_output().expect("it ends").into()
    }

    /// Waits for all, and returns how they ended, by rank.
    pub(crate) fn ended(mut self) -> Vec<Output> {
        let children = std::mem::take(&mut self.children).into_iter();
        children.map(|child| child.wait_with_output().expect("it ends").into()).collect()
    }

    /// Fails the test unless all of them have done what they were asked to.
    pub(crate) fn succeeded(self) -> Vec<Output> {
        self.ended().into_iter().map(Output::succeeded).collect()
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The number of bytes of memory of its own that a process has, as `RLIMIT_DATA` counts them.
fn data_of(child: &Child) -> u64 {
    status(child, "VmData:").parse::<u64>().expect("it is a number of kibibytes") << 10
}

/// What Linux says of a process, without its unit.
fn status(child: &Child, key: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let value = status.lines().find_map(|line| line.strip_prefix(key)).expect("Linux says so");
    value.split_whitespace().next().expect("there is a value").to_owned()
}

/// A program as one of several that torchrun starts on this host, with a store that the first of them holds.
pub(crate) fn one_of(
    context: &TestContext,
    program: &str,
    (rank, world): (usize, usize),
    port: u16,
) -> Command {
    let mut command = context.command(program);
    let numbers = [("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", world), ("LOCAL_WORLD_SIZE", world)];
    command.envs(numbers.map(|(name, number)| (name, number.to_string())));
    command.env("MASTER_ADDR", "127.0.0.1").env("MASTER_PORT", port.to_string());
    command.env("CLIPTUNE_JOIN_SECONDS", JOIN_SECONDS).env("GLOO_SOCKET_IFNAME", "lo");
    // As torchrun does it: together they would otherwise have a thread for each processor each.
    command.env("OMP_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}
