//! Processes that do not come together are told why, and what to set, within a bounded time.

use super::*;

#[test]
fn a_port_that_is_in_use_is_named() {
    let context = ingested();
    let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = output(one_of(&context, "cliptune-train", (0, 2), port).arg(BASE)).ended(1);
    assert!(said.stderr.contains(&format!("error: port {port} of this host is in use")), "{said}");
    assert!(said.stderr.contains("hint: set MASTER_PORT to a free port"), "{said}");
}

#[test]
fn a_process_whose_others_do_not_come_says_who_is_missing() {
    let context = ingested();
    let alone = |rank: usize| {
        let mut command = one_of(&context, "cliptune-train", (rank, 3), free_port());
        output(command.arg(BASE).env("CLIPTUNE_JOIN_SECONDS", "1")).ended(1)
    };
    let first = alone(0);
    assert!(first.stderr.contains("2 of 3 processes have not joined within 1 s: ranks 1, 2"), "{first}");
    assert!(first.stderr.contains("CLIPTUNE_JOIN_SECONDS says how long"), "{first}");
    let second = alone(1);
    assert!(second.stderr.contains("rank 1 of 3 has found no store at 127.0.0.1:"), "{second}");
    assert!(context.runs("base").is_empty());
}

#[test]
fn a_port_at_which_something_else_listens_and_never_answers_is_given_up() {
    let context = ingested();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut command = one_of(&context, "cliptune-train", (1, 2), port);
    let said = output(command.arg(BASE).env("CLIPTUNE_JOIN_SECONDS", "1")).ended(1);
    assert!(said.stderr.contains(&format!("rank 1 of 2 has found no store at 127.0.0.1:{port}")), "{said}");
}

#[test]
fn processes_that_count_different_numbers_of_processes_say_so_without_waiting_for_others() {
    let context = ingested();
    let processes = Together::start_with(&context, 2, BASE, |rank, command| {
        command.env("WORLD_SIZE", ["2", "3"][rank]);
    });
    let told = assert_told_once(&processes.ended(), 1);
    assert!(told.contains("rank 0 of 2 (process ") && told.contains("rank 1 of 3 (process "), "{told}");
    assert!(told.ends_with(" were told different numbers of processes"), "{told}");
}

#[test]
fn a_process_of_another_build_is_named_with_what_it_is() {
    let context = ingested();
    // Bytes behind the end of a program change nothing but its hash. (A shell writes them, because no program can be started while
    // some process has it open for writing, such as a child that another test has just begun to start.)
    let (program, build) = (program("cliptune-train"), context.path("another-build"));
    let append = r#"cp "$0" "$1" && printf another >>"$1""#;
    output(Command::new("sh").args(["-c", append]).args([&program, &build])).succeeded();
    let processes = Together::start_with(&context, 2, BASE, |rank, command| {
        if rank == 1 {
            *command = in_place_of(command, Command::new(&build));
        }
    });
    let told = assert_told_once(&processes.ended(), 1);
    assert!(told.contains("rank 0 of 2 (process ") && told.contains("rank 1 of 2 (process "), "{told}");
    assert_eq!(told.matches("(program ").count(), 2, "{told}");
    assert!(context.runs("base").is_empty());
}

#[test]
fn a_host_without_an_address_is_named() {
    let context = ingested();
    let mut command = one_of(&context, "cliptune-train", (1, 2), free_port());
    let said = output(command.arg(BASE).env("MASTER_ADDR", "no host")).ended(1);
    assert!(said.stderr.contains("error: there is no host no host"), "{said}");
    assert!(said.stderr.contains("hint: set MASTER_ADDR"), "{said}");
}

#[test]
fn a_network_that_a_host_does_not_have_is_named_at_once() {
    let context = ingested();
    let processes = Together::start_with(&context, 2, BASE, |rank, command| {
        if rank == 1 {
            command.env("GLOO_SOCKET_IFNAME", "lo,no-network");
        }
    });
    let outputs = processes.ended();
    let told = assert_told_once(&outputs, 1);
    assert!(told.starts_with("error: rank 1 of 2 (process "), "{told}");
    assert!(
        told.ends_with("this host has no network interface \"no-network\", which GLOO_SOCKET_IFNAME names"),
        "{told}"
    );
    assert!(outputs.iter().any(|output| output.stderr.contains("hint: it has ")), "{outputs:#?}");
}

#[test]
fn two_processes_of_one_rank_are_refused() {
    let context = ingested();
    let both = Together::start_with(&context, 2, BASE, |rank, command| {
        command.env("CLIPTUNE_JOIN_SECONDS", "5");
        if rank == 1 {
            command.env("RANK", "0").env("TORCHELASTIC_USE_AGENT_STORE", "True");
        }
    });
    let outputs = both.ended();
    assert!(errors(&outputs).iter().any(|line| line.contains("rank 0 is there twice")), "{outputs:#?}");
}

#[test]
fn variables_that_make_no_sense_are_named_and_can_be_ignored() {
    let context = ingested();
    let mut command = one_of(&context, "cliptune-train", (0, 2), free_port());
    let said = output(command.arg(BASE).env("RANK", "first")).ended(2);
    assert!(said.stderr.contains("error: RANK is \"first\", which is not a valid number for it"), "{said}");
    let mut command = one_of(&context, "cliptune-train", (0, 2), free_port());
    output(command.args([BASE, "--distributed", "off"]).env("RANK", "first")).succeeded();
    assert_eq!(context.statuses("base"), ["done"]);
}
