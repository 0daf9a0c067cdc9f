//! `glass people list`

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    show,
    view::PersonView,
};

/// Everybody in the policy, their job, their enrolled laptops
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass people list")]
pub struct Args {}

/// Lists them.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let people = session.people().await?;
    let view: Vec<_> = people.iter().map(PersonView::from).collect();
    seat.printer.answer(&view, |printer| {
        let rows: Vec<_> = people
            .iter()
            .map(|person| row(person, session.now()))
            .collect();
        printer.table(&["PERSON", "NAME", "JOB", "CONTACT", "LAPTOPS", ""], &rows);
    });
    Ok(DONE)
}

fn row(person: &v1::Person, now: Timestamp) -> Vec<String> {
    let device = |device: &v1::Device| {
        let until = show::when(device.certificate_expires_at.as_ref(), now);
        format!("{} until {until}", device.name)
    };
    let devices: Vec<_> = person.devices.iter().map(device).collect();
    let devices = if devices.is_empty() {
        "not enrolled".to_owned()
    } else {
        devices.join("; ")
    };
    let frozen = match (person.frozen, person.frozen_reason.as_str()) {
        (false, _) => String::new(),
        (true, why) => format!("FROZEN: {why}"),
    };
    vec![
        person.id.clone(),
        person.name.clone(),
        person.job.clone(),
        person.contact.clone(),
        devices,
        frozen,
    ]
}
