//! Fetches from the stores' stand-ins.

use std::path::PathBuf;

use crate::stand_in::StandIn;
use crate::support::{Machine, contents, texts};

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

#[test]
fn objects_of_google_are_fetched() {
    let store = start("gcs");
    check(&Machine::new().with("STORAGE_EMULATOR_HOST", &store.address), "gs", &store);
}
