//! Stand-ins for the stores that others wrote: moto for S3, gcp-storage-emulator for Google's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A store on the loopback with one empty bucket. It ends when its standard input does, which is when this
/// is dropped or the test dies.
pub(crate) struct StandIn {
    child: Child,
    bucket: String,
    pub(crate) address: String,
}

impl StandIn {
    /// Starts a store: `s3` or `gcs`.
    pub(crate) fn start(scripts: &Path, kind: &str, bucket: &str) -> Self {
        let mut command = Command::new(scripts.join("storage-server"));
        let mut child =
            command.args([kind, bucket]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("http://127.0.0.1:"), "the store did not start: run scripts/setup");
        Self { child, bucket: bucket.to_owned(), address: address.trim().to_owned() }
    }

    /// Puts an object into the bucket, as it is put into the store itself.
    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        let (bucket, name) = (&self.bucket, name.replace(' ', "%20"));
        let is_google = self.send("GET", "/", b"").ends_with("OK");
        match is_google {
            true => self.send(
                "POST",
                &format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"),
                content,
            ),
            false => self.send("PUT", &format!("/{bucket}/{name}"), content),
        };
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> String {
        let host = self.address.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/octet-stream\r\nx-amz-acl: public-read\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.split(' ').nth(1).is_some_and(|status| status.starts_with('2')),
            "{method} {path}: {answer}"
        );
        answer
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
