//! A hub on the loopback: one port that knows repositories, one that stores large files, and faults on demand.

use std::sync::{Arc, Mutex};

use crate::http::{Answer, Asked, Fault, Log, Server};
use crate::repository::{Repository, RepositoryFile};

/// A hub with its store. It serves until the test's process ends.
pub(crate) struct FakeHub {
    pub(crate) endpoint: String,
    hub: Server,
    repositories: Repositories,
}

type Repositories = Arc<Mutex<Vec<Repository>>>;

impl FakeHub {
    /// A hub that has these repositories.
    pub(crate) fn start(repositories: impl IntoIterator<Item = Repository>) -> Self {
        let repositories: Repositories = Arc::new(Mutex::new(repositories.into_iter().collect()));
        let log: Arc<Log> = Arc::default();
        let [known, stored] = [(); 2].map(|()| Arc::clone(&repositories));
        let store =
            Server::with_log(Arc::clone(&log), true, move |asked| from_store(&stored.lock().unwrap(), asked));
        let hub = Server::with_log(log, false, move |asked| {
            from_hub(&known.lock().unwrap(), asked, &store.address)
        });
        Self { endpoint: hub.address.clone(), hub, repositories }
    }

    /// The next answer to a request whose `METHOD path` ends so has this fault.
    pub(crate) fn fails(&self, request: &str, fault: Fault) {
        self.hub.fails(request, fault);
    }

    /// Puts another commit in a repository's place.
    pub(crate) fn replaces(&self, repository: Repository) {
        let mut repositories = self.repositories.lock().unwrap();
        repositories.retain(|old| old.id != repository.id);
        repositories.push(repository);
    }

    /// What has been asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.hub.asked()
    }
}

fn from_store(repositories: &[Repository], request: &Asked) -> Answer {
    let mut files = repositories.iter().flat_map(|repository| &repository.files);
    match files.find(|file| request.path() == format!("/store/{}", file.etag())) {
        Some(file) => Answer::file(request, &file.content, &[("ETag", "\"the-store's-own\"")]),
        None => Answer::new(404, &[], Vec::new()),
    }
}

fn from_hub(repositories: &[Repository], request: &Asked, store: &str) -> Answer {
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
        Some((repository, asking)) => asking.answer(repository, request, store),
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
                Answer::file(request, &file.content, &[commit[0], ("ETag", &format!("\"{}\"", file.etag()))])
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
