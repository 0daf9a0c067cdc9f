//! What breakglass does, told as stories: a real broker over real TLS, the real client library, and
//! a clock that is held.

mod main_job;
