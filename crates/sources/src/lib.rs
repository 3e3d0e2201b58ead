//! Files of object stores and web servers, in a cache on this machine.
