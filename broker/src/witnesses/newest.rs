//! The newest checkpoint there is, and the newest that enough witnesses have signed.

use std::sync::Arc;

use breakglass_tlog::SignedCheckpoint;
use breakglass_tlog::cosigned::Cosigned;
use tokio::sync::watch;

use crate::ports::{Later, Projection, Recorded, Witnesses};

/// Hears of every commit; only the newest counts.
#[derive(Debug)]
pub struct Committed(watch::Sender<Arc<SignedCheckpoint>>);

impl Committed {
    /// As of now.
    #[must_use]
    pub fn new(checkpoint: Arc<SignedCheckpoint>) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(checkpoint)))
    }

    /// For whoever waits for the next.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<SignedCheckpoint>> {
        self.0.subscribe()
    }
}

impl Projection for Committed {
    fn committed(&self, _: &[Recorded], checkpoint: &Arc<SignedCheckpoint>) {
        self.0.send_replace(Arc::clone(checkpoint));
    }
}

/// The newest that enough of them have signed, as far as is known here.
#[derive(Debug, Default)]
pub struct Newest(watch::Sender<Option<Arc<Cosigned>>>);

impl Newest {
    /// None yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// That one from now on; nothing where those before it no longer count.
    pub(super) fn set(&self, cosigned: Option<Arc<Cosigned>>) {
        self.0.send_replace(cosigned);
    }

    /// Entries in it; 0 where there is none.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.borrow().as_ref().map_or(0, |newest| newest.size())
    }

    /// A checkpoint with the signatures of witnesses, where it is that of which they are known.
    #[must_use]
    pub fn with_signatures(&self, note: &str) -> Option<String> {
        let (text, _) = note.rsplit_once("\n\n")?;
        let newest = self.0.borrow().clone()?;
        let (cosigned, _) = newest.note().rsplit_once("\n\n")?;
        (text == cosigned).then(|| newest.note().to_owned())
    }
}

impl Witnesses for Newest {
    fn newest(&self) -> Option<Arc<Cosigned>> {
        self.0.borrow().clone()
    }

    fn reached(&self, size: u64) -> Later<'_, Arc<Cosigned>> {
        let mut newest = self.0.subscribe();
        Box::pin(async move {
            let enough =
                |it: &Option<Arc<Cosigned>>| it.as_ref().is_some_and(|it| it.size() >= size);
            let found = match newest.wait_for(enough).await {
                Ok(found) => found.clone(),
                Err(_) => None,
            };
            match found {
                Some(cosigned) => cosigned,
                // The sender is `self`, which is borrowed for as long as this waits.
                None => std::future::pending().await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::cosigned::Quorum;
    use breakglass_tlog::{
        Checkpoint, CosignatureSigner, Ed25519Signer, Hash, KeyName, NoteSigner as _,
    };

    use super::*;

    fn signed(size: u64) -> (String, Cosigned) {
        let key = Ed25519Signer::from_seed(KeyName::parse("a/ledger").unwrap(), &[7; 32]).unwrap();
        let witness = KeyName::parse("w/otto").unwrap();
        let witness = CosignatureSigner::from_seed(witness, &[9; 32]).unwrap();
        let head = Checkpoint::new("a/ledger", size, Hash::of_leaf(b"x")).unwrap();
        let note = SignedCheckpoint::sign(&head, &key)
            .unwrap()
            .note()
            .to_owned();
        let line = witness.cosign(&head.to_string(), 1).unwrap();
        let quorum = Quorum::new(1, vec![witness.verifier().clone()]).unwrap();
        let cosigned = Cosigned::verify(&format!("{note}{line}\n"), key.verifier(), &quorum);
        (note, cosigned.unwrap())
    }

    #[test]
    fn what_is_published_bears_what_witnesses_signed_of_that_very_size() {
        let newest = Newest::new();
        let (note, cosigned) = signed(3);
        assert_eq!((newest.size(), newest.with_signatures(&note)), (0, None));
        newest.set(Some(Arc::new(cosigned.clone())));
        assert_eq!(
            newest.with_signatures(&note).as_deref(),
            Some(cosigned.note())
        );
        assert_eq!(newest.with_signatures(&signed(4).0), None);
        assert_eq!(newest.with_signatures("no note"), None);
    }

    #[tokio::test]
    async fn who_waits_hears_of_the_first_that_is_large_enough() {
        let newest = Newest::new();
        let waiting = newest.reached(5);
        newest.set(Some(Arc::new(signed(4).1)));
        newest.set(Some(Arc::new(signed(6).1)));
        assert_eq!(waiting.await.size(), 6);
    }
}
