//! The interface to remote files and their copies in the cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_web::{Lock, Patience, Pause};

use crate::access::Access;
use crate::asking::Asking;
use crate::client::Client;
use crate::connector::Connector;
use crate::error::{Result, SourceError};
use crate::fetch::Fetch;
use crate::held::Held;
use crate::listing::{self, Listing, Object};
use crate::place;
use crate::progress::{Event, Observer};
use crate::remote::Remote;
use crate::root::Root;
use crate::settings::Settings;

/// How often an address is listed anew because a file changed while it was read.
const LISTINGS: usize = 3;

/// A choice among the files of an address, by their names below its folder.
pub type Wanted<'a> = &'a dyn Fn(&str) -> bool;

/// What an address holds, as local files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder that the files lie in under their remote names, possibly among others.
    pub folder: PathBuf,
    /// The files that were wanted, in the order of their names.
    pub files: Vec<RemoteFile>,
    /// The number of other files of the address, by their extension in lower case.
    pub passed_over: BTreeMap<String, u64>,
}

/// One file of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// The path below the folder, with forward slashes.
    pub relative: String,
    /// The size in bytes.
    pub size: u64,
    /// The generation, ETag or date of the content.
    pub version: String,
}

/// Remote files, and the cache on this machine.
pub struct Sources {
    settings: Settings,
    client: Client,
    connector: Connector,
    patience: Patience,
}

impl Sources {
    /// Returns the sources as this process's environment describes them.
    ///
    /// # Errors
    ///
    /// When [`Settings::from_env`] or [`new`](Self::new) fails.
    pub fn from_env() -> Result<Self> {
        Self::new(Settings::from_env()?)
    }

    /// Makes sources from settings. Nothing is asked or written yet.
    ///
    /// # Errors
    ///
    /// For an impossible proxy, and for certificates that cannot be read.
    pub fn new(settings: Settings) -> Result<Self> {
        let connector = Connector { secure: settings.secure.agent()?, plain: settings.plain.agent()? };
        let client = Client::new(connector.clone());
        Ok(Self { settings, client, connector, patience: Patience::default() })
    }

    /// Replaces the way in which the sources wait between tries, for tests.
    #[must_use]
    pub fn with_pause(self, pause: Pause) -> Self {
        Self { patience: Patience::new(pause), ..self }
    }

    /// Brings the wanted files of an address into the cache. Only those that are missing or have changed are fetched;
    /// in offline mode, nothing is asked and [`held`] answers.
    ///
    /// # Errors
    ///
    /// Returns any variant of [`SourceError`]. After [`Interrupted`](SourceError::Interrupted),
    /// [`Stopped`](SourceError::Stopped) or a full disk, the next fetch continues where this one ended.
    pub fn fetch(
        &self,
        remote: &Remote,
        access: &Access,
        wanted: Wanted<'_>,
        observer: &dyn Observer,
    ) -> Result<Fetched> {
        if self.settings.offline {
            return held(&self.settings, remote, access, wanted);
        }
        let root = root(&self.settings, remote, access);
        let place = place::place(&self.settings, remote, access, &self.connector)?;
        root.create()?;
        let _lock = self.lock(&root, remote, observer)?;
        let asking = Asking { client: &self.client, place: &*place, patience: &self.patience, observer };
        let mut listings = 1;
        loop {
            let listing = listing::list(&asking, remote)?;
            match self.take(&root, remote, asking, &listing, wanted) {
                Err(error) if has_changed(&error) && listings < LISTINGS => listings += 1,
                Err(error) => return Err(error),
                Ok(fetched) => {
                    root.write_listing(remote, &listing)?;
                    return Ok(fetched);
                }
            }
        }
    }

    /// Waits until no other process is fetching from the same bucket or host.
    fn lock(&self, root: &Root, remote: &Remote, observer: &dyn Observer) -> Result<Lock> {
        let mut is_told = false;
        loop {
            if let Some(lock) = Lock::try_take(&root.lock())? {
                return Ok(lock);
            }
            if !is_told {
                observer.report(Event::Waiting { address: &remote.to_string() });
                is_told = true;
            }
            self.patience.moment(&|| observer.is_interrupted())?;
        }
    }

