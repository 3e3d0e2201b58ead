//! A hub on the loopback: one port that knows repositories, one that stores large files, and faults on demand.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::repository::{Repository, RepositoryFile};

/// A hub with its store. It serves until the test's process ends.
pub(crate) struct FakeHub {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    repositories: Mutex<Vec<Repository>>,
    faults: Mutex<Vec<(String, Fault)>>,
    requests: Mutex<Vec<Asked>>,
    store: Mutex<String>,
}

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
    /// The answer waits until it is released.
    Held(Receiver<()>),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    /// Whether the store was asked, and not the hub.
    pub(crate) is_store: bool,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes of the body that are sent, if that is not all.
    sent: Option<usize>,
}

impl FakeHub {
    /// A hub that has these repositories.
    pub(crate) fn start(repositories: impl IntoIterator<Item = Repository>) -> Self {
        let shared = Arc::new(Shared::default());
        shared.repositories.lock().unwrap().extend(repositories);
        let store = listen(Arc::clone(&shared), true);
        *shared.store.lock().unwrap() = format!("http://{store}");
        let hub = listen(Arc::clone(&shared), false);
        Self { endpoint: format!("http://{hub}"), shared }
    }

    /// The next answer to a request whose `METHOD path` ends so has this fault.
    pub(crate) fn fails(&self, request: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().push((request.to_owned(), fault));
    }

    /// Puts another commit in a repository's place.
    pub(crate) fn replaces(&self, repository: Repository) {
        let mut repositories = self.shared.repositories.lock().unwrap();
        repositories.retain(|old| old.id != repository.id);
        repositories.push(repository);
    }

    /// What has been asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }
}

fn listen(shared: Arc<Shared>, is_store: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                // A client that hangs up has its reasons; the test looks at what the client says.
                let _ = serve(&shared, &stream, is_store);
            });
        }
    });
    address
}

fn serve(shared: &Shared, stream: &TcpStream, is_store: bool) -> io::Result<()> {
    let request = read(stream, is_store)?;
    shared.requests.lock().unwrap().push(request.clone());
    let mut answer = if is_store { from_store(shared, &request) } else { from_hub(shared, &request) };
    if let Some(fault) = take_fault(shared, &request) {
        spoil(&mut answer, fault, &request, shared);
    }
    write(stream, &request, &answer)?;
    stream.shutdown(Shutdown::Both)
}

