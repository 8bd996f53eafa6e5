//! Writing files so that they are whole and still there after a power cut.

use std::{fs::File, io, path::Path};

/// Flushes the folder in which `path` stands, so that a new or renamed entry survives a power cut.
///
/// # Errors
/// Where the folder cannot be opened or flushed.
#[cfg(unix)]
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Folders cannot be flushed here; the file system orders their entries itself.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}
