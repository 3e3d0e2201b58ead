//! The lists of Slurm: `gpu-[03-05,9],login` and `2(x3),1`.

/// Returns the first host of a list such as `gpu-[03-05,9],login`, or `None` when it is no such list.
///
/// A bracket holds numbers and ranges of numbers, of which the first number is taken as it is written, with its zeros. A name may have
/// several brackets.
pub(crate) fn first_host(list: &str) -> Option<String> {
    let (mut host, mut rest) = (String::new(), list);
    loop {
        let end = rest.find(['[', ']', ',']).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(end);
        host.push_str(text);
        match behind.chars().next() {
            Some('[') => {
                let (numbers, behind) = behind[1..].split_once(']')?;
                host.push_str(first_number(numbers)?);
                rest = behind;
            }
            Some(']') => return None,
            // A comma, or the end.
            _ => return is_host(&host).then_some(host),
        }
    }
}

/// Returns the first number of `03-05,9`.
fn first_number(numbers: &str) -> Option<&str> {
    let first = numbers.split([',', '-']).next()?;
    let is_right = |part: &str| {
        let mut ends = part.splitn(2, '-');
        ends.all(|end| !end.is_empty() && end.bytes().all(|digit| digit.is_ascii_digit()))
    };
    numbers.split(',').all(is_right).then_some(first)
}

fn is_host(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
    !name.is_empty() && name.chars().all(fits)
}

/// Returns how many tasks a node has by counts such as `2(x3),1`: two on each of the first three nodes, and one on the fourth. `None`
/// when they do not say.
pub(crate) fn tasks_of_node(counts: &str, node: usize) -> Option<usize> {
    let mut nodes = 0_usize;
    for part in counts.split(',') {
        let (tasks, times) = match part.split_once("(x") {
            Some((tasks, times)) => (tasks, times.strip_suffix(')')?.parse().ok()?),
            None => (part, 1),
        };
        nodes = nodes.checked_add(times)?;
        if node < nodes {
            return tasks.parse().ok().filter(|tasks| *tasks > 0);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_host_is_that_of_scontrol_show_hostnames() {
        let lists = [
            ("login", "login"),
            ("a,b", "a"),
            ("gpu-[03-05,9],login", "gpu-03"),
            ("gpu-[9,03-05]", "gpu-9"),
            ("rack[1-2]node[07-09].lan", "rack1node07.lan"),
            ("n[1]", "n1"),
            ("node[01-03,07],gpu-5", "node01"),
            ("node[0007]", "node0007"),
            ("a-b.example.org,node[1-2]", "a-b.example.org"),
            ("n[18446744073709551616-18446744073709551617]", "n18446744073709551616"),
        ];
        for (list, first) in lists {
            assert_eq!(first_host(list).as_deref(), Some(first), "{list}");
        }
    }

    #[test]
    fn what_is_no_list_has_no_host() {
        for wrong in [
            "",
            ",",
            "a[",
            "a]",
            "a[]",
            "a[x]",
            "a[1-]",
            "a[-1]",
            "a[1-2-3]",
            "a b",
            "a[1][",
            "[[1]]",
            "a[1,]",
            "a[,1]",
            "a[1",
            "a[1[2]]",
            "a[1]]",
            "]a[",
            "a[1]b]",
            "a[1 ]",
            "a[\u{661}]",
            "ä",
            "a\u{1b}[1]",
        ] {
            assert_eq!(first_host(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tasks_are_counted_by_node() {
        let of = |node| tasks_of_node("2(x3),1", node);
        assert_eq!([of(0), of(2), of(3), of(4)], [Some(2), Some(2), Some(1), None]);
        assert_eq!(tasks_of_node("2(x0),3", 0), Some(3), "no node has the first number");
        let largest = "2(x18446744073709551615),1";
        assert_eq!([tasks_of_node(largest, 7), tasks_of_node(largest, usize::MAX)], [Some(2), None]);
        for wrong in ["", "x", "2(x", "2(x3", "0", "2(xy)", "(x3)", "-1", "2(x-1)", "2 3", "2(x3)(x3)"] {
            assert_eq!(tasks_of_node(wrong, 0), None, "{wrong}");
        }
    }
}
