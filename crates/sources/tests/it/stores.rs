//! Stand-ins for the stores that others wrote: moto for S3, gcp-storage-emulator for Google's.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Machine, contents, texts};

/// A store on the loopback. It ends when its standard input does, which is when this is dropped or the test dies.
struct Store {
    child: Child,
    address: String,
}

impl Store {
    fn start(kind: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/storage-server");
        let mut command = Command::new(script);
        let mut child =
            command.args([kind, "contest"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("http://127.0.0.1:"), "the store did not start: run scripts/setup");
        Self { child, address: address.trim().to_owned() }
    }

    /// Sends an object as it would be sent to the store itself.
    fn put(&self, method: &str, path: &str, text: &str) {
        let uri = format!("{}{path}", self.address);
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let request = ureq::http::Request::builder().method(method).uri(uri);
        let request =
            request.header("content-type", "application/octet-stream").header("x-amz-acl", "public-read");
        agent.run(request.body(text.to_owned()).unwrap()).unwrap();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn check(machine: &Machine, scheme: &str, change: &dyn Fn(&str, &str)) {
    for (name, text) in
        [("images/1.jpeg", "one"), ("images/a b.jpeg", "two"), ("images/notes.txt", "n"), ("meta", "m")]
    {
        change(name, text);
    }
    let fetch = |path: &str| contents(&machine.fetch(&format!("{scheme}://contest/{path}")).unwrap());
    assert_eq!(fetch("images/*.jpeg"), texts(&[("1.jpeg", "one"), ("a b.jpeg", "two")]));
    assert_eq!(fetch("images"), texts(&[("1.jpeg", "one"), ("a b.jpeg", "two"), ("notes.txt", "n")]));
    assert_eq!(fetch("meta"), texts(&[("meta", "m")]));
    change("images/1.jpeg", "changed");
    assert_eq!(fetch("images/*.jpeg"), texts(&[("1.jpeg", "changed"), ("a b.jpeg", "two")]));
    assert!(machine.fetch(&format!("{scheme}://contest/nothing")).is_err());
}

#[test]
fn objects_of_s3_are_fetched() {
    let store = Store::start("s3");
    let put =
        |name: &str, text: &str| store.put("PUT", &format!("/contest/{}", name.replace(' ', "%20")), text);
    let keys = Machine::new().with("AWS_ACCESS_KEY_ID", "key").with("AWS_SECRET_ACCESS_KEY", "secret");
    check(&keys.with("AWS_ENDPOINT_URL", &store.address), "s3", &put);
    let anonymous = Machine::new().at(&store.address);
    assert_eq!(contents(&anonymous.fetch("s3://contest/meta").unwrap()), texts(&[("meta", "m")]));
}

#[test]
fn objects_of_google_are_fetched() {
    let store = Store::start("gcs");
    let put = |name: &str, text: &str| {
        let name = name.replace(' ', "%20");
        store.put("POST", &format!("/upload/storage/v1/b/contest/o?uploadType=media&name={name}"), text);
    };
    check(&Machine::new().with("STORAGE_EMULATOR_HOST", &store.address), "gs", &put);
}
