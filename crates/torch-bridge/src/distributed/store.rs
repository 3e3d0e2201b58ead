//! Where processes find each other.

use std::ffi::{CString, c_char};
use std::net::ToSocketAddrs;
use std::ptr::{self, NonNull};
use std::sync::mpsc;
use std::time::Duration;
use std::{slice, thread};

use super::{c_text, milliseconds};
use crate::{Fault, TorchError, check};

/// The C++ side of a key-value store.
#[repr(C)]
pub(super) struct RawStore {
    opaque: [u8; 0],
}

#[repr(C)]
struct RawMeeting {
    host: *const c_char,
    port: u16,
    hosts_store: bool,
    world: usize,
    prefix: *const c_char,
    timeout_ms: i64,
}

/// How much longer than it was told to c10d may take until it gives up.
const GRACE: Duration = Duration::from_secs(5);

unsafe extern "C" {
    fn cliptune_store_meet(meeting: *const RawMeeting, store: *mut *mut RawStore) -> *mut c_char;
    fn cliptune_store_within_process(timeout_ms: i64, store: *mut *mut RawStore) -> *mut c_char;
    fn cliptune_store_port(store: *const RawStore) -> u16;
    fn cliptune_store_set(
        store: *mut RawStore,
        key: *const c_char,
        value: *const u8,
        length: usize,
    ) -> *mut c_char;
    fn cliptune_store_get(
        store: *mut RawStore,
        key: *const c_char,
        timeout_ms: i64,
        value: *mut *mut u8,
        length: *mut usize,
    ) -> *mut c_char;
    fn cliptune_store_add(
        store: *mut RawStore,
        key: *const c_char,
        amount: i64,
        sum: *mut i64,
    ) -> *mut c_char;
    fn cliptune_store_free(store: *mut RawStore);
    fn cliptune_free_value(value: *mut u8);
}

/// Where and how to meet the other processes.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// The host with the store.
    pub host: &'a str,
    /// The port of the store. With 0, the process that hosts it takes a free one.
    pub port: u16,
    /// Whether this process hosts the store. torchrun hosts one itself.
    pub hosts_store: bool,
    /// How many processes there are.
    pub world: usize,
    /// What the keys of these processes start with. A prefix serves one group only: another attempt takes another one, since the
    /// store may still have the addresses of the last.
    pub prefix: &'a str,
    /// How long to wait for the store, and later for the others to join.
    pub timeout: Duration,
}

/// A meeting that another thread can go to.
struct Request {
    host: CString,
    prefix: CString,
    port: u16,
    hosts_store: bool,
    world: usize,
    timeout_ms: i64,
}

impl Request {
    fn new(meeting: &Meeting<'_>) -> Result<Self, TorchError> {
        let Meeting { host, port, hosts_store, world, prefix, timeout } = *meeting;
        let (host, prefix) = (c_text(host)?, c_text(prefix)?);
        Ok(Self { host, prefix, port, hosts_store, world, timeout_ms: milliseconds(timeout) })
    }

    fn meet(&self) -> Result<KeyStore, TorchError> {
        let meeting = RawMeeting {
            host: self.host.as_ptr(),
            port: self.port,
            hosts_store: self.hosts_store,
            world: self.world,
            prefix: self.prefix.as_ptr(),
            timeout_ms: self.timeout_ms,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: the texts outlive the call, which copies them; `raw` is a valid place for a pointer.
        check(unsafe { cliptune_store_meet(&raw const meeting, &raw mut raw) })?;
        KeyStore::of(raw)
    }
}

/// A store of keys and values that all processes of a training reach: c10d's `TCPStore`.
///
/// Where this process hosts it, it stays for as long as this object or a group that was joined with it. A call waits for those of
/// other threads, so that a long [`get`](Self::get) holds them up.
#[derive(Debug)]
pub struct KeyStore {
    raw: NonNull<RawStore>,
}

// SAFETY: c10d's stores have a lock around everything that is sent and received; nothing of it belongs to a thread.
unsafe impl Send for KeyStore {}
// SAFETY: as above.
unsafe impl Sync for KeyStore {}

impl KeyStore {
    /// Connects to the store, or hosts it and connects to it. Does not wait for the other processes.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be reached within the time, with [`Fault::UnknownHost`] where its host has no address;
    /// or cannot be hosted, with [`Fault::AddressInUse`] where the port is not free.
    pub fn meet(meeting: &Meeting<'_>) -> Result<Self, TorchError> {
        let request = Request::new(meeting)?;
        let (sender, receiver) = mpsc::channel();
        // c10d waits without end for an answer from something that listens at the port but is no store. The thread is given up then.
        thread::Builder::new()
            .spawn(move || sender.send(request.meet()))
            .map_err(|error| TorchError::refused(format!("no thread: {error}")))?;
        match receiver.recv_timeout(meeting.timeout.saturating_add(GRACE)) {
            Ok(met) => met.map_err(|error| explain(error, meeting)),
            Err(_) => Err(lost(TorchError::refused("no store answers there"))),
        }
    }

