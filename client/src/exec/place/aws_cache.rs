//! What the AWS CLI leaves behind: it keeps the keys of a role it took in `~/.aws/cli/cache`, on a
//! disk, for as long as AWS takes them, an hour. No setting of it turns that off.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;
use serde_json::Value;

/// Its folder within the home.
const CACHE: &str = ".aws/cli/cache";

/// Bytes of the largest file looked at; theirs have two kilobytes.
const FILE_MAX: u64 = 64 * 1024;

/// Files looked at; nobody takes more roles.
const FILES_MAX: usize = 1_000;

/// Removes what was kept for a session, and answers how many files that were. Best effort: what
/// cannot be read is somebody else's.
///
/// # Errors
/// What the system says about the first file that is of the session and cannot be removed.
pub fn forget(home: &Path, session_name: &str) -> io::Result<usize> {
    let Ok(files) = fs::read_dir(home.join(CACHE)) else {
        return Ok(0);
    };
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let (mut forgotten, mut failed) = (0, Ok(()));
    for path in paths
        .take(FILES_MAX)
        .filter(|path| is_of(path, session_name))
    {
        match remove(&path) {
            Ok(()) => forgotten += 1,
            Err(why) => failed = failed.and(Err(why)),
        }
    }
    failed.map(|()| forgotten)
}

/// Whether a file of the cache holds the keys of this session.
fn is_of(path: &Path, session_name: &str) -> bool {
    let mut text = Vec::new();
    let read = open(path, false).and_then(|file| file.take(FILE_MAX).read_to_end(&mut text));
    let kept: Option<Value> = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    let arn = kept
        .as_ref()
        .and_then(|kept| kept["AssumedRoleUser"]["Arn"].as_str());
    arn.and_then(|arn| arn.rsplit('/').next()) == Some(session_name)
}

/// Overwrites it where it has no other name, then removes it.
fn remove(path: &Path) -> io::Result<()> {
    let mut file = open(path, true)?;
    let about = file.metadata()?;
    if about.nlink() == 1 {
        let length = usize::try_from(about.len().min(FILE_MAX)).unwrap_or(0);
        file.write_all(&vec![b' '; length])?;
        file.sync_data()?;
    }
    fs::remove_file(path)
}

fn open(path: &Path, write: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    // Both fit: they are flags of open(2).
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(flags)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_the_session_are_removed() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(forget(home.path(), "mia@G-45").unwrap(), 0);
        let cache = home.path().join(CACHE);
        fs::create_dir_all(&cache).unwrap();
        let write = |name: &str, text: &str| fs::write(cache.join(name), text).unwrap();
        let of = |session: &str| {
            format!(
                r#"{{"Credentials":{{"AccessKeyId":"A"}},"AssumedRoleUser":{{"AssumedRoleId":"X:{session}",
                   "Arn":"arn:aws:sts::123456789012:assumed-role/x/{session}"}}}}"#
            )
        };
        write("mine.json", &of("mia@G-45"));
        write("another.json", &of("mia@G-4"));
        write("longer.json", &of("leonmia@G-45"));
        write("broken.json", "mia@G-45");
        write("other.json", "[]");
        fs::hard_link(cache.join("mine.json"), home.path().join("link")).unwrap();
        std::os::unix::fs::symlink(home.path().join("link"), cache.join("led.json")).unwrap();
        assert_eq!(forget(home.path(), "mia@G-45").unwrap(), 1);
        let mut left: Vec<_> = fs::read_dir(&cache)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let kept = [
            "another.json",
            "broken.json",
            "led.json",
            "longer.json",
            "other.json",
        ];
        assert_eq!(left, kept);
        assert_eq!(
            fs::read_to_string(home.path().join("link")).unwrap(),
            of("mia@G-45")
        );
    }
}
