//! Which names of objects can be files below a folder.

/// The longest name of a file or folder, in bytes.
const LONGEST: usize = 255;

/// Returns why a name of an object cannot be a path below a folder, if it cannot.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.chars().any(char::is_control) {
        return Some("it has control characters");
    }
    name.split('/').find_map(|part| match part {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it leads to another folder"),
        part if part.len() > LONGEST => Some("a part of it is longer than 255 bytes"),
        _ => None,
    })
}

/// Checks whether a part of a name starts with a dot. Such files are skipped, as in local folders.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.') && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_below_the_folder_can_be_files() {
        for name in ["1.jpeg", "a/b c/ü.png", "a..b", "...", "a\\b", "-"] {
            assert_eq!(fault(name), None, "{name:?}");
        }
        let long = "x".repeat(256);
        for name in ["", "/a", "a//b", "a/", "..", "a/../b", "./a", "a\0b", "a\nb", &long] {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }
}
