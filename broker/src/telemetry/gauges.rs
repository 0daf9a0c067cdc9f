//! What is read when somebody scrapes, and not counted before.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A number that is asked for at each scrape.
pub struct Gauge {
    /// Its name, without the prefix of all metrics.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Whether it can go down.
    pub kind: Kind,
    /// Asks. Must not block.
    pub read: Box<dyn Fn() -> f64 + Send + Sync>,
}

/// Whether a number can go down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It can.
    UpAndDown,
    /// It only grows.
    OnlyUp,
}

impl Gauge {
    /// A number that goes up and down.
    pub fn of(
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            help,
            kind: Kind::UpAndDown,
            read: Box::new(read),
        }
    }

    /// A number that only grows.
    pub fn total(
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            help,
            kind: Kind::OnlyUp,
            read: Box::new(read),
        }
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The same for each of several things; its label's values come from a list of the operator's.
pub struct Labelled {
    number: Described,
    label: &'static str,
    read: Box<dyn Fn() -> Vec<(String, f64)> + Send + Sync>,
}

struct Described {
    name: &'static str,
    help: &'static str,
    kind: Kind,
}

impl Labelled {
    /// Numbers that go up and down.
    pub fn of(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<(String, f64)> + Send + Sync + 'static,
    ) -> Self {
        let kind = Kind::UpAndDown;
        Self {
            number: Described { name, help, kind },
            label,
            read: Box::new(read),
        }
    }

    /// Numbers that only grow.
    pub fn total(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<(String, f64)> + Send + Sync + 'static,
    ) -> Self {
        let mut numbers = Self::of(name, help, label, read);
        numbers.number.kind = Kind::OnlyUp;
        numbers
    }
}

impl fmt::Debug for Labelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labelled")
            .field("name", &self.number.name)
            .finish_non_exhaustive()
    }
}

/// All of them, for the registry.
#[derive(Debug)]
pub(super) struct AllLabelled(pub(super) Vec<Labelled>);

impl Collector for AllLabelled {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for numbers in &self.0 {
            let Described { name, help, kind } = numbers.number;
            let metric_type = match kind {
                Kind::UpAndDown => MetricType::Gauge,
                Kind::OnlyUp => MetricType::Counter,
            };
            let mut family = encoder.encode_descriptor(name, help, None, metric_type)?;
            for (value, number) in (numbers.read)() {
                let labels = [(numbers.label, value.as_str())];
                let one = family.encode_family(&labels)?;
                match kind {
                    Kind::UpAndDown => ConstGauge::new(number).encode(one)?,
                    Kind::OnlyUp => ConstCounter::new(number).encode(one)?,
                }
            }
        }
        Ok(())
    }
}

/// All of them, for the registry.
#[derive(Debug)]
pub(super) struct Gauges(pub(super) Vec<Gauge>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for gauge in &self.0 {
            let value = (gauge.read)();
            match gauge.kind {
                Kind::UpAndDown => write(&mut encoder, gauge, &ConstGauge::new(value))?,
                Kind::OnlyUp => write(&mut encoder, gauge, &ConstCounter::new(value))?,
            }
        }
        Ok(())
    }
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    gauge: &Gauge,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    let metric_type = metric.metric_type();
    // The help of a collector is written as it stands: with its full stop.
    metric.encode(encoder.encode_descriptor(gauge.name, gauge.help, None, metric_type)?)
}