    /// Fetches what is missing of a listing.
    fn take(
        &self,
        root: &Root,
        remote: &Remote,
        asking: Asking<'_>,
        listing: &Listing,
        wanted: Wanted<'_>,
    ) -> Result<Fetched> {
        let chosen = Chosen::new(remote, listing, wanted)?;
        chosen.check_case(root)?;
        let held = Held::read(&root.held())?;
        let missing = chosen.missing(root, &held);
        if !missing.is_empty() {
            Fetch { asking, root, remote, folder: &listing.folder, held: &held }.run(&missing)?;
            held.tidy()?;
        }
        Ok(chosen.fetched(root))
    }
}

/// Finds the wanted files of an address in the cache, as they were when the address was last listed. The network is not
/// used.
///
/// # Errors
///
/// [`SourceError::NotListed`] or [`SourceError::NotHeld`] if something is missing.
pub fn held(settings: &Settings, remote: &Remote, access: &Access, wanted: Wanted<'_>) -> Result<Fetched> {
    let root = root(settings, remote, access);
    let unknown = || SourceError::NotListed { address: remote.to_string() };
    let listing = root.listing(remote).ok_or_else(unknown)?;
    let chosen = Chosen::new(remote, &listing, wanted)?;
    let held = Held::read(&root.held())?;
    let missing = chosen.missing(&root, &held);
    match missing.is_empty() {
        true => Ok(chosen.fetched(&root)),
        false => Err(SourceError::NotHeld {
            address: remote.to_string(),
            missing: missing.len() as u64,
            names: missing.iter().take(10).map(|object| object.name.clone()).collect(),
        }),
    }
}

fn root(settings: &Settings, remote: &Remote, access: &Access) -> Root {
    Root::new(&settings.cache, remote, place::endpoint(settings, remote, access))
}

fn has_changed(error: &SourceError) -> bool {
    // A store that keeps no former versions calls them absent.
    matches!(error, SourceError::Changed { .. } | SourceError::Absent { .. })
}

/// The wanted files of a listing.
struct Chosen<'a> {
    remote: &'a Remote,
    folder: &'a str,
    objects: Vec<&'a Object>,
    passed_over: BTreeMap<String, u64>,
}

impl<'a> Chosen<'a> {
    fn new(remote: &'a Remote, listing: &'a Listing, wanted: Wanted<'_>) -> Result<Self> {
        let (objects, others): (Vec<&Object>, Vec<&Object>) =
            listing.objects.iter().partition(|object| wanted(&object.name));
        listing::check_names(remote, &objects)?;
        let mut passed_over = BTreeMap::new();
        for object in others {
            let extension = Path::new(&object.name).extension().unwrap_or_default().to_string_lossy();
            *passed_over.entry(extension.to_lowercase()).or_default() += 1;
        }
        Ok(Self { remote, folder: &listing.folder, objects, passed_over })
    }

    /// Refuses names that differ only in case where the cache's file system takes them for one.
    fn check_case(&self, root: &Root) -> Result<()> {
        let Some(name) = listing::alike(&self.objects) else { return Ok(()) };
        // Both names of the lock are there only if the file system does not tell them apart.
        match root.lock().with_file_name("LOCK").exists() {
            true => Err(SourceError::Name {
                address: self.remote.to_string(),
                name: name.to_owned(),
                reason: "another one differs only in case, which the cache's file system does not see",
            }),
            false => Ok(()),
        }
    }

    fn missing(&self, root: &Root, held: &Held) -> Vec<&'a Object> {
        let files = root.files();
        let is_held = |object: &Object| {
            let name = path_in(self.folder, &object.name);
            held.has(&name, object, &files.join(&name))
        };
        self.objects.iter().copied().filter(|object| !is_held(object)).collect()
    }

    fn fetched(self, root: &Root) -> Fetched {
        let file = |object: &Object| RemoteFile {
            relative: object.name.clone(),
            size: object.size,
            version: object.version.clone(),
        };
        Fetched {
            folder: root.files().join(self.folder),
            files: self.objects.into_iter().map(file).collect(),
            passed_over: self.passed_over,
        }
    }
}

/// Returns the path of a file of a folder below the copy's files.
pub(crate) fn path_in(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