fn take_fault(shared: &Shared, request: &Asked) -> Option<Fault> {
    let line = format!("{} {}", request.method, request.path());
    let mut faults = shared.faults.lock().unwrap();
    let matches = |wanted: &str| {
        let (method, end) = wanted.split_once(' ').unwrap();
        line.starts_with(method) && line.ends_with(end)
    };
    let index = faults.iter().position(|(wanted, _)| matches(wanted))?;
    Some(faults.remove(index).1)
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

fn write(mut stream: &TcpStream, request: &Asked, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if request.method != "HEAD" {
        stream.write_all(&answer.body[..answer.sent.unwrap_or(answer.body.len())])?;
    }
    stream.flush()
}

impl Answer {
    fn new(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> Self {
        let mut answer = Self { status, headers: Vec::new(), body, sent: None };
        headers.iter().for_each(|(name, value)| answer.set(name, value));
        answer.announce();
        answer
    }

    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    fn announce(&mut self) {
        self.set("Content-Length", &self.body.len().to_string());
    }

    /// A file, or the part of it that the request asks for.
    fn file(file: &RepositoryFile, request: &Asked, headers: &[(&str, &str)]) -> Self {
        let (start, total) = (range_start(request), file.content.len());
        match start {
            0 => Self::new(200, headers, file.content.clone()),
            start if start < total => {
                let mut answer = Self::new(206, headers, file.content[start..].to_vec());
                answer.set("Content-Range", &format!("bytes {start}-{}/{total}", total - 1));
                answer
            }
            _ => Self::new(416, &[("Content-Range", &format!("bytes */{total}"))], Vec::new()),
        }
    }
}

fn range_start(request: &Asked) -> usize {
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
    range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
}

fn from_store(shared: &Shared, request: &Asked) -> Answer {
    let repositories = shared.repositories.lock().unwrap();
    let mut files = repositories.iter().flat_map(|repository| &repository.files);
    match files.find(|file| request.path() == format!("/store/{}", file.etag())) {
        Some(file) => Answer::file(file, request, &[("ETag", "\"the-store's-own\"")]),
        None => Answer::new(404, &[], Vec::new()),
    }
}

fn from_hub(shared: &Shared, request: &Asked) -> Answer {
    let repositories = shared.repositories.lock().unwrap();
    let path = request.path().trim_start_matches('/');
    let of_id = |id: &String| {
        let cached = format!("api/resolve-cache/models/{id}/");
        path.strip_prefix(&format!("api/models/{id}/revision/"))
            .map(Asking::Listing)
            .or_else(|| path.strip_prefix(&format!("{id}/resolve/")).map(Asking::File))
            .or_else(|| path.strip_prefix(&cached).map(Asking::CachedFile))
    };
    let found = repositories.iter().find_map(|repository| Some((repository, of_id(&repository.id)?)));
    match found {
        Some((repository, asking)) => asking.answer(repository, request, &shared.store.lock().unwrap()),
        None => Answer::new(404, &[("X-Error-Code", "RepoNotFound")], b"Repository not found".to_vec()),
    }
}

/// What of a repository is asked for, with the rest of the path.
enum Asking<'a> {
    Listing(&'a str),
    File(&'a str),
    CachedFile(&'a str),
}

impl Asking<'_> {
    fn answer(&self, repository: &Repository, request: &Asked, store: &str) -> Answer {
        let (Self::Listing(rest) | Self::File(rest) | Self::CachedFile(rest)) = self;
        let (revision, name) = rest.split_once('/').unwrap_or((rest, ""));
        let commit = [("X-Repo-Commit", repository.commit.as_str())];
        if revision != "main" && revision != repository.commit {
            return Answer::new(404, &[("X-Error-Code", "RevisionNotFound")], Vec::new());
        }
        let file = repository.files.iter().find(|file| file.name == name);
        match (self, file) {
            (Self::Listing(_), _) => Answer::new(200, &[], repository.listing().into_bytes()),
            (_, None) => Answer::new(404, &[commit[0], ("X-Error-Code", "EntryNotFound")], Vec::new()),
            (Self::File(_), Some(file)) if file.is_large => sent_to_store(file, commit[0].1, store),
            (Self::File(_), Some(_)) => {
                // The public hub sends small files through such a relative redirect.
                let location =
                    format!("/api/resolve-cache/models/{}/{}/{name}", repository.id, repository.commit);
                Answer::new(307, &[("Location", &location)], Vec::new())
            }
            (Self::CachedFile(_), Some(file)) => {
                Answer::file(file, request, &[commit[0], ("ETag", &format!("\"{}\"", file.etag()))])
            }
        }
    }
}

fn sent_to_store(file: &RepositoryFile, commit: &str, store: &str) -> Answer {
    let headers = [
        ("X-Repo-Commit", commit),
        ("X-Linked-Etag", &format!("\"{}\"", file.etag())),
        ("X-Linked-Size", &file.content.len().to_string()),
        ("Location", &format!("{store}/store/{}?signature=secret", file.etag())),
    ];
    Answer::new(302, &headers, b"Found. Redirecting".to_vec())
}

fn spoil(answer: &mut Answer, fault: Fault, request: &Asked, shared: &Shared) {
    match fault {
        Fault::CutAfter(bytes) => answer.sent = Some(bytes),
        Fault::WholeInstead => {
            let plain = Asked { headers: HashMap::new(), ..request.clone() };
            *answer = if request.is_store { from_store(shared, &plain) } else { from_hub(shared, &plain) };
        }
        Fault::WrongPart => {
            answer.body.remove(0);
            answer.announce();
            let range = answer.headers.iter().find(|(name, _)| name == "Content-Range").unwrap().1.clone();
            let start = range_start(request);
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
            *answer = Answer::new(status, &[], body.into_bytes());
            headers.iter().for_each(|(name, value)| answer.set(name, value));
        }
        Fault::Header(name, value) => answer.set(name, &value),
        Fault::NoHeader(name) => answer.remove(name),
        Fault::Held(release) => release.recv().unwrap(),
    }
}
