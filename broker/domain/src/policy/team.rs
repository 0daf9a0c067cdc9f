//! `[people.ID]`: the team.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::DeValue;

use super::limits::{CONTACT_MAX, NAME_MAX};
use super::report::{Problems, quoted};
use super::section::Section;
use super::value::{id, line};
use super::{Person, Selector};
use crate::id::PersonId;
use crate::limits::PEOPLE_MAX;

const FIELDS: [&str; 3] = ["name", "job", "contact"];

/// The people, and which names may be used for them further down.
#[derive(Default)]
pub(super) struct Team {
    /// Those nothing is wrong with.
    pub(super) people: BTreeMap<PersonId, Person>,
    /// Every id that stands there: a person with a mistake in a field is still a known one.
    pub(super) ids: BTreeSet<String>,
    /// Every job somebody has.
    pub(super) jobs: BTreeSet<String>,
}

impl Team {
    /// The people whom selectors mean, of those nothing is wrong with.
    pub(super) fn meant(&self, selectors: &[Selector]) -> BTreeSet<&PersonId> {
        let means = |id: &PersonId, person: &Person| {
            selectors.iter().any(|selector| match selector {
                Selector::Person(named) => named == id,
                Selector::Job(job) => *job == person.job,
            })
        };
        let people = self.people.iter();
        let meant = people.filter(|(id, person)| means(id, person));
        meant.map(|(id, _)| id).collect()
    }
}

pub(super) fn read(root: &Section<'_>, problems: &mut Problems) -> Team {
    let mut team = Team::default();
    let Some(people) = root.tables("people", problems) else {
        return team;
    };
    for (key, value) in people.entries() {
        team.ids.insert((*key.get_ref()).to_owned());
        let person = read_person(&key, value, &mut team.jobs, problems);
        if let (Some(id), Some(person)) = (id(&key, problems), person) {
            team.people.insert(id, person);
        }
    }
    if team.ids.is_empty() || team.ids.len() > PEOPLE_MAX {
        problems.add(
            people.at(),
            format!("the policy has {} people", team.ids.len()),
            format!("between 1 and {PEOPLE_MAX} are allowed"),
            "write `[people.ID]` for each person of the team, and for nobody else",
        );
    }
    team
}

fn read_person<'t>(
    key: &Spanned<&str>,
    value: &'t Spanned<DeValue<'t>>,
    jobs: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> Option<Person> {
    let title = format!("person {}", quoted(key.get_ref()));
    let section = Section::open(title, key.span(), value, problems)?;
    section.refuse_others(&FIELDS, problems);
    let name = section.required_text("name", problems);
    let name = name.and_then(|text| line(&section.field("name"), &text, NAME_MAX, problems));
    let job = section.required_text("job", problems);
    if let Some(job) = &job {
        jobs.insert((*job.get_ref()).to_owned());
    }
    let job = job.and_then(|text| line(&section.field("job"), &text, NAME_MAX, problems));
    let contact = section.text("contact", problems);
    let contact =
        contact.and_then(|text| line(&section.field("contact"), &text, CONTACT_MAX, problems));
    Some(Person {
        name: name?,
        job: job?,
        contact,
    })
}
