//! Tiles: how hashes and entries are stored and served (C2SP `tlog-tiles`).
