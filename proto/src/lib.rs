//! What broker and client agree on: the gRPC contract generated from `breakglass/v1/*.proto`,
//! the [statement](statement::Statement) a person signs, and the [tick](tick::Tick) guards live by.

pub mod statement;
pub mod tick;

/// The generated messages, clients and servers of package `breakglass.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod v1 {
    tonic::include_proto!("breakglass.v1");
}

/// The serialized `FileDescriptorSet` of the contract, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! redact {
    ($($message:ident),*) => {$(
        /// Says only its name: what it holds is a secret.
        impl std::fmt::Debug for v1::$message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($message)).finish_non_exhaustive()
            }
        }
    )*};
}
redact!(
    Credential,
    EnrollRequest,
    InvitePersonResponse,
    InviteTargetResponse
);
