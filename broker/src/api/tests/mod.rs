//! The whole way, over TLS on loopback, with tonic's own client.

mod calls;
mod house;
mod streams;
