//! Learns a byte-level BPE vocabulary from texts.
//!
//! The tokenizers library has a trainer, but it numbers symbols and breaks ties in the order of randomly seeded hash
//! maps, and it puts the special tokens first. CLIP needs them last, and a run must be repeatable, so the algorithm
//! (Sennrich et al. 2016, <https://aclanthology.org/P16-1162>), which takes only a few lines, is implemented here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use super::bpe::Merges;
use super::clip::{self, END, END_OF_WORD, START};
use super::error::TokenizerError;

/// The size of the alphabet: 256 bytes, and 256 bytes that end a word.
const ALPHABET: usize = 512;
/// The size of the smallest vocabulary, which holds only the alphabet and the two special tokens.
pub(super) const LEAST: usize = ALPHABET + 2;
/// The smallest count at which a pair is merged. A pair seen once is no pattern: merging it would only memorise one
/// word.
const LEAST_COUNT: u64 = 2;

/// Two neighbouring tokens, given by their ids.
type Pair = (u32, u32);

/// Learns at most `vocab_size - 514` merges from `texts`.
///
/// The result depends on the texts as a multiset, not on their order: words are counted first, and of equally frequent
/// pairs the one with the smaller ids is merged first. The ids are laid out as in CLIP: 256 bytes, 256 bytes that end a
/// word, the merges, start, end.
///
/// # Errors
/// Fails when `vocab_size` is below [`LEAST`].
pub(super) fn learn(texts: &[impl AsRef<str>], vocab_size: usize) -> Result<Merges, TokenizerError> {
    if vocab_size < LEAST {
        return Err(TokenizerError::VocabularyTooSmall { asked: vocab_size, least: LEAST });
    }
    let mut learner = Learner::new(&count_words(texts)?);
    while learner.tokens.len() + 2 < vocab_size {
        let Some(pair) = learner.best() else { break };
        learner.merge(pair);
    }
    learner.finish().map_err(TokenizerError::Library)
}

/// Splits the texts as the tokenizer will, each distinct one once, and counts the words, which are spelt in byte symbols.
fn count_words(texts: &[impl AsRef<str>]) -> Result<BTreeMap<String, u64>, TokenizerError> {
    let (normalizer, pre_tokenizer) = (clip::normalizer()?, clip::pre_tokenizer()?);
    let mut occurrences: HashMap<&str, u64> = HashMap::new();
    texts.iter().for_each(|text| *occurrences.entry(text.as_ref()).or_default() += 1);
    let mut counts = BTreeMap::new();
    for (text, times) in occurrences {
        let mut normalized = NormalizedString::from(text);
        normalizer.normalize(&mut normalized).map_err(TokenizerError::library)?;
        let mut words = PreTokenizedString::from(normalized);
        pre_tokenizer.pre_tokenize(&mut words).map_err(TokenizerError::library)?;
        for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::None) {
            // A special token that is written out in a text counts as that token, so there is nothing to learn from it.
            if ![START, END].contains(&word) {
                *counts.entry(word.to_owned()).or_insert(0) += times;
            }
        }
    }
    Ok(counts)
}

/// Lists the 256 characters that stand for bytes, in CLIP's order.
///
/// Printable Latin-1 characters stand for themselves and come first; the other bytes are represented by the characters
/// from U+0100 on (`bytes_to_unicode` in OpenAI's `simple_tokenizer.py`).
pub(super) fn byte_symbols() -> impl Iterator<Item = char> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let others = (0..=u8::MAX).filter(move |byte| !printable(byte)).count();
    (0..=u8::MAX).filter(printable).map(char::from).chain(('\u{100}'..).take(others))
}

/// A distinct word, with its current tokens and the number of times it occurs.
struct Word {
    tokens: Vec<u32>,
    count: u64,
}

impl Word {
    /// Iterates over the neighbouring pairs in order, including repeats.
    fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.tokens.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// Replaces every occurrence of `pair`, from left to right.
    fn join(&mut self, pair: Pair, joined: u32) {
        let mut tokens = Vec::with_capacity(self.tokens.len());
        let mut rest = self.tokens.as_slice();
        while let [first, tail @ ..] = rest {
            if *first == pair.0 && tail.first() == Some(&pair.1) {
                tokens.push(joined);
                rest = &tail[1..];
            } else {
                tokens.push(*first);
                rest = tail;
            }
        }
        self.tokens = tokens;
    }
}

/// The state of learning: the words, and their pairs kept in order of frequency while merges change them.
struct Learner {
    tokens: Vec<String>,
    ids: HashMap<String, u32>,
    merges: Vec<Pair>,
    words: Vec<Word>,
    counts: HashMap<Pair, u64>,
    places: HashMap<Pair, BTreeSet<usize>>,
    queue: BTreeSet<(u64, Reverse<Pair>)>,
}

impl Learner {
    fn new(counts: &BTreeMap<String, u64>) -> Self {
        let symbols = byte_symbols().map(String::from);
        let endings = byte_symbols().map(|symbol| format!("{symbol}{END_OF_WORD}"));
        let mut learner = Self {
            tokens: symbols.chain(endings).collect(),
            ids: HashMap::new(),
            merges: Vec::new(),
            words: Vec::new(),
            counts: HashMap::new(),
            places: HashMap::new(),
            queue: BTreeSet::new(),
        };
        learner.ids = (0..).zip(&learner.tokens).map(|(id, token)| (token.clone(), id)).collect();
        for (word, &count) in counts {
            let tokens = learner.spell(word);
            learner.words.push(Word { tokens, count });
            learner.enter(learner.words.len() - 1);
        }
        learner
    }