    /// Returns a store for threads of this process, without a network.
    ///
    /// # Errors
    ///
    /// Returns an error when libtorch refuses.
    #[doc(hidden)]
    pub fn within_process(timeout: Duration) -> Result<Self, TorchError> {
        let mut raw = ptr::null_mut();
        // SAFETY: `raw` is a valid place for a pointer.
        check(unsafe { cliptune_store_within_process(milliseconds(timeout), &raw mut raw) })?;
        Self::of(raw)
    }

    fn of(raw: *mut RawStore) -> Result<Self, TorchError> {
        NonNull::new(raw).map(|raw| Self { raw }).ok_or_else(|| TorchError::refused("no store"))
    }

    /// Returns the port of the store.
    pub fn port(&self) -> u16 {
        // SAFETY: the store lives as long as `self`.
        unsafe { cliptune_store_port(self.raw.as_ptr()) }
    }

    /// Sets a value, in the place of an earlier one.
    ///
    /// # Errors
    ///
    /// Returns an error when the store is gone.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), TorchError> {
        let key = c_text(key)?;
        // SAFETY: the store lives as long as `self`; C++ copies the key and the bytes.
        let message =
            unsafe { cliptune_store_set(self.raw.as_ptr(), key.as_ptr(), value.as_ptr(), value.len()) };
        check(message).map_err(lost)
    }

    /// Returns a value, or `None` when there is none within the time.
    ///
    /// # Errors
    ///
    /// Returns an error when the store is gone.
    pub fn get(&self, key: &str, timeout: Duration) -> Result<Option<Vec<u8>>, TorchError> {
        let key = c_text(key)?;
        let (mut value, mut length) = (ptr::null_mut(), 0);
        // SAFETY: the store lives as long as `self`; the places are valid; a value that is not null has `length` bytes, is ours, and
        // is freed once.
        unsafe {
            let (store, timeout) = (self.raw.as_ptr(), milliseconds(timeout));
            check(cliptune_store_get(store, key.as_ptr(), timeout, &raw mut value, &raw mut length))
                .map_err(lost)?;
            if value.is_null() {
                return Ok(None);
            }
            let bytes = slice::from_raw_parts(value, length).to_vec();
            cliptune_free_value(value);
            Ok(Some(bytes))
        }
    }

    /// Adds to a number, which is 0 before the first time, and returns the sum. [`get`](Self::get) returns its decimal digits.
    ///
    /// # Errors
    ///
    /// Returns an error when the store is gone.
    pub fn add(&self, key: &str, amount: i64) -> Result<i64, TorchError> {
        let key = c_text(key)?;
        let mut sum = 0;
        // SAFETY: the store lives as long as `self`; `sum` is a valid place for a number.
        let message = unsafe { cliptune_store_add(self.raw.as_ptr(), key.as_ptr(), amount, &raw mut sum) };
        check(message).map_err(lost).map(|()| sum)
    }

    pub(super) fn as_raw(&self) -> *const RawStore {
        self.raw.as_ptr()
    }
}

impl Drop for KeyStore {
    fn drop(&mut self) {
        // SAFETY: the store is ours and not used afterwards; a group that uses it has its own share of it.
        unsafe { cliptune_store_free(self.raw.as_ptr()) }
    }
}

fn lost(error: TorchError) -> TorchError {
    error.with_fault(Fault::Lost)
}

/// Says why a store could not be reached. c10d has one kind of error for all reasons.
fn explain(error: TorchError, meeting: &Meeting<'_>) -> TorchError {
    if meeting.hosts_store && error.to_string().contains("EADDRINUSE") {
        return error.with_fault(Fault::AddressInUse);
    }
    match (meeting.host, meeting.port).to_socket_addrs() {
        Err(unknown) => {
            TorchError::refused(format!("{}: {unknown}", meeting.host)).with_fault(Fault::UnknownHost)
        }
        Ok(_) => lost(error),
    }
}
