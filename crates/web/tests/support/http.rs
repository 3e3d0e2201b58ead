//! Web servers on the loopback that fail on demand. They serve until the test's process ends.
//!
//! The tests of several crates use this file.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;

/// A server and what it has been asked.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) log: Arc<Log>,
}

/// What servers have been asked, and what is to go wrong.
#[derive(Default)]
pub(crate) struct Log {
    faults: Mutex<Vec<(String, Fault)>>,
    requests: Mutex<Vec<Asked>>,
}

/// What makes an answer.
type Handler = dyn Fn(&Asked) -> Answer + Send + Sync;

/// What goes wrong with one answer.
pub(crate) enum Fault {
    /// Only so many bytes of the body are sent, then the connection ends.
    CutAfter(usize),
    /// The whole file is sent although a part was asked for.
    WholeInstead,
    /// The part after the one that was asked for is sent.
    WrongPart,
    /// One byte of the body is another one.
    Damaged,
    /// So many bytes are sent beyond the end, and are part of the announced length.
    Surplus(usize),
    /// No length is announced, and bytes come beyond the end.
    Endless,
    /// This instead of an answer.
    Instead { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// A header has another value.
    Header(&'static str, String),
    /// A header is missing.
    NoHeader(&'static str),
    /// The body waits until it is released.
    Held(Receiver<()>),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    /// Whether a second server was asked, to which the first one sends for large files.
    pub(crate) is_store: bool,
}

/// An answer as it goes.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sent: Option<usize>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// The first byte that is wanted, and the last one if that is said.
    fn range(&self) -> Option<(usize, Option<usize>)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().unwrap(), last.parse().ok()))
    }

    fn range_start(&self) -> usize {
        self.range().map_or(0, |(first, _)| first)
    }

    /// `GET /path`, without the query.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path())
    }
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let mut answer = Self { status, headers: Vec::new(), body: body.into(), sent: None };
        headers.iter().for_each(|(name, value)| answer.set(name, value));
        answer.announce();
        answer
    }

    pub(crate) fn absent() -> Self {
        Self::new(404, &[], "")
    }

    /// A file, or the part of it that the request asks for, unless the request wants another version.
    pub(crate) fn file(request: &Asked, content: &[u8], headers: &[(&str, &str)]) -> Self {
        let etag = headers.iter().find(|(name, _)| *name == "ETag").map(|(_, value)| *value);
        if request.header("if-match").is_some_and(|wanted| Some(wanted) != etag) {
            return Self::new(412, &[], "");
        }
        match (request.range(), content.len()) {
            (None | Some((0, None)), _) => Self::new(200, headers, content),
            (Some((first, last)), total) if first < total => {
                let last = last.map_or(total - 1, |last| last.min(total - 1));
                let mut answer = Self::new(206, headers, &content[first..=last]);
                answer.set("Content-Range", &format!("bytes {first}-{last}/{total}"));
                answer
            }
            (_, total) => Self::new(416, &[("Content-Range", &format!("bytes */{total}"))], ""),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    fn announce(&mut self) {
        self.set("Content-Length", &self.body.len().to_string());
    }
}

impl Server {
    /// A server that answers so.
    pub(crate) fn start(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_log(Arc::default(), false, handler)
    }

    /// A server that shares its log with another one.
    pub(crate) fn with_log(
        log: Arc<Log>,
        is_store: bool,
        handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (handler, serving): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&log));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&serving));
                thread::spawn(move || {
                    // A client that hangs up has its reasons; the test looks at what the client says.
                    let _ = serve(&*handler, &log, &stream, is_store);
                });
            }
        });
        Self { address, log }
    }

    /// The next answer to a request whose `METHOD path` ends so has this fault.
    pub(crate) fn fails(&self, request: &str, fault: Fault) {
        self.log.faults.lock().unwrap().push((request.to_owned(), fault));
    }

    /// What has been asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.log.requests.lock().unwrap())
    }
}

fn serve(handler: &Handler, log: &Log, stream: &TcpStream, is_store: bool) -> io::Result<()> {
    let request = read(stream, is_store)?;
    log.requests.lock().unwrap().push(request.clone());
    let mut answer = handler(&request);
    let mut held = None;
    match log.take_fault(&request) {
        Some(Fault::Held(release)) => held = Some(release),
        Some(fault) => spoil(&mut answer, fault, &request, handler),
        None => {}
    }
    write(stream, &request, &answer, held)?;
    stream.shutdown(Shutdown::Both)
}

impl Log {
    fn take_fault(&self, request: &Asked) -> Option<Fault> {
        let line = request.line();
        let mut faults = self.faults.lock().unwrap();
        let matches = |wanted: &str| {
            let (method, end) = wanted.split_once(' ').unwrap();
            line.starts_with(method) && line.ends_with(end)
        };
        let index = faults.iter().position(|(wanted, _)| matches(wanted))?;
        Some(faults.remove(index).1)
    }
}

fn read(stream: &TcpStream, is_store: bool) -> io::Result<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(Asked { method, target, headers, is_store })
}

fn write(
    mut stream: &TcpStream,
    request: &Asked,
    answer: &Answer,
    held: Option<Receiver<()>>,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if let Some(held) = held {
        // Ends when the test does, too.
        let _ = held.recv();
    }
    if request.method != "HEAD" {
        stream.write_all(&answer.body[..answer.sent.unwrap_or(answer.body.len())])?;
    }
    stream.flush()
}

fn spoil(answer: &mut Answer, fault: Fault, request: &Asked, handler: &Handler) {
    match fault {
        Fault::CutAfter(bytes) => answer.sent = Some(bytes),
        Fault::WholeInstead => {
            let mut plain = request.clone();
            plain.headers.remove("range");
            *answer = handler(&plain);
        }
        Fault::WrongPart => {
            answer.body.remove(0);
            answer.announce();
            let range = answer.headers.iter().find(|(name, _)| name == "Content-Range").unwrap().1.clone();
            let start = request.range_start();
            answer.set("Content-Range", &range.replace(&format!("{start}-"), &format!("{}-", start + 1)));
        }
        Fault::Damaged => answer.body[0] ^= 1,
        Fault::Surplus(bytes) => {
            answer.body.extend(vec![b'x'; bytes]);
            answer.announce();
        }
        Fault::Endless => {
            answer.body.extend(vec![b'x'; 1 << 20]);
            answer.remove("Content-Length");
        }
        Fault::Instead { status, headers, body } => {
            *answer = Answer::new(status, &[], body);
            headers.iter().for_each(|(name, value)| answer.set(name, value));
        }
        Fault::Header(name, value) => answer.set(name, &value),
        Fault::NoHeader(name) => answer.remove(name),
        Fault::Held(_) => {}
    }
}
