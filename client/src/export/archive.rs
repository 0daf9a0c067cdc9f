//! An export as one file: a tape archive (POSIX.1-1988 ustar) in Zstandard frames (RFC 8878).
//!
//! The same export gives the same bytes: files stand in a fixed order, belong to nobody, and are of the time
//! of the newest entry.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::POLICIES;
use crate::{error::Error, files};

/// Bytes compressed at once, each into a frame of its own: a reader joins frames (RFC 8878 section 3.1), and
/// memory is bounded. Larger ones are no smaller.
const FRAME_BYTES: usize = 4 << 20;

/// A block of a tape archive.
const BLOCK: usize = 512;

/// The largest file that ustar can hold: eleven octal digits.
const LARGEST: u64 = 0o77_777_777_777;

/// Where the archive of a folder goes: beside it, however the folder's name is written.
///
/// # Errors
/// [`Error::Usage`] where it has no name of its own.
pub fn beside(folder: &Path) -> Result<PathBuf, Error> {
    let name = folder.file_name().ok_or_else(|| {
        Error::usage(
            format!("`{}` gives an archive no name", folder.display()),
            "name the folder: glass ledger export --archive ./ledger-2026-11",
        )
    })?;
    let mut name = name.to_owned();
    name.push(".tar.zst");
    Ok(folder.with_file_name(name))
}

/// Writes the archive of a whole export; `name` is the folder in it, `at` the time of everything.
///
/// # Errors
/// [`Error::File`], also where there is such a file already. What was begun is removed.
pub fn write(folder: &Path, archive: &Path, name: &str, at: Timestamp) -> Result<(), Error> {
    let file = files::create_new(archive).map_err(|error| Error::file("create", archive, error))?;
    let written = fill(folder, Frames::into(file), name, at);
    written.map_err(|(path, error)| {
        let _ = std::fs::remove_file(archive); // the failure is what is told
        Error::file("archive", path.unwrap_or_else(|| archive.to_owned()), error)
    })
}

/// What went wrong, and with which file where it was not the archive.
type Failed = (Option<PathBuf>, io::Error);

fn fill(folder: &Path, mut frames: Frames, name: &str, at: Timestamp) -> Result<(), Failed> {
    for path in listed(folder).map_err(|error| (Some(folder.to_owned()), error))? {
        let full = folder.join(&path);
        let of_file = |error| (Some(full.clone()), error);
        let mut file = File::open(&full).map_err(of_file)?;
        let size = file.metadata().map_err(of_file)?.len();
        let inside = format!("{name}/{path}");
        let header = header(&inside, size, at).map_err(of_file)?;
        frames.put(&header).map_err(|error| (None, error))?;
        frames.copy(&mut file, size).map_err(of_file)?;
    }
    // Two empty blocks end an archive.
    frames.put(&[0; 2 * BLOCK]).map_err(|error| (None, error))?;
    frames.finish().map_err(|error| (None, error))
}

/// The files of an export, in order of their names; those of folders behind.
fn listed(folder: &Path) -> io::Result<Vec<String>> {
    let names = |folder: &Path| -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for found in std::fs::read_dir(folder)? {
            let found = found?;
            if found.file_type()?.is_file() {
                names.push(found.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    };
    let mut all = names(folder)?;
    let policies = names(&folder.join(POLICIES))?;
    all.extend(policies.iter().map(|name| format!("{POLICIES}/{name}")));
    Ok(all)
}

/// A file's header (POSIX.1-1988, section 10.1.1).
fn header(path: &str, size: u64, at: Timestamp) -> io::Result<[u8; BLOCK]> {
    if path.len() > 100 || size > LARGEST {
        return Err(io::Error::other(
            "its name or size is more than a tape archive can hold",
        ));
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, format!("{:011o}\0", at.as_second().max(0)).as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// A file that is written frame by frame.
struct Frames {
    file: File,
    waiting: Vec<u8>,
}

impl Frames {
    fn into(file: File) -> Self {
        Self {
            file,
            waiting: Vec::with_capacity(FRAME_BYTES),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(FRAME_BYTES) {
            if self.waiting.len() + part.len() > FRAME_BYTES {
                self.frame()?;
            }
            self.waiting.extend_from_slice(part);
        }
        Ok(())
    }

    /// A file of a size, filled up to whole blocks.
    fn copy(&mut self, file: &mut File, size: u64) -> io::Result<()> {
        let mut left = size;
        let mut buffer = vec![0; 64 << 10];
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = file.read(&mut buffer[..most])?;
            if read == 0 {
                return Err(io::Error::other("it became shorter meanwhile"));
            }
            self.put(&buffer[..read])?;
            left -= read as u64;
        }
        let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        self.put(&vec![0; (BLOCK - over) % BLOCK])
    }

    fn frame(&mut self) -> io::Result<()> {
        let frame = compress_to_vec(self.waiting.as_slice(), CompressionLevel::Fastest);
        self.waiting.clear();
        self.file.write_all(&frame)
    }

    fn finish(mut self) -> io::Result<()> {
        self.frame()?;
        self.file.sync_all()
    }
}
