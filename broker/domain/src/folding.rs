//! Refusals that repeat become one entry with a count, so that nobody known can fill the ledger.
