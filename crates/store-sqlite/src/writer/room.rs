//! Room at the end of the log, for the commits to come.
//!
//! A commit that makes its file longer takes almost twice as long to flush as one that does not: the file system has to
//! write down, too, where the new part of the file lies. So the log is made longer by a larger piece now and then.
//!
//! **Invariant:** zeros are appended and nothing else, so that nothing is written over. To SQLite they are what stands
//! behind the last commit in a log that is used again: no frame.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// The least that is added.
const PIECE: usize = 64 * 1024;

/// The most that is added, in pieces. Until then the log is doubled, so that a short one takes little room.
const PIECES_MAX: u64 = 16;

static ZEROS: [u8; PIECE] = [0; PIECE];

/// The log beside the store, and how much of it was made beforehand.
#[derive(Debug)]
pub(super) struct Room {
    path: PathBuf,
    file: Option<File>,
    /// The length that the log had when it was last looked at. Commits that find room do not change it.
    len: u64,
}

impl Room {
    pub(super) fn new(store: &Path) -> Self {
        Self { path: crate::lock::beside(store, "-wal"), file: None, len: 0 }
    }

    /// Makes room, if there was none left for the last commit.
    pub(super) fn make(&mut self) {
        // It saves time and is needed for nothing: on a full disk, for instance, there is none.
        if let Err(error) = self.try_make() {
            tracing::debug!(%error, "there is no room ahead in the log");
        }
    }

    /// The length is told by a seek: asking for the file's metadata would have Linux (since 6.13) note a new time at the
    /// next write, and each flush write that down too.
    fn try_make(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(it) => it,
            none => none.insert(OpenOptions::new().append(true).open(&self.path)?),
        };
        let len = file.seek(SeekFrom::End(0))?;
        if len > self.len {
            for _ in 0..(len / PIECE as u64).clamp(1, PIECES_MAX) {
                file.write_all(&ZEROS)?;
            }
        }
        self.len = file.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn room_is_made_when_there_was_none_left_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log) = (folder.path().join("store.db"), folder.path().join("store.db-wal"));
        let mut room = Room::new(&store);
        room.make();
        assert!(!log.exists(), "where there is no log it makes none");
        let piece = PIECE as u64;
        let len = || fs::metadata(&log).unwrap().len();
        let grow_to = |len: u64| OpenOptions::new().append(true).open(&log).unwrap().set_len(len).unwrap();
        fs::write(&log, [7; 100]).unwrap();
        for _ in 0..2 {
            room.make();
            assert_eq!(len(), 100 + piece);
        }
        assert_eq!(fs::read(&log).unwrap()[..101], [[7; 100].as_slice(), &[0]].concat());
        grow_to(3 * piece + 1);
        room.make();
        assert_eq!(len(), 6 * piece + 1, "it is doubled");
        grow_to(100 * piece);
        room.make();
        assert_eq!(len(), (100 + PIECES_MAX) * piece);
        // A log that SQLite has cut is made longer again only by who needs it.
        grow_to(piece);
        room.make();
        assert_eq!(len(), piece);
    }
}
