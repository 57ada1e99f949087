//! The server: everything that is not about one platform.
