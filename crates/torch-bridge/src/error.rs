//! What libtorch says when it refuses.

use std::ffi::{CStr, c_char};

/// The reason why libtorch refused, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TorchError {
    message: String,
    fault: Fault,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// libtorch refuses what it was given.
    Refused,
    /// Another program uses the address that the store was to listen at.
    AddressInUse,
    /// The name of the host with the store has no address.
    UnknownHost,
    /// Other processes are gone, did not come or go on in time, or cannot be reached.
    Lost,
}

impl TorchError {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), fault: Fault::Refused }
    }

    pub(crate) fn with_fault(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    /// What kind of thing went wrong.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

unsafe extern "C" {
    fn cliptune_free_message(message: *mut c_char);
}

/// Turns the outcome of a C++ function, which is null or a message, into a result.
pub(crate) fn check(message: *mut c_char) -> Result<(), TorchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a non-null message is a NUL-terminated string from strdup that is ours to free, once.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        cliptune_free_message(message);
        text
    };
    // libtorch appends a C++ stack trace from the second line on.
    Err(TorchError::refused(without_source(text.lines().next().unwrap_or_default())))
}

/// Removes the place in the source that Gloo puts before its messages: `[…/pair.cc:534] Connection closed by peer`.
fn without_source(line: &str) -> &str {
    match line.split_once("] ") {
        Some((place, message)) if place.starts_with('[') && place.contains(".cc:") => message,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_source_is_left_out_of_the_message_and_other_brackets_stay() {
        assert_eq!(
            without_source("[/a/tcp/pair.cc:534] Read error [::1]:80: reset"),
            "Read error [::1]:80: reset"
        );
        assert_eq!(without_source("[3, 4] does not fit"), "[3, 4] does not fit");
    }
}
