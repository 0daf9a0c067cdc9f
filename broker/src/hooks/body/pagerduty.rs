//! PagerDuty's webhooks, version 3: one delivery an event of an incident there.

use breakglass_domain::policy::SourceKind;
use breakglass_domain::{Delivery, Time};
use serde::Deserialize;

use super::super::limits::DELIVERY_MAX;
use super::super::text;
use super::{Read, Said, Unread, key, malformed, parsed, titled, unknown};
use crate::app::Alarm;

const KIND: SourceKind = SourceKind::PagerDuty;

#[derive(Deserialize)]
struct Body {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    event_type: String,
    occurred_at: String,
    #[serde(default)]
    data: Data,
}

/// Of an incident; other resources have other fields.
#[derive(Deserialize, Default)]
struct Data {
    #[serde(default)]
    id: String,
    title: Option<String>,
    urgency: Option<String>,
    priority: Option<Named>,
    service: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    summary: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Result<Read, Unread> {
    let Body { event } = parsed(KIND, body)?;
    let occurred_at = event.occurred_at.parse::<Time>();
    let occurred_at = occurred_at.map_err(|_| malformed(KIND, "`occurred_at` is no time"))?;
    let id = text::key(&event.id).filter(|_| event.id.len() <= DELIVERY_MAX);
    let id = id.ok_or_else(|| malformed(KIND, "`id` is not the id of an event"))?;
    Ok(Read {
        said: said(&event)?,
        delivery: Some(Delivery {
            id,
            signed_at: occurred_at,
        }),
    })
}

fn said(event: &Event) -> Result<Said, Unread> {
    let data = &event.data;
    let key = || key(KIND, "data.id", &data.id);
    match event.event_type.as_str() {
        "incident.triggered" | "incident.reopened" => {
            let summary = |named: &Option<Named>| named.as_ref()?.summary.clone();
            let words = [summary(&data.priority), data.urgency.clone()];
            let words = words.iter().flatten().filter_map(|word| text::word(word));
            Ok(Said::Alarm(Alarm::Fires {
                key: key()?,
                title: titled([data.title.as_deref(), summary(&data.service).as_deref()]),
                words: words.collect(),
            }))
        }
        "incident.resolved" => Ok(Said::Alarm(Alarm::Over { key: key()? })),
        "pagey.ping" => Ok(Said::Nothing("a ping")),
        other if other.starts_with("incident.") || other.starts_with("service.") => {
            Ok(Said::Nothing("an event that opens and resolves nothing"))
        }
        other => Err(unknown(
            "the event type",
            other,
            "those of incidents and services",
        )),
    }
}
