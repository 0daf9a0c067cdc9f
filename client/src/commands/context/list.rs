//! `glass context list`

use serde_json::{Value, json};

use crate::{
    commands::{DONE, Seat},
    config::{Context, ContextName},
    error::Error,
};

/// List the enrolments on this laptop
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass context list

The one marked * is used where neither --context nor GLASS_CONTEXT says otherwise.")]
pub struct Args {}

/// Lists them.
///
/// # Errors
/// [`Error::Setup`] where a file has mistakes.
pub fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    let home = &seat.settings.home;
    let contexts = home
        .names()?
        .iter()
        .map(|name| home.context(name))
        .collect::<Result<Vec<_>, _>>()?;
    let in_use = home.file()?.context.or_else(|| match contexts.as_slice() {
        [only] => Some(only.name.clone()),
        _ => None,
    });
    let is_used = |name: &ContextName| in_use.as_ref() == Some(name);
    let view: Vec<_> = contexts
        .iter()
        .map(|context| view(context, is_used(&context.name)))
        .collect();
    seat.printer.answer(&view, |printer| {
        let rows: Vec<_> = contexts
            .iter()
            .map(|context| row(context, is_used(&context.name)))
            .collect();
        printer.table(&["", "CONTEXT", "PERSON", "BROKER", "DEVICE"], &rows);
        if rows.is_empty() {
            printer.line("None yet. A colleague who may runs: glass people invite YOU");
        }
    });
    Ok(DONE)
}

fn view(context: &Context, is_used: bool) -> Value {
    json!({
        "name": context.name,
        "in_use": is_used,
        "server": context.server,
        "person": context.person,
        "device": context.device,
    })
}

fn row(context: &Context, is_used: bool) -> Vec<String> {
    let mark = if is_used { "*" } else { "" };
    vec![
        mark.to_owned(),
        context.name.to_string(),
        context.person.clone(),
        context.server.to_string(),
        context.device.clone(),
    ]
}
