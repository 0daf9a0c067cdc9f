//! Room on the disk, kept aside so that endings can still be written when it is full.

use super::place::Place;
use super::shape::Shape;
use crate::ports::Room;

/// A file that does nothing but take space, until the space is needed.
pub(super) struct Reserve {
    bytes: u64,
    free_low: u64,
    there: bool,
}

impl Reserve {
    /// Makes the reserve if there is none and the disk has room; else only endings are written.
    pub(super) fn keep(place: &Place, shape: &Shape) -> Self {
        let found = place.disk.list(&place.dir);
        let mut reserve = Self {
            bytes: shape.reserve_bytes,
            free_low: shape.free_low,
            there: found.is_ok_and(|names| names.iter().any(|name| name == "reserve")),
        };
        reserve.refill(place);
        reserve
    }

    /// Makes it again once the disk has room for it and more.
    pub(super) fn refill(&mut self, place: &Place) {
        if self.there || free(place) < self.free_low.saturating_add(self.bytes) {
            return;
        }
        match place.disk.allocate(&place.reserve(), self.bytes) {
            Ok(()) => self.there = true,
            Err(error) => {
                tracing::warn!(%error, "no room could be set aside for endings");
                // What of it is there would only be in the way.
                let _ = place.disk.remove(&place.reserve());
            }
        }
    }

    /// Gives the space back: the disk is full, and an ending has to be written.
    pub(super) fn spend(&mut self, place: &Place) {
        match place.disk.remove(&place.reserve()) {
            Ok(()) => self.there = false,
            Err(error) => tracing::error!(%error, "the reserve cannot be given back"),
        }
    }

    pub(super) fn room(&self, place: &Place) -> Room {
        if self.there && free(place) >= self.free_low {
            Room::Plenty
        } else {
            Room::EndingsOnly
        }
    }
}

/// Where the disk does not say how much is free, the next write will.
fn free(place: &Place) -> u64 {
    place.disk.free(&place.dir).unwrap_or(u64::MAX)
}
