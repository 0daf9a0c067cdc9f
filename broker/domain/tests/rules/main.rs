//! The rules, told as stories: one file a subject; `lists` tries random lists of commands against an
//! auditor who believes nothing but the events.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod access_review;
mod acts;
mod alerts;
mod alone;
mod approving;
mod asking;
mod auditor;
mod budgets;
mod calling;
mod clock;
mod credentials;
mod deliveries;
mod drills;
mod due;
mod ending;
mod escalating;
mod extending;
mod folding;
mod guards;
mod handing_over;
mod incidents;
mod late;
mod lists;
mod people;
mod policy;
mod restoring;
mod reviews;
mod self_granting;
mod statements;
mod steps;
mod streams;
mod targets;
mod vetoing;
mod witnessing;
mod world;
