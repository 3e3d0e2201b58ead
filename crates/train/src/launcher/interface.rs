//! The network interfaces by which the processes reach each other.

use std::env;

use super::error::JoinError;

/// The variable that names them, as for PyTorch.
pub(super) const INTERFACES: &str = "GLOO_SOCKET_IFNAME";
/// The folder in which Linux lists the network interfaces of this host.
const HERE: &str = "/sys/class/net";

/// Refuses a network interface that this host does not have, because libtorch would say so without the variable that names it.
pub(super) fn check() -> Result<(), JoinError> {
    let wanted = env::var(INTERFACES).unwrap_or_default();
    // Where nobody lists them, libtorch finds out.
    let Ok(entries) = fs_err::read_dir(HERE) else { return Ok(()) };
    let here: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    match missing(&wanted, &here) {
        None => Ok(()),
        Some(name) => Err(JoinError::NoInterface { name: name.to_owned(), here: here.join(", ") }),
    }
}

/// Returns the first of some names, which have commas between them, that is not here. Behind a colon, a name may say which address of
/// the interface is meant.
fn missing<'a>(wanted: &'a str, here: &[String]) -> Option<&'a str> {
    let is_here = |name: &str| here.iter().any(|one| name.split(':').next() == Some(one.as_str()));
    wanted.split(',').find(|name| !name.is_empty() && !is_here(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_interface_that_is_not_here_is_found() {
        let here = ["lo", "eth0"].map(str::to_owned);
        for (wanted, expected) in [
            ("", None),
            ("lo", None),
            ("eth0,lo,", None),
            ("eth0:1", None),
            ("ib0", Some("ib0")),
            ("lo,eth1,ib0", Some("eth1")),
            ("eth", Some("eth")),
        ] {
            assert_eq!(missing(wanted, &here), expected, "{wanted}");
        }
    }
}
