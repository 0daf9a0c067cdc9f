//! How many places each caller has at once. How often one may call is [`Rate`](crate::listen::Rate).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use breakglass_domain::Actor;

use super::error::Error;
use crate::listen::TooOften;

impl From<TooOften> for Error {
    fn from(too_often: TooOften) -> Self {
        let limit = format!("at most {} a second in the long run", too_often.per_second);
        let what = "calls";
        Self::TooMany { what, limit }
    }
}

/// How many places each caller has taken, of those they may have at once.
#[derive(Debug)]
pub(super) struct AtOnce<K = Actor> {
    most: usize,
    what: &'static str,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<K: Hash + Eq = Actor> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    who: K,
}

impl<K: Hash + Eq + Clone> AtOnce<K> {
    /// `what` goes on from "too many", for who is refused.
    pub(super) fn new(most: usize, what: &'static str) -> Self {
        let taken = Arc::default();
        Self { most, what, taken }
    }

    /// One more, until it is dropped.
    pub(super) fn take(&self, who: &K) -> Result<Place<K>, Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(who).copied().unwrap_or(0);
        if count >= self.most {
            let limit = format!("at most {}", self.most);
            let what = self.what;
            return Err(Error::TooMany { what, limit });
        }
        taken.insert(who.clone(), count + 1);
        Ok(Place {
            taken: Arc::clone(&self.taken),
            who: who.clone(),
        })
    }
}

impl<K> Clone for AtOnce<K> {
    fn clone(&self) -> Self {
        Self {
            taken: Arc::clone(&self.taken),
            ..*self
        }
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.who) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.who)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_left_is_free_and_nothing_is_remembered() {
        let streams = AtOnce::new(2, "open streams of one person");
        let (first, _second) = (streams.take(&"mia").unwrap(), streams.take(&"mia").unwrap());
        let refused = streams.take(&"mia").unwrap_err().to_string();
        assert_eq!(refused, "too many open streams of one person: at most 2");
        streams.take(&"leon").unwrap();
        drop(first);
        streams.take(&"mia").unwrap();
        assert_eq!(streams.taken.lock().unwrap().len(), 1);
    }
}
