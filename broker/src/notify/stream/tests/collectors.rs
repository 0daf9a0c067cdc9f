//! What counts as read: collectors that read, go, break off, and stay silent.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::config::stream::Sink;
use crate::config::{Config, Stream};
use crate::notify::stream::collector::Collector;

/// A collector on this machine does something with the connection; what the broker makes of that.
async fn taken<F: Future<Output = ()> + Send + 'static>(
    bytes: usize,
    does: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        does(stream).await;
    });
    let frames = vec![b'x'; bytes];
    let collector = Collector::new(&syslog(port), true, None, None).unwrap();
    let taken = collector.take(&frames).await.map_err(|why| why.to_string());
    serving.abort();
    taken.map(|told| told.replace(&port.to_string(), "PORT"))
}

fn syslog(port: u16) -> crate::config::stream::Syslog {
    let text = format!(
        "[stream.siem]\nkind = \"syslog\"\naddress = \"127.0.0.1:{port}\"\ntls = false\n\
         allow_private = true\n"
    );
    let config = Config::parse("glassd.toml".as_ref(), &text).unwrap();
    let Stream { sink, .. } = config.settings.stream.into_values().next().unwrap();
    match sink {
        Sink::Syslog(syslog) => syslog,
        Sink::Ocsf { .. } => panic!("it is syslog"),
    }
}

async fn reads(stream: &mut TcpStream) {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), 1_000);
}

#[tokio::test]
async fn who_reads_to_the_end_and_closes_has_read_it() {
    let told = taken(1_000, |mut stream| async move { reads(&mut stream).await }).await;
    assert_eq!(told.unwrap(), "127.0.0.1:PORT has read it");
}

#[tokio::test]
async fn who_goes_without_reading_has_not() {
    let why = taken(1_000, |stream| async move {
        stream.readable().await.unwrap();
    });
    let why = why.await.unwrap_err();
    assert!(why.contains("did not read everything"), "{why}");
    assert!(why.contains("broke the connection off"), "{why}");
}

/// It closes while something is on the way that it will never read: the broker may see its closing first,
/// and the reset only afterwards. Told often, because both orders have to be among them.
#[tokio::test]
async fn who_closed_before_everything_was_there_has_not_read_it() {
    for bytes in [[1_000; 50], [8 << 20; 50]].concat() {
        let why = taken(bytes, |stream| async move { drop(stream) }).await;
        let why = why.unwrap_err();
        assert!(why.contains("did not read everything"), "{bytes}: {why}");
    }
}

/// It closes its side at once and never reads, and there is more than it has room for: its closing is
/// seen, and what was written lies on this side still.
#[tokio::test(start_paused = true)]
async fn who_closes_and_takes_nothing_more_has_not_read_it() {
    let why = taken(512 << 10, |mut stream| async move {
        stream.shutdown().await.unwrap();
        std::future::pending::<()>().await;
    });
    let why = why.await.unwrap_err();
    assert!(why.contains("nobody knows whether it has read"), "{why}");
}

#[tokio::test]
async fn who_reads_a_part_has_not_read_it() {
    let why = taken(1_000, |mut stream| async move {
        let mut some = [0; 999];
        stream.read_exact(&mut some).await.unwrap();
    });
    let why = why.await.unwrap_err();
    assert!(why.contains("broke the connection off"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn who_stays_silent_is_asked_again() {
    let began = tokio::time::Instant::now();
    let why = taken(1_000, |mut stream| async move {
        reads(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let why = why.await.unwrap_err();
    assert!(why.contains("nobody knows whether it has read"), "{why}");
    assert!(began.elapsed() <= Duration::from_secs(21));
}

#[tokio::test]
async fn who_talks_without_an_end_is_no_collector() {
    let why = taken(1_000, |mut stream| async move {
        reads(&mut stream).await;
        let _ = stream.write_all(&[b'y'; 9_000]).await;
    });
    let why = why.await.unwrap_err();
    assert!(why.contains("it talks"), "{why}");
}
