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
use crate::held::{Held, Present};
use crate::listing::{self, Listing, Object};
use crate::place;
use crate::progress::{Event, Observer};
use crate::remote::Remote;
use crate::root::Root;
use crate::settings::Settings;
use crate::sparse::{Need, Needs, Sparse};

/// How often an address is listed anew because a file changed while it was read.
const LISTINGS: usize = 3;

/// What is wanted of an address.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    is_wanted: &'a dyn Fn(&str) -> bool,
    needs: Option<Needs<'a>>,
}

impl<'a> Wanted<'a> {
    /// Wants whole files, chosen by their names below the folder of the address.
    pub fn whole(is_wanted: &'a dyn Fn(&str) -> bool) -> Self {
        Self { is_wanted, needs: None }
    }

    /// Wants of these files what they need. A file is fetched whole all the same where most of it is needed, and from
    /// servers that send no parts.
    pub fn parts(is_wanted: &'a dyn Fn(&str) -> bool, needs: Needs<'a>) -> Self {
        Self { is_wanted, needs: Some(needs) }
    }
}

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
        let missing = chosen.missing(root, &held)?;
        if !missing.is_empty() {
            let (folder, needs) = (&listing.folder, wanted.needs);
            let missing: Vec<&Object> = missing.iter().map(|missing| missing.object).collect();
            Fetch { asking, root, remote, folder, held: &held, needs }.run(&missing)?;
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
/// [`SourceError::NotListed`], [`SourceError::NotHeld`] or [`SourceError::PartsHeld`] if something is missing.
pub fn held(settings: &Settings, remote: &Remote, access: &Access, wanted: Wanted<'_>) -> Result<Fetched> {
    let root = root(settings, remote, access);
    let unknown = || SourceError::NotListed { address: remote.to_string() };
    let listing = root.listing(remote).ok_or_else(unknown)?;
    let chosen = Chosen::new(remote, &listing, wanted)?;
    let held = Held::read(&root.held())?;
    let missing = chosen.missing(&root, &held)?;
    if missing.is_empty() {
        return Ok(chosen.fetched(&root));
    }
    let address = remote.to_string();
    let names = missing.iter().take(10).map(|missing| missing.object.name.clone()).collect();
    let (missing, is_in_parts) = (missing.len() as u64, missing.iter().all(|missing| missing.is_in_parts));
    Err(match is_in_parts {
        true => SourceError::PartsHeld { address, missing, names, is_whole_wanted: wanted.needs.is_none() },
        false => SourceError::NotHeld { address, missing, names },
    })
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
    needs: Option<Needs<'a>>,
    passed_over: BTreeMap<String, u64>,
}

/// A file of which something that is needed is not in the cache.
struct Missing<'a> {
    object: &'a Object,
    /// Whether other parts of it are there.
    is_in_parts: bool,
}

impl<'a> Chosen<'a> {
    fn new(remote: &'a Remote, listing: &'a Listing, wanted: Wanted<'a>) -> Result<Self> {
        let (objects, others): (Vec<&Object>, Vec<&Object>) =
            listing.objects.iter().partition(|object| (wanted.is_wanted)(&object.name));
        listing::check_names(remote, &objects)?;
        let mut passed_over = BTreeMap::new();
        for object in others {
            let extension = Path::new(&object.name).extension().unwrap_or_default().to_string_lossy();
            *passed_over.entry(extension.to_lowercase()).or_default() += 1;
        }
        Ok(Self { remote, folder: &listing.folder, objects, needs: wanted.needs, passed_over })
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

    fn missing(&self, root: &Root, held: &Held) -> Result<Vec<Missing<'a>>> {
        let mut missing = Vec::new();
        for object in self.objects.iter().copied() {
            let name = path_in(self.folder, &object.name);
            let path = root.files().join(&name);
            match held.present(&name, object, &path) {
                Some(Present::Whole) => {}
                None => missing.push(Missing { object, is_in_parts: false }),
                Some(Present::Parts(present)) => {
                    if !self.are_enough(&Sparse::parts(&path, present)?)? {
                        missing.push(Missing { object, is_in_parts: true });
                    }
                }
            }
        }
        Ok(missing)
    }

    /// Checks whether the parts of a file that are there are all that is needed of it.
    fn are_enough(&self, file: &Sparse) -> Result<bool> {
        let Some(needs) = self.needs else { return Ok(false) };
        Ok(matches!(needs(file)?, Need::Parts(needed) if file.present().contain(&needed)))
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
