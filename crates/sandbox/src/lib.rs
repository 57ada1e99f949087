//! A small real chat service with its own OAuth server.
