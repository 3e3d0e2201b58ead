//! Options for `sbatch` that a person gives for every job.

/// Options with which there would be no chain, by their names, with the reason.
const REFUSED: [(&[&str], &str); 5] = [
    (&["--array", "-a"], "each job has the tasks of its steps"),
    (&["--clusters", "-M"], "the jobs are asked after on this host's cluster alone"),
    (&["--test-only"], "it submits nothing; --dry-run shows the jobs"),
    (&["--wait", "-W"], "each job would be waited for before the next one is submitted"),
    (&["--wrap"], "each job has a script of its own"),
];

/// Takes an option for `sbatch`, or a word of one, as it is, unless there would be no chain with it.
pub(crate) fn sbatch_option(written: &str) -> Result<String, String> {
    let long = written.split('=').next().unwrap_or_default();
    let is_meant = |name: &&str| match name.starts_with("--") {
        // `sbatch` takes the beginning of a name for it; what is shorter begins others as well.
        true => long.len() >= 4 && name.starts_with(long),
        // The value of a short option may follow without a space.
        false => written.starts_with(*name),
    };
    match REFUSED.iter().find(|(names, _)| names.iter().any(is_meant)) {
        Some((_, why)) => Err((*why).to_owned()),
        None => Ok(written.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_would_leave_no_chain_are_refused_with_the_reason() {
        for refused in [
            "--array=0-3",
            "--arr",
            "--wr=x",
            "-a0-3",
            "-M",
            "-Mother",
            "--clusters=other",
            "--test-only",
            "-W",
            "--wrap=x",
        ] {
            assert!(sbatch_option(refused).is_err(), "{refused}");
        }
        let why = sbatch_option("--wait").unwrap_err();
        assert_eq!(why, "each job would be waited for before the next one is submitted");
    }

    #[test]
    fn all_other_words_are_sbatchs() {
        for taken in [
            "--account=lab",
            "--acc=lab",
            "-A",
            "lab",
            "--wait-all-nodes=1",
            "--mail-type=END",
            "-t10",
            "",
            "a b",
            "--",
        ] {
            assert_eq!(sbatch_option(taken).as_deref(), Ok(taken));
        }
    }
}
