//! What a failed request says: whether to ask again, and in which words.

use std::error::Error;
use std::io;

/// Checks whether a failed connection may work within seconds. A name that does not resolve or a closed port will stay
/// that way.
pub fn may_recover(failure: &(dyn Error + Send + Sync + 'static)) -> bool {
    match failure.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::HostNotFound) => false,
        Some(ureq::Error::Io(error)) => error.kind() != io::ErrorKind::ConnectionRefused,
        _ => true,
    }
}

/// Returns the message of an error with its causes, on one line.
pub fn in_one_line(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error: &&dyn Error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_port_stays_closed_and_a_cut_may_not_happen_again() {
        let io = |kind: io::ErrorKind| ureq::Error::Io(io::Error::from(kind));
        assert!(!may_recover(&io(io::ErrorKind::ConnectionRefused)));
        assert!(!may_recover(&ureq::Error::HostNotFound));
        assert!(may_recover(&io(io::ErrorKind::ConnectionReset)));
    }
}
