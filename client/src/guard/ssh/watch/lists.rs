//! The list of revoked certificates, put in place beside everything else: no session waits for a disk
//! to end. Whoever logs in meanwhile rings here, and what is over is refused by what was heard.

use std::path::PathBuf;

use tokio::task::JoinSet;

use crate::{
    error::Error,
    guard::ssh::krl::{self, Kept},
    output::Printer,
};

/// Lists on their way to the disk: one at a time, since each is held against the one in place.
pub(super) struct Lists {
    /// `None` where sshd goes by none.
    path: Option<PathBuf>,
    writing: JoinSet<Result<Kept, Error>>,
    /// The newest that came meanwhile; those between do not matter.
    next: Option<Vec<u8>>,
}

impl Lists {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            writing: JoinSet::new(),
            next: None,
        }
    }

    /// Puts a list in place, as soon as the one before it is.
    pub(super) fn take(&mut self, list: Vec<u8>) {
        self.next = Some(list);
        self.write();
    }

    fn write(&mut self) {
        let Some(path) = self.path.clone().filter(|_| self.writing.is_empty()) else {
            return;
        };
        if let Some(list) = self.next.take() {
            self.writing.spawn_blocking(move || krl::keep(&path, &list));
        }
    }

    /// Until one is in place, or cannot be. Never where none is on its way. Safe to cancel.
    pub(super) async fn kept(&mut self) -> Option<Result<Kept, Error>> {
        super::next(&mut self.writing).await
    }

    /// Takes note of what became of one.
    pub(super) fn note(&mut self, kept: Result<Kept, Error>, printer: &Printer) {
        match (kept, &self.path) {
            (Ok(Kept::Older), Some(path)) => printer.warn(format!(
                "the broker sent a list of revoked certificates that is older than {}, which is \
                 kept; if the broker was set up anew, delete that file",
                path.display()
            )),
            (Ok(_), _) => {}
            (Err(why), _) => printer.warn(why),
        }
        self.write();
    }

    /// Puts in place what is left.
    pub(super) async fn finish(&mut self, printer: &Printer) {
        while let Some(kept) = self.writing.join_next().await {
            if let Ok(kept) = kept {
                self.note(kept, printer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::output::Format;

    fn list(number: u64) -> Vec<u8> {
        let mut list = b"SSHKRL\n\0\0\0\0\x01".to_vec();
        list.extend(number.to_be_bytes());
        list.extend(100_u64.to_be_bytes());
        list
    }

    #[tokio::test]
    async fn the_newest_of_many_is_in_place_in_the_end_and_an_older_one_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        let said = Arc::default();
        let printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::clone(&said));
        let mut lists = Lists::new(Some(path.clone()));
        (1..=50).for_each(|number| lists.take(list(number)));
        lists.finish(&printer).await;
        assert_eq!(std::fs::read(&path).unwrap(), list(50));
        lists.take(list(7));
        lists.finish(&printer).await;
        assert_eq!(std::fs::read(&path).unwrap(), list(50));
        let said = String::from_utf8(said.lock().unwrap().clone()).unwrap();
        assert_eq!(said.matches("is older than").count(), 1, "{said}");
        assert!(said.contains("delete that file"), "{said}");
    }

    #[tokio::test]
    async fn where_sshd_goes_by_none_there_is_nothing_to_wait_for() {
        let printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
        let mut lists = Lists::new(None);
        lists.take(list(1));
        lists.finish(&printer).await;
        assert!(lists.writing.is_empty());
    }
}
