//! How SSH writes things down (RFC 4251 section 5): what an agent needs of it.

/// Bytes in the making; each call adds one field.
#[derive(Default)]
pub(crate) struct Wire(Vec<u8>);

impl Wire {
    /// `byte`.
    pub(crate) fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// `uint32`.
    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// `string`: its length, then its bytes.
    pub(crate) fn string(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        // Everything written is a key, a certificate or a signature: a few KiB.
        let mut wire = self.u32(u32::try_from(bytes.len()).expect("far below 4 GiB"));
        wire.0.extend_from_slice(bytes);
        wire
    }

    /// `mpint` of a number that is not negative: no leading zeros but one where the first bit would
    /// be taken for a sign.
    pub(crate) fn mpint(self, big_endian: &[u8]) -> Self {
        let first = big_endian.iter().position(|byte| *byte != 0);
        let number = &big_endian[first.unwrap_or(big_endian.len())..];
        match number.first() {
            Some(first) if *first >= 0x80 => self.string([&[0], number].concat()),
            _ => self.string(number),
        }
    }

    /// All of it.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes that are read from the front; each call answers `None` where they end too early.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// `byte`.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// `uint32`.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// `uint64`.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    /// `string`.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// Whether everything was read.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_as_the_rfc_shows_them() {
        // RFC 4251 section 5, the examples for `mpint` that are not negative.
        for (number, wire) in [
            (&[][..], &b"\0\0\0\0"[..]),
            (&[0, 0], b"\0\0\0\0"),
            (
                b"\x09\xa3\x78\xf9\xb2\xe3\x32\xa7",
                b"\0\0\0\x08\x09\xa3\x78\xf9\xb2\xe3\x32\xa7",
            ),
            (b"\x80", b"\0\0\0\x02\0\x80"),
            (b"\0\0\x80", b"\0\0\0\x02\0\x80"),
            (b"\0\x7f", b"\0\0\0\x01\x7f"),
        ] {
            assert_eq!(Wire::default().mpint(number).done(), wire);
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let wire = Wire::default().byte(7).u32(8).string("nine").done();
        let mut reader = Reader::new(&wire);
        assert_eq!((reader.byte(), reader.u32()), (Some(7), Some(8)));
        assert!(!reader.is_done());
        assert_eq!(reader.string(), Some(&b"nine"[..]));
        assert!(reader.is_done());
        assert_eq!(
            (reader.byte(), reader.u32(), reader.string()),
            (None, None, None)
        );
        assert_eq!(Reader::new(b"\xff\xff\xff\xffab").string(), None);
    }
}
