//! Files that freeze what people read. `GLASS_GOLDEN=write` writes them anew: look at the diff.

use std::fs;
use std::path::PathBuf;

/// Compares a text with its golden file.
pub(crate) fn holds(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    if std::env::var_os("GLASS_GOLDEN").is_some_and(|value| value == "write") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(&path, text).expect("the golden file is written");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    if golden == text {
        return;
    }
    let mut lines = golden.lines().zip(text.lines()).enumerate();
    let differs = lines.find(|(_, (old, new))| old != new);
    let (at, (old, new)) = differs.unwrap_or((0, ("(another length)", "")));
    panic!(
        "golden/{name} differs at line {}:\n  was: {old}\n  now: {new}\nIf it is meant: \
         GLASS_GOLDEN=write cargo nextest run -p breakglass-tests --test cli\n--- now\n{text}",
        at + 1
    );
}
