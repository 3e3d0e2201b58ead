//! Fetches from the stores' stand-ins.

use std::path::PathBuf;

use cliptune_sources::{Need, Remote, Sparse, Wanted, copies};

use crate::stand_in::StandIn;
use crate::support::{Machine, contents, quiet, texts};

fn start(kind: &str) -> StandIn {
    StandIn::start(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts"), kind, "contest")
}

fn check(machine: &Machine, scheme: &str, store: &StandIn) {
    for (name, text) in
        [("images/1.jpeg", "one"), ("images/a b.jpeg", "two"), ("images/notes.txt", "n"), ("meta", "m")]
    {
        store.put(name, text.as_bytes());
    }
    let fetch = |path: &str| contents(&machine.fetch(&format!("{scheme}://contest/{path}")).unwrap());
    assert_eq!(fetch("images/*.jpeg"), texts(&[("1.jpeg", "one"), ("a b.jpeg", "two")]));
    assert_eq!(fetch("images"), texts(&[("1.jpeg", "one"), ("a b.jpeg", "two"), ("notes.txt", "n")]));
    assert_eq!(fetch("meta"), texts(&[("meta", "m")]));
    store.put("images/1.jpeg", b"changed");
    assert_eq!(fetch("images/*.jpeg"), texts(&[("1.jpeg", "changed"), ("a b.jpeg", "two")]));
    assert!(machine.fetch(&format!("{scheme}://contest/nothing")).is_err());
}

#[test]
fn objects_of_s3_are_fetched() {
    let store = start("s3");
    let keys = Machine::new().with("AWS_ACCESS_KEY_ID", "key").with("AWS_SECRET_ACCESS_KEY", "secret");
    check(&keys.with("AWS_ENDPOINT_URL", &store.address), "s3", &store);
    let anonymous = Machine::new().at(&store.address);
    assert_eq!(contents(&anonymous.fetch("s3://contest/meta").unwrap()), texts(&[("meta", "m")]));
}

/// Fetches the parts of an object, and returns the address's bytes on this machine.
fn check_parts(machine: &Machine, scheme: &str, store: &StandIn) {
    const SIZE: u64 = 3 << 20;
    let content: Vec<u8> = (0..SIZE as u32).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    store.put("table", &content);
    let parts = [5..1_000, 1_500_000..1_500_010, SIZE - 10..SIZE];
    let needs = |_: &Sparse| Ok(Need::Parts(parts.iter().cloned().collect()));
    let (remote, wanted) = (Remote::parse(&format!("{scheme}://contest/table")).unwrap(), |_: &str| true);
    let wanted = Wanted::parts(&wanted, &needs);
    let fetched = machine.sources().fetch(&remote, &machine.access, wanted, &quiet).unwrap();
    let local = fs_err::read(fetched.folder.join("table")).unwrap();
    for part in parts {
        let part = part.start as usize..part.end as usize;
        assert!(local[part.clone()] == content[part.clone()], "{part:?}");
    }
    assert_eq!(local.len(), content.len());
    assert!(copies(&machine.cache()).unwrap()[0].bytes < SIZE, "{scheme} sent more than parts");
}

#[test]
fn parts_of_objects_of_s3_are_fetched() {
    let store = start("s3");
    let keys = Machine::new().with("AWS_ACCESS_KEY_ID", "key").with("AWS_SECRET_ACCESS_KEY", "secret");
    check_parts(&keys.with("AWS_ENDPOINT_URL", &store.address), "s3", &store);
}

#[test]
fn parts_of_objects_of_google_are_fetched() {
    let store = start("gcs");
    check_parts(&Machine::new().with("STORAGE_EMULATOR_HOST", &store.address), "gs", &store);
}

#[test]
fn objects_of_google_are_fetched() {
    let store = start("gcs");
    check(&Machine::new().with("STORAGE_EMULATOR_HOST", &store.address), "gs", &store);
}
