//! A folder as a backup has it, and puts it back.

use std::path::Path;
use std::process::Command;

/// Copies a file, or a folder with all that is in it, to where nothing is yet.
///
/// # Panics
/// Where it cannot be copied.
#[expect(clippy::expect_used, reason = "a test cannot go on without it")]
pub fn copied(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.expect("cp is there").success(), "{}", from.display());
}
