//! Inspects every image.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use cliptune_clip::image::{Inspection, LARGEST_IMAGE, Level, footprint, inspect};
use cliptune_experiment::{DataPlan, Verify};
use cliptune_store::{
    ContentHash, ImageFile, ImageIdentity, Inputs, Inspections, ItemImage, Store, StoreError, Unread,
};
use rayon::prelude::*;

/// The properties of an image, or the reason why it cannot be used.
pub(crate) type Header = Result<Inspection, String>;

/// The name of this inspection, with its version. Raising the version has every image decoded again.
pub(crate) const CHECK: &str = "inspection 4";
/// The memory in bytes that images inspected at the same time may use together. A larger image is inspected alone.
const MEMORY: u64 = 1 << 30;

/// Inspects the images of a plan: while their files are read to hash them, and afterwards those that were hashed before
/// but never inspected. Contents that were inspected before are not looked at again.
///
/// With `verify: whole`, exactly what the decoder of training and scoring accepts passes, and how each image looks is
/// found out on the way. A header alone does not show that the rest is cut off, so that with `verify: header` an image may
/// break in the first epoch.
pub(crate) struct Inspector<'a> {
    store: &'a Store,
    plan: &'a DataPlan,
    /// What is remembered. It is not read before there is something to inspect.
    known: OnceLock<Inspections<Header>>,
    /// What was found out while files were read.
    found: Mutex<HashMap<ImageIdentity, Header>>,
    budget: Budget,
}

impl<'a> Inspector<'a> {
    pub(crate) fn new(store: &'a Store, plan: &'a DataPlan) -> Self {
        let (known, found) = (OnceLock::new(), Mutex::default());
        Self { store, plan, known, found, budget: Budget::default() }
    }

    fn known(&self) -> &Inspections<Header> {
        self.known.get_or_init(|| self.store.inspections(self.plan, CHECK))
    }

    /// Hashes an image file, and inspects it at the same time.
    pub(crate) fn read(&self, file: Unread) -> Result<ContentHash, StoreError> {
        if file.size() > LARGEST_IMAGE {
            return file.hash();
        }
        let share = self.budget.take(file.size());
        let (hash, bytes) = file.read()?;
        drop(share);
        let identity = hash.into();
        if self.known().get(&identity).is_none() {
            let header = inspected(&bytes, level(self.plan.verify), &self.budget);
            lock(&self.found).insert(identity, header);
        }
        Ok(hash)
    }

    /// Returns what there is to say about every image, in order.
    pub(crate) fn headers(&self, inputs: &Inputs, on_image: &(dyn Fn() + Sync)) -> Vec<Header> {
        let (known, read) = (self.known(), std::mem::take(&mut *lock(&self.found)));
        let look = |image: &ImageFile| {
            let header = known.get(&image.identity).or_else(|| read.get(&image.identity));
            let found = match header {
                Some(header) => Found { header: header.clone(), lasts: true },
                None => look(inputs, image, &self.budget),
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
}

/// Inspects one image.
pub(crate) fn header(inputs: &Inputs, image: &ImageFile) -> Header {
    look(inputs, image, &Budget::default()).header
}

fn level(verify: Verify) -> Level {
    match verify {
        Verify::Whole => Level::Hashed,
        Verify::Header | Verify::None => Level::Header,
    }
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
    lasting(inspected(&bytes, level(inputs.verify), budget))
}

/// Inspects a content.
fn inspected(bytes: &[u8], level: Level, budget: &Budget) -> Header {
    let pixels = if level == Level::Header { 0 } else { footprint(bytes) };
    let _pixels = budget.take(bytes.len() as u64 + pixels);
    inspect(bytes, level).map_err(|error| error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An amount of memory that several threads share.
#[derive(Default)]
struct Budget {
    taken: Mutex<Taken>,
    given_back: Condvar,
}

/// What is taken of a budget.
#[derive(Default)]
struct Taken {
    bytes: u64,
    /// The number of threads that wait for more. Where there is none, nobody has to be woken, which is a call to the system.
    waiting: usize,
}

impl Budget {
    /// Waits until there is enough memory, or until no other thread holds any.
    fn take(&self, bytes: u64) -> Share<'_> {
        let mut taken = lock(&self.taken);
        taken.waiting += 1;
        let wait = |taken: &mut Taken| taken.bytes > 0 && taken.bytes + bytes > MEMORY;
        let taken = self.given_back.wait_while(taken, wait);
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.waiting -= 1;
        taken.bytes += bytes;
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
        let mut taken = lock(&self.budget.taken);
        taken.bytes -= self.bytes;
        if taken.waiting > 0 {
            self.budget.given_back.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use cliptune_store::Reading;

    use super::*;
    use crate::small::Small;

    /// Makes sources with one image whose file is cut off.
    fn cut_off(verify: &str) -> (Small, DataPlan) {
        let small = Small::new(verify);
        let image = small.path("images/1.png");
        let bytes = fs_err::read(&image).unwrap();
        fs_err::write(&image, &bytes[..bytes.len() / 2]).unwrap();
        let plan = small.plan();
        (small, plan)
    }

    fn look_again(small: &Small, plan: &DataPlan) -> Vec<Header> {
        let store = small.store();
        let inspector = Inspector::new(&store, plan);
        let inputs = {
            let image = |file| inspector.read(file);
            let reading = Reading { image: &image, ..Reading::quietly(&|_, _| {}) };
            store.inputs_by(plan, &reading).unwrap()
        };
        let headers = inspector.headers(&inputs, &|| {});
        // Whoever finds all files hashed already looks at them and sees the same.
        assert_eq!(Inspector::new(&store, plan).headers(&inputs, &|| {}), headers);
        headers
    }

    #[test]
    fn a_header_does_not_show_that_the_rest_is_cut_off() {
        let (small, plan) = cut_off("header");
        let [Ok(header)] = &look_again(&small, &plan)[..] else { panic!("the header is whole") };
        assert_eq!((header.width, header.height), (64, 48));
        // What one examination found is not taken for what a closer one would find.
        assert!(look_again(&small, &DataPlan { verify: Verify::Whole, ..plan })[0].is_err());
    }

    #[test]
    fn a_content_is_inspected_once_wherever_it_lies() {
        let (small, plan) = cut_off("whole");
        let found = look_again(&small, &plan);
        assert!(found[0].is_err());
        let store = small.store();
        let content = store.inputs(&plan, &|_, _| {}).unwrap().images[0].identity;
        // The memory is made to say something else, so that it shows who is asked.
        let remembered: Header = Err("it was like this before".to_owned());
        store.inspections(&plan, CHECK).remember([(&content, &remembered)]);
        fs_err::rename(small.path("images/1.png"), small.path("images/2.png")).unwrap();
        assert_eq!(look_again(&small, &plan), [remembered]);
        fs_err::write(small.path("images/2.png"), "another content").unwrap();
        assert_ne!(look_again(&small, &plan), [Err("it was like this before".to_owned())]);
    }

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
        assert_eq!(budget.taken.lock().unwrap().bytes, 0);
    }
}
