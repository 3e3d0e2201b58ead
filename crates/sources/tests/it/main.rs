//! Fetches from servers on the loopback: ones that fail on purpose, and stand-ins for the stores.

mod access;
mod buckets;
mod cache;
mod server;
mod stand_in;
mod stores;
mod support;
mod web;
