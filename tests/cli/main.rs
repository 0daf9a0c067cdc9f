//! The real programs as people and scripts use them.

mod main_job;
