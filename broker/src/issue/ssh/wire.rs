//! How SSH writes things down (RFC 4251 section 5): just what certificates and revocation lists need.

/// Bytes in the making; each call adds one field.
#[derive(Default)]
pub(super) struct Wire(Vec<u8>);

impl Wire {
    /// Bytes as they are.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// `byte`.
    pub(super) fn byte(self, value: u8) -> Self {
        self.raw(&[value])
    }

    /// `uint32`.
    pub(super) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// `uint64`.
    pub(super) fn u64(self, value: u64) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// `string`: its length, then its bytes.
    pub(super) fn string(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        // What we write is a few KiB, and a revocation list 21 bytes for each range.
        let length = u32::try_from(bytes.len()).expect("far below 4 GiB");
        self.u32(length).raw(bytes)
    }

    /// All of it.
    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Takes one `string` off the front; `None` where the bytes end before it does.
pub(super) fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (string, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_as_the_rfc_shows_them() {
        // RFC 4251 section 5, the example for `string`.
        let wire = Wire::default().string("testing").done();
        assert_eq!(wire, b"\0\0\0\x07testing");
        let wire = Wire::default().byte(1).u32(2).u64(3).raw(b"x").done();
        assert_eq!(wire, b"\x01\0\0\0\x02\0\0\0\0\0\0\0\x03x");
    }

    #[test]
    fn a_string_that_ends_too_early_is_none() {
        let mut rest: &[u8] = b"\0\0\0\x02abc";
        assert_eq!(take_string(&mut rest), Some(&b"ab"[..]));
        assert_eq!(rest, b"c");
        for short in [&b""[..], b"\0\0\0", b"\0\0\0\x01", b"\xff\xff\xff\xffab"] {
            assert_eq!(take_string(&mut &*short), None);
        }
    }
}