    /// Spells a word in symbols, the last of which is marked as the end.
    fn spell(&self, word: &str) -> Vec<u32> {
        let mut tokens: Vec<u32> =
            word.chars().filter_map(|c| self.ids.get(&c.to_string()).copied()).collect();
        if let Some(last) = tokens.last_mut() {
            *last += (ALPHABET / 2) as u32;
        }
        tokens
    }

    /// Returns the most frequent pair, if it is frequent enough.
    fn best(&self) -> Option<Pair> {
        let &(count, Reverse(pair)) = self.queue.last()?;
        (count >= LEAST_COUNT).then_some(pair)
    }

    /// Merges a pair into one token wherever it occurs.
    fn merge(&mut self, pair: Pair) {
        let joined = self.token(pair);
        self.merges.push(pair);
        for place in self.places.remove(&pair).unwrap_or_default() {
            self.leave(place);
            self.words[place].join(pair, joined);
            self.enter(place);
        }
    }

    /// Returns the token that a pair makes. Two different pairs can make the same token.
    fn token(&mut self, pair: Pair) -> u32 {
        let joined = format!("{}{}", self.tokens[pair.0 as usize], self.tokens[pair.1 as usize]);
        let next = self.tokens.len() as u32;
        let id = *self.ids.entry(joined.clone()).or_insert(next);
        if id == next {
            self.tokens.push(joined);
        }
        id
    }

    /// Adds a word's pairs to the counts.
    fn enter(&mut self, place: usize) {
        let word = &self.words[place];
        for pair in word.pairs() {
            self.places.entry(pair).or_default().insert(place);
            let count = self.counts.entry(pair).or_insert(0);
            self.queue.remove(&(*count, Reverse(pair)));
            *count += word.count;
            self.queue.insert((*count, Reverse(pair)));
        }
    }

    /// Removes a word's pairs from the counts.
    fn leave(&mut self, place: usize) {
        let word = &self.words[place];
        for pair in word.pairs() {
            if let Some(places) = self.places.get_mut(&pair) {
                places.remove(&place);
            }
            let count = self.counts.entry(pair).or_insert(word.count);
            self.queue.remove(&(*count, Reverse(pair)));
            *count -= word.count;
            if *count > 0 {
                self.queue.insert((*count, Reverse(pair)));
            }
        }
    }

    fn finish(mut self) -> Result<Merges, String> {
        let name = |id: u32| self.tokens[id as usize].clone();
        let merges = self.merges.iter().map(|&(a, b)| (name(a), name(b))).collect();
        self.tokens.extend([START, END].map(str::to_owned));
        Merges::new(self.tokens.into_iter().zip(0..).collect(), merges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns in the textbook way, which counts everything again before every merge.
    fn slowly(texts: &[&str], vocab_size: usize) -> Vec<Pair> {
        let mut learner = Learner::new(&count_words(texts).unwrap());
        let mut merges = Vec::new();
        while learner.tokens.len() + 2 < vocab_size {
            let mut counts = BTreeMap::<Pair, u64>::new();
            for word in &learner.words {
                word.pairs().for_each(|pair| *counts.entry(pair).or_insert(0) += word.count);
            }
            let Some((pair, count)) = counts.into_iter().max_by_key(|&(pair, count)| (count, Reverse(pair)))
            else {
                break;
            };
            if count < LEAST_COUNT {
                break;
            }
            let joined = learner.token(pair);
            learner.words.iter_mut().for_each(|word| word.join(pair, joined));
            merges.push(pair);
        }
        merges
    }

    #[test]
    fn incremental_counts_agree_with_recounting() {
        let texts = [
            "aaaa aaa aa a",
            "the cat sat on the mat",
            "mississippi missing miss",
            "the theatre, then!!! !!",
        ];
        let mut learner = Learner::new(&count_words(&texts).unwrap());
        while let Some(pair) = learner.best() {
            learner.merge(pair);
        }
        assert_eq!(learner.merges, slowly(&texts, usize::MAX));
        assert!(learner.merges.len() > 5);
    }

    #[test]
    fn the_alphabet_is_clips() {
        // The first and last entries of openai/clip-vit-base-patch32's vocab.json below id 256.
        let symbols: Vec<char> = byte_symbols().collect();
        assert_eq!(symbols.len(), 256);
        assert_eq!(symbols[..3], ['!', '"', '#']);
        assert_eq!(symbols[187..189], ['ÿ', 'Ā']);
        assert_eq!(symbols[255], 'Ń');
    }

    #[test]
    fn the_order_of_the_texts_does_not_matter() {
        let texts = ["a cat and a dog", "two cats", "a dog, a log and a frog", "no animals here"];
        let mut turned = texts;
        turned.reverse();
        assert_eq!(learn(&texts, 600).unwrap(), learn(&turned, 600).unwrap());
    }

    #[test]
    fn special_tokens_are_last_and_the_vocabulary_is_dense() {
        let merges = learn(&["a cat and a cat and a dog", "<|endoftext|> <|endoftext|>"], 530).unwrap();
        let size = merges.vocabulary().len() as u32;
        assert!(size <= 530);
        assert_eq!(merges.id(START), Some(size - 2));
        assert_eq!(merges.id(END), Some(size - 1));
        let ids: BTreeSet<u32> = merges.vocabulary().values().copied().collect();
        assert!(ids.into_iter().eq(0..size));
    }

    #[test]
    fn a_vocabulary_without_room_for_the_alphabet_is_refused() {
        let error = learn(&["text"], 513).err().unwrap();
        assert_eq!(
            error.to_string(),
            "a vocabulary of 513 is too small: the byte alphabet and the special tokens take 514"
        );
    }
}
