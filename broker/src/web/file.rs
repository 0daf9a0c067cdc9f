//! A file that never changes, whole or a part of it (RFC 9110 section 14).
//!
//! What is small is read at once and its file closed, so that whoever asks and never reads holds nothing
//! but that. What is large goes out a piece at a time, to so many at once.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE,
    RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncSeekExt as _, ReadBuf, Take};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::Stream;

use super::limits::{CHUNK, LARGE_AT_ONCE};

/// Places for large files that are on their way.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_AT_ONCE)))
    }
}

/// Which caches may keep an answer, for ever: a tile never changes once it is there, partial or not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept {
    /// Any.
    ByAnybody,
    /// Only the caller's own: what a shared cache has, others get from it.
    ByWhoAsked,
}

impl Kept {
    fn cache_control(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ByAnybody => "public, max-age=31536000, immutable",
            Self::ByWhoAsked => "private, max-age=31536000, immutable",
        })
    }
}

/// Answers with a file, or with the part of it that is asked for.
///
/// # Errors
/// Where it is not there or cannot be opened.
pub(super) async fn answer(
    path: &Path,
    kept: Kept,
    (method, headers): (&Method, &HeaderMap),
    places: &Places,
) -> io::Result<Response> {
    let mut file = File::open(path).await?;
    let length = file.metadata().await?.len();
    let (status, part) = match asked(method, headers, length) {
        Asked::Whole => (StatusCode::OK, Part::whole(length)),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Nothing => return Ok(unsatisfiable(length)),
    };
    file.seek(SeekFrom::Start(part.from)).await?;
    let Some(body) = body(file.take(part.length), places).await? else {
        return Ok(none_left());
    };
    let mut response = (status, body).into_response();
    let head = response.headers_mut();
    head.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    head.insert(CACHE_CONTROL, kept.cache_control());
    head.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(CONTENT_LENGTH, part.length.into());
    if status == StatusCode::PARTIAL_CONTENT {
        head.insert(CONTENT_RANGE, visible(&part.of(length)));
    }
    Ok(response)
}

/// The bytes; `None` where they are many and there is no place for them.
async fn body(mut file: Take<File>, places: &Places) -> io::Result<Option<Body>> {
    if file.limit() <= CHUNK as u64 {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await?;
        return Ok(Some(Body::from(bytes)));
    }
    let Ok(place) = Arc::clone(&places.0).try_acquire_owned() else {
        return Ok(None);
    };
    Ok(Some(Body::from_stream(Chunks {
        file,
        buffer: vec![0; CHUNK],
        _place: place,
    })))
}

fn none_left() -> Response {
    let text = "too many large files of the ledger are on their way\n";
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], text).into_response()
}

fn unsatisfiable(length: u64) -> Response {
    let of = [(CONTENT_RANGE, visible(&format!("bytes */{length}")))];
    (StatusCode::RANGE_NOT_SATISFIABLE, of).into_response()
}

fn visible(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and punctuation can stand in a header")
}

/// Which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    from: u64,
    length: u64,
}

impl Part {
    fn whole(length: u64) -> Self {
        Self { from: 0, length }
    }

    fn of(self, all: u64) -> String {
        let last = (self.from + self.length).saturating_sub(1);
        format!("bytes {}-{last}/{all}", self.from)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Part),
    /// A range, and nothing of the file is in it.
    Nothing,
}

/// One range of bytes is answered; several at once, other units, and what is no range count as none
/// (RFC 9110 section 14.2 lets a server ignore the field). So does one that depends on what the caller
/// has (`If-Range`): no file here has a validator.
fn asked(method: &Method, headers: &HeaderMap, length: u64) -> Asked {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Asked::Whole;
    };
    if method != Method::GET || headers.contains_key(IF_RANGE) {
        return Asked::Whole;
    }
    let range = range.to_str().ok().and_then(parse);
    let part = match range {
        None => return Asked::Whole,
        Some((Some(first), last)) => {
            let end = last.map_or(length, |last| last.saturating_add(1).min(length));
            (first, end.saturating_sub(first))
        }
        Some((None, last)) => {
            let count = last.unwrap_or(0).min(length);
            (length - count, count)
        }
    };
    match part {
        (_, 0) => Asked::Nothing,
        (from, length) => Asked::Part(Part { from, length }),
    }
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-`, `bytes=-COUNT`: the two numbers as far as they are there.
fn parse(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // What no file is long enough for lies behind the end of each.
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    let (first, last) = (number(first)?, number(last)?);
    let is_range = match (first, last) {
        (None, None) => false,
        (Some(first), Some(last)) => first <= last,
        _ => true,
    };
    (unit.eq_ignore_ascii_case("bytes") && is_range).then_some((first, last))
}

/// A file piece by piece, so that a slow reader of a large one keeps one piece in memory.
struct Chunks {
    file: Take<File>,
    buffer: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl Stream for Chunks {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { file, buffer, .. } = self.get_mut();
        let mut read = ReadBuf::new(buffer);
        let polled = ready!(Pin::new(file).poll_read(cx, &mut read));
        Poll::Ready(match polled {
            Ok(()) if read.filled().is_empty() => None,
            Ok(()) => Some(Ok(read.filled().to_vec())),
            Err(error) => Some(Err(error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str, length: u64) -> Asked {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_str(range).unwrap())]);
        asked(&Method::GET, &headers, length)
    }

    #[test]
    fn one_range_is_taken_and_cut_at_the_end() {
        let part = |from, length| Asked::Part(Part { from, length });
        assert_eq!(of("bytes=0-31", 96), part(0, 32));
        assert_eq!(of("bytes=32-", 96), part(32, 64));
        assert_eq!(of("bytes=-32", 96), part(64, 32));
        assert_eq!(of("bytes=-1000", 96), part(0, 96));
        assert_eq!(of("bytes=95-200", 96), part(95, 1));
        assert_eq!(of("Bytes=0-18446744073709551616", 96), part(0, 96));
        assert_eq!(
            Part {
                from: 95,
                length: 1
            }
            .of(96),
            "bytes 95-95/96"
        );
    }

    #[test]
    fn nothing_of_the_file_is_in_some() {
        for range in [
            "bytes=96-",
            "bytes=96-99",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(of(range, 96), Asked::Nothing, "{range}");
        }
        assert_eq!(of("bytes=0-", 0), Asked::Nothing);
    }

    #[test]
    fn what_is_no_single_range_counts_as_none() {
        for range in [
            "bytes=0-1,4-5",
            "bytes=5-4",
            "bytes=-",
            "bytes=",
            "bytes",
            "lines=0-1",
            "bytes=a-b",
            "bytes=0x1-2",
            "bytes=+1-2",
            "",
            "bytes=1--2",
        ] {
            assert_eq!(of(range, 96), Asked::Whole, "{range:?}");
        }
        let mut headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-1"))]);
        assert_eq!(asked(&Method::HEAD, &headers, 96), Asked::Whole);
        headers.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(asked(&Method::GET, &headers, 96), Asked::Whole, "twice");
        headers.remove(RANGE);
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.insert(IF_RANGE, HeaderValue::from_static("\"x\""));
        assert_eq!(asked(&Method::GET, &headers, 96), Asked::Whole);
    }
}
