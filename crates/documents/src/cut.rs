//! Cuts texts that are too long to be read.

/// Returns the first letters of a text, with `…` where some are left out.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Returns a text with its middle left out if it has more than so many letters. Names often differ at their ends.
pub fn both_ends(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let (head, tail) = (most.div_ceil(2), most / 2);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(count - tail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_marked() {
        assert_eq!((beginning("äöü", 3).as_str(), beginning("äöü", 2).as_str()), ("äöü", "äö…"));
        assert_eq!((both_ends("abcde", 5).as_str(), both_ends("abcdef", 3).as_str()), ("abcde", "ab…f"));
        assert_eq!((both_ends("ab", 1).as_str(), both_ends("", 0).as_str()), ("a…", ""));
    }
}
