//! What the broker changes in other systems, and takes back: a role in a database.
//!
//! Whoever calls has recorded that it begins and records how it went; what fails is tried again for
//! ever. So everything here may be called again, whatever became of it before: what is
//! gone already is gone.

pub mod postgres;
