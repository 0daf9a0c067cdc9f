//! Guards: what runs beside a target, lets in who has a live grant, and cuts who has none any more.

pub mod http;
#[cfg(target_os = "linux")]
pub mod ssh;
