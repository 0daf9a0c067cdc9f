//! What was begun alone, may be, or was vetoed.

use breakglass_proto::v1::ListEntriesRequest;

use super::{
    Again, Decided,
    anew::Times,
    looking::{Looking, under},
    words::parts,
};
use crate::{entry::Entry, error::Error, story::Proven};

/// Vetoes under one incident that are looked through.
const VETOES: usize = 500;

pub(super) async fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    match reason {
        "SELF_GRANT_TOO_EARLY" => too_early(it).await,
        "NOTHING_TO_VETO" => nothing_to_veto(it).await,
        _ => denied(it).await,
    }
}

async fn denied<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let text = it.text();
    if let Some([grant]) = parts(text, "the rule of {} does not allow a self-grant") {
        return by_the_rule(it, grant).await;
    }
    if let Some([grant]) = parts(
        text,
        "a self-grant of this right was vetoed under this incident, so {} needs an approver",
    ) {
        return vetoed(it, grant, None).await;
    }
    if let Some([person, grant]) = parts(
        text,
        "a self-grant of {} for this right was vetoed under this incident, so {} is not handed over to \
         them: they ask for it, and an approver looks",
    ) {
        return vetoed(it, grant, Some(person)).await;
    }
    if let Some(runs) = alone_already(text) {
        return runs_alone(it, runs).await;
    }
    let handed = "{} waits to be handed over, and that is not begun alone";
    let Some([grant]) = parts(text, handed) else {
        return Ok(None);
    };
    let asked = it.request(grant).await?;
    Ok(asked.map(|asked| match asked.text("from") {
        Some(from) => Again::refused(format!(
            "{} had handed {from} over as {grant} (entry {})",
            asked.by, asked.index
        )),
        None => Again::Given(format!(
            "it says that {grant} waits to be handed over, and entry {} is a request of its own",
            asked.index
        )),
    }))
}

/// What runs already, by the sentence of today or by the one of older ledgers.
fn alone_already(text: &str) -> Option<&str> {
    let today = "{}, which you began alone, still runs, and one of a right does at a time: {} needs an \
                 approver, or waits until approvers have had as long again after it";
    let before = "{}, which you began alone, still runs, and one of a right does at a time: {} needs an \
                  approver, or waits until that is over";
    let [runs, _] = parts(text, today).or_else(|| parts(text, before))?;
    Some(runs)
}

async fn by_the_rule<L: Proven>(it: &Looking<'_, L>, grant: &str) -> Decided {
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let (at, person, right) = (asked.index, text("person"), text("right"));
    if asked.body.get("self_grant").is_none() {
        return Ok(Some(Again::refused(format!(
            "by its request (entry {at}) {grant} is begun by nobody alone"
        ))));
    }
    Ok(it.by_policy(|policy| {
        let alone = policy.rules.given(person, right).and_then(|it| it.alone);
        match alone {
            None => Again::refused(format!(
                "the rule of the policy of entry {} has nobody begin `{right}` alone any more",
                policy.entry
            )),
            Some(_) => Again::Given(format!(
                "it says that the rule of {grant} allows no self-grant, and by its request (entry {at}) and the \
                 policy of entry {} it does",
                policy.entry
            )),
        }
    }))
}

async fn vetoed<L: Proven>(it: &Looking<'_, L>, grant: &str, of: Option<&str>) -> Decided {
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let (incident, right) = (text("incident"), text("right"));
    let person = of.unwrap_or_else(|| text("person"));
    let veto = veto_of(it, (incident, person, right)).await?;
    Ok(Some(match veto {
        Some(veto) => Again::refused(format!(
            "{} had vetoed {person}'s {} of `{right}` under {incident} (entry {})",
            veto.by,
            veto.text("grant").unwrap_or_default(),
            veto.index
        )),
        None => Again::Given(format!(
            "it says that a self-grant of `{right}` by {person} was vetoed under {incident}, and no entry \
             before it vetoes one"
        )),
    }))
}

async fn veto_of<L: Proven>(
    it: &Looking<'_, L>,
    (incident, person, right): (&str, &str, &str),
) -> Result<Option<Entry>, Error> {
    let filter = ListEntriesRequest {
        outcome: "vetoed".to_owned(),
        ..under(incident, "grant.ended")
    };
    let vetoes = it.all(filter, VETOES).await?;
    Ok(vetoes
        .into_iter()
        .find(|veto| veto.text("person") == Some(person) && veto.text("right") == Some(right)))
}

async fn runs_alone<L: Proven>(it: &Looking<'_, L>, runs: &str) -> Decided {
    let begun = it.of_grant("grant.started", runs).await?;
    let over = it.of_grant("grant.ended", runs).await?;
    let ran = it.was_so(begun.as_ref(), over.as_ref());
    Ok(begun.map(|begun| {
        let alone = begun.text("basis") == Some("self-granted");
        match ran && alone && begun.by == it.entry.by {
            true => Again::refused(format!(
                "{} had begun {runs} alone (entry {}), and it ran",
                begun.by, begun.index
            )),
            false => Again::Given(format!(
                "it says that {} began {runs} alone and it runs, and by the entries before it that is not so",
                it.entry.by
            )),
        }
    }))
}

/// "approvers of G-45 have until 2026-11-24 00:02:23 UTC to answer"
async fn too_early<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let Some([grant, _]) = parts(it.text(), "approvers of {} have until {} to answer") else {
        return Ok(None);
    };
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let times = Times::of(it, &asked).await?;
    Ok(Some(match times.alone_from {
        Some(from) if from > it.since => Again::refused(format!(
            "by its request (entry {}) it is begun alone from {} on{}",
            asked.index,
            it.voice.at(from),
            times.moved()
        )),
        _ => Again::Given(format!(
            "it says that approvers of {grant} still had time, and by its request (entry {}) they had not",
            asked.index
        )),
    }))
}

/// "G-45 was not begun alone, and cannot be: there is nothing to veto"
async fn nothing_to_veto<L: Proven>(it: &Looking<'_, L>) -> Decided {
    let sentence = "{} was not begun alone, and cannot be: there is nothing to veto";
    let Some([grant]) = parts(it.text(), sentence) else {
        return Ok(None);
    };
    let Some(asked) = it.request(grant).await? else {
        return Ok(None);
    };
    let begun = it.of_grant("grant.started", grant).await?;
    let may_be = asked.body.get("self_grant").is_some();
    let alone = |begun: &Entry| begun.text("basis") == Some("self-granted");
    Ok(Some(match &begun {
        Some(begun) if !alone(begun) => Again::refused(format!(
            "it began as `{}` (entry {})",
            begun.text("basis").unwrap_or_default(),
            begun.index
        )),
        Some(begun) if may_be || begun.at < it.since => Again::Given(format!(
            "it says that {grant} was not begun alone, and {} began it so (entry {})",
            begun.by, begun.index
        )),
        None if may_be => Again::Given(format!(
            "it says that {grant} cannot be begun alone, and by its request (entry {}) it can",
            asked.index
        )),
        _ => Again::refused(format!(
            "by its request (entry {}) it is begun by nobody alone",
            asked.index
        )),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_runs_already_is_read_in_the_words_of_today_and_of_before() {
        let head = "G-104, which you began alone, still runs, and one of a right does at a time: G-105 needs \
                    an approver, or waits until ";
        for tail in ["approvers have had as long again after it", "that is over"] {
            assert_eq!(alone_already(&format!("{head}{tail}")), Some("G-104"));
        }
        assert_eq!(alone_already(&format!("{head}tomorrow")), None);
    }
}
