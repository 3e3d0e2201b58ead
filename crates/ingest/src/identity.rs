//! What identifies an item, a text and a unit: BLAKE3 over their content.

use cliptune_experiment::Seed;

/// The bytes of parts, for one call of the hash function. Each part comes with its length, so that different lists of
/// parts never run together.
#[derive(Default)]
struct Parts(Vec<u8>);

impl Parts {
    fn add(&mut self, part: &[u8]) {
        self.begin(part.len());
        self.0.extend_from_slice(part);
    }

    /// Begins a part of a length, which is then added to [`Parts::0`].
    fn begin(&mut self, length: usize) {
        self.0.extend_from_slice(&(length as u64).to_le_bytes());
    }

    fn hash(&self) -> u64 {
        first(&blake3::hash(&self.0))
    }
}

/// Returns the BLAKE3 of some parts.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut all = Parts::default();
    parts.into_iter().for_each(|part| all.add(part));
    all.hash()
}

fn first(hash: &blake3::Hash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Returns the number that stands for a text wherever it is only compared with other texts.
pub(crate) fn fingerprint(text: &str) -> u64 {
    first(&blake3::hash(text.as_bytes()))
}

/// Returns the identity of an item: its group, the hash of its image, the fingerprints of its texts and its label. Where
/// rows stay apart, the identifier of its row is part of it.
pub(crate) fn item(group: &str, image: &str, texts: &[u64], label: i32, apart: Option<&str>) -> u64 {
    // Most items fit without growing.
    let mut parts = Parts(Vec::with_capacity(256));
    parts.add(group.as_bytes());
    parts.add(image.as_bytes());
    parts.begin(size_of_val(texts));
    texts.iter().for_each(|text| parts.0.extend_from_slice(&text.to_be_bytes()));
    parts.add(&label.to_be_bytes());
    if let Some(apart) = apart {
        parts.add(apart.as_bytes());
    }
    parts.hash()
}

/// Returns the identity of the n-th of several rows that are the same even in their identifiers.
pub(crate) fn again(first: u64, copy: i64) -> u64 {
    hash([&first.to_be_bytes()[..], &copy.to_be_bytes()])
}

/// Returns the lot of a row in a draw of rows: those with the smallest are drawn.
pub(crate) fn lot(row: i64, seed: i64) -> u64 {
    hash([&seed.to_be_bytes()[..], &row.to_be_bytes()])
}

/// The place of a unit on the line that splits are cut from.
pub(crate) type Anchor = [u8; 32];

/// Returns the place that a member would give its unit. The smallest of all members decides, so that a unit seldom moves
/// when members come and go.
pub(crate) fn anchor(seed: Seed, member: &str) -> Anchor {
    *blake3::hash(format!("{seed}\n{member}").as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_run_together() {
        assert_ne!(item("ab", "c", &[1], 0, None), item("a", "bc", &[1], 0, None));
        assert_ne!(item("a", "b", &[1, 2], 0, None), item("a", "b", &[1], 0, None));
        assert_ne!(item("a", "b", &[1], 0, None), item("a", "b", &[1], 0, Some("")));
        assert_ne!(again(7, 2), again(7, 3));
    }

    #[test]
    fn the_seed_and_the_member_decide_the_place() {
        assert_ne!(anchor(Seed(3), "a"), anchor(Seed(3), "b"));
        assert_ne!(anchor(Seed(3), "a"), anchor(Seed(4), "a"));
    }
}
