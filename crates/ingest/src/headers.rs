//! Inspects every image.

use std::sync::{Condvar, Mutex};

use cliptune_clip::image::{Inspection, LARGEST_IMAGE, Level, footprint, inspect};
use cliptune_store::{ImageFile, ImageIdentity, Inputs, Inspections, ItemImage};
use rayon::prelude::*;

/// The properties of an image, or the reason why it cannot be used.
pub(crate) type Header = Result<Inspection, String>;

/// The name of this inspection, with its version. Raising the version has every image decoded again.
pub(crate) const CHECK: &str = "whole 2";
/// The memory in bytes that images inspected at the same time may use together. A larger image is inspected alone.
const MEMORY: u64 = 1 << 30;

/// Inspects every image in parallel. The results are in order. Contents that were inspected before are not read again.
///
/// Exactly what the decoder of training and scoring accepts passes. A header alone does not show that the rest
/// is cut off, and an image that only breaks in the first epoch would crash the training instead of being rejected.
pub(crate) fn headers(
    inputs: &Inputs,
    known: &Inspections<Header>,
    on_image: &(dyn Fn() + Sync),
) -> Vec<Header> {
    let budget = Budget::default();
    let look = |image: &ImageFile| {
        let found = match known.get(&image.identity) {
            Some(header) => Found { header: header.clone(), lasts: true },
            None => look(inputs, image, &budget),
        };
        on_image();
        found
    };
    let found: Vec<Found> = inputs.images.par_iter().map(look).collect();
    let lasting = inputs.images.iter().zip(&found).filter(|(_, found)| found.lasts);
    known.remember(
        lasting.map(|(image, found)| -> (&ImageIdentity, &Header) { (&image.identity, &found.header) }),
    );
    found.into_iter().map(|found| found.header).collect()
}

/// The result of an inspection.
struct Found {
    header: Header,
    /// Whether the content alone decides the result, so that looking again would give the same.
    lasts: bool,
}

fn look(inputs: &Inputs, image: &ImageFile, budget: &Budget) -> Found {
    let lasting = |header| Found { header, lasts: true };
    if image.size > LARGEST_IMAGE {
        return lasting(Err(format!("the file is larger than {} MB", LARGEST_IMAGE >> 20)));
    }
    let file = budget.take(image.size);
    let bytes = match ItemImage::new(inputs.path(image), image.identity).read() {
        Ok(bytes) => bytes,
        Err(error) => return Found { header: Err(error.to_string()), lasts: false },
    };
    drop(file);
    let _pixels = budget.take(image.size + footprint(&bytes));
    lasting(inspect(&bytes, Level::Whole).map_err(|error| error.to_string()))
}

/// An amount of memory that several threads share.
#[derive(Default)]
struct Budget {
    taken: Mutex<u64>,
    given_back: Condvar,
}

impl Budget {
    /// Waits until there is enough memory, or until no other thread holds any.
    fn take(&self, bytes: u64) -> Share<'_> {
        let taken = self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let wait = |taken: &mut u64| *taken > 0 && *taken + bytes > MEMORY;
        let taken = self.given_back.wait_while(taken, wait);
        *taken.unwrap_or_else(std::sync::PoisonError::into_inner) += bytes;
        Share { budget: self, bytes }
    }
}

/// The part of a budget that a thread holds until the share is dropped.
struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let taken = self.budget.taken.lock();
        *taken.unwrap_or_else(std::sync::PoisonError::into_inner) -= self.bytes;
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_memory_is_taken_at_once_than_there_is_but_by_one_alone() {
        let budget = Budget::default();
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let sizes = [MEMORY / 3, MEMORY / 2, 3 * MEMORY, 10].repeat(20);
        sizes.par_iter().for_each(|&size| {
            let _share = budget.take(size);
            let others = now.fetch_add(size, Ordering::SeqCst);
            most.fetch_max(if others > 0 { others + size } else { 0 }, Ordering::SeqCst);
            now.fetch_sub(size, Ordering::SeqCst);
        });
        assert!(most.into_inner() <= MEMORY);
        assert_eq!(*budget.taken.lock().unwrap(), 0);
    }
}
