//! What the story of a grant tells beside its own entries: who signed the act that ended it with others, the
//! notes it stands on, and where a part of the ledger was lost.

use breakglass_client::story::{Story, Voice, why};
use serde_json::json;

use crate::night::{Night, with};
use crate::shelf::Shelf;

fn story(night: &Night, grant: &str) -> Story {
    let story = Shelf::of(&night.lines).story(grant);
    assert_eq!(story.wrong, None, "{grant}");
    story
}

/// All reasons of a story, a line each.
fn because(story: &Story) -> String {
    let decisions = why::granted(story, Voice::ToScripts).decisions;
    let each: Vec<_> = decisions.into_iter().flat_map(|it| it.because).collect();
    each.join("\n")
}

fn signed(story: &Story) -> Vec<(u64, String)> {
    let each = story.signatures.iter();
    each.map(|it| (it.entry, it.words())).collect()
}

/// One veto ends all that somebody has of a right alone: its signature stands with the first of them.
fn vetoed_together() -> (Night, u64) {
    let mut night = Night::begins();
    let first = night.asks("G-1", "drop-db");
    let second = night.asks("G-2", "drop-db");
    night.minutes_pass(10);
    night.begins_alone(&first, json!({}));
    night.vetoes("leon", &second);
    let bears = night.last() as u64;
    let ended = json!({"ending": "vetoed", "reason": "wait"});
    night.follows("grant.ended", "leon", with(first, ended));
    (night, bears)
}

#[test]
fn who_signed_the_act_that_ended_several_is_said_of_each() {
    let (night, bears) = vetoed_together();
    let story = story(&night, "G-1");
    let signed = signed(&story);
    let (entry, words) = signed.last().unwrap();
    assert_eq!(*entry, bears);
    assert!(
        words.starts_with("leon's `veto`, with the key of `"),
        "{words}"
    );
    let goes_on = format!(
        "; it stands with G-2, and entry {} is of the same act",
        bears + 1
    );
    assert!(words.ends_with(&goes_on), "{words}");
    let said = format!(
        "it ended in one act with G-2: leon signed that, and the signature stands in entry {bears}"
    );
    assert!(because(&story).contains(&said), "{}", because(&story));

    // That of the other grant is its own, and no more is said of it.
    let story = self::story(&night, "G-2");
    assert!(
        !because(&story).contains("in one act"),
        "{}",
        because(&story)
    );
    assert!(story.signatures.iter().all(|it| it.goes_on.is_none()));
}

#[test]
fn a_signature_that_stands_with_another_grant_is_checked_too() {
    let (mut night, bears) = vetoed_together();
    night.changes(usize::try_from(bears).unwrap(), |entry| {
        let text = entry["signed"]["text"].as_str().unwrap();
        entry["signed"]["text"] = json!(text.replace("wait", "later"));
        entry["reason"] = json!("later");
    });
    let wrong = Shelf::of(&night.lines).story("G-1").wrong.unwrap();
    assert_eq!(wrong.entry, Some(bears), "{}", wrong.why);
}

/// The closing is signed with the first grant that it ends.
#[test]
fn a_closing_is_signed_once_for_all_it_ends() {
    let mut night = Night::begins();
    let first = night.approved("G-1");
    let second = night.approved("G-2");
    night.closes("leon", &[&first, &second]);
    let bears = night.last() as u64 - 2;
    let story = story(&night, "G-2");
    let closings: Vec<_> = story
        .signatures
        .iter()
        .filter(|it| it.act == "close-incident")
        .collect();
    let [closing] = closings.as_slice() else {
        panic!("{closings:?}")
    };
    assert_eq!((closing.entry, closing.goes_on), (bears, Some(bears + 1)));
    assert_eq!(closing.of.as_deref(), Some("G-1"));
}

fn told(story: &Story, kind: &str) -> Vec<u64> {
    let told = story.moments.iter().filter(|it| it.entry.kind == kind);
    told.map(|it| it.entry.index).collect()
}

#[test]
fn the_note_behind_a_call_belongs_to_the_story() {
    let mut night = Night::begins();
    night.does_note("leon", "it is slow");
    let of = night.asks("G-1", "rotate-keys");
    night.calls("leon", &of);
    night.does_note("eve", "support sees it too");
    night.does_note("mia", "leon and I spoke");
    let note = night.last() as u64;
    night.unlocks(&of, json!({}));
    night.does_note("mia", "done");
    let story = story(&night, "G-1");
    assert_eq!(told(&story, "incident.noted"), [note]);
    let signed = signed(&story);
    assert!(
        signed
            .iter()
            .any(|(entry, words)| *entry == note && words.starts_with("mia's `note`"))
    );
    let said = format!("mia had noted it (entry {note})");
    assert!(because(&story).contains(&said), "{}", because(&story));
}

#[test]
fn who_confirmed_an_alert_belongs_to_the_story() {
    let under_alert = |right: &str| {
        let mut night = Night::begins();
        night.rings(json!({}));
        night.note_under("INC-2", "eve", "I see it too");
        night.note_under("INC-2", "leon", "it is real");
        let confirmed = night.last() as u64;
        night.note_under("INC-2", "leon", "and bad");
        night.asks_under("INC-2", ("G-1", right), json!({}));
        (story(&night, "G-1"), confirmed)
    };
    let (story, confirmed) = under_alert("drop-db");
    assert_eq!(told(&story, "incident.noted"), [confirmed]);
    let said = format!(
        "the word of `pager` alone is not enough for `drop-db`, and leon had noted something (entry \
         {confirmed}), who may open incidents"
    );
    assert!(because(&story).contains(&said), "{}", because(&story));

    // A low risk is unlocked by the alert alone, and then nobody has to confirm it.
    let (story, _) = under_alert("restart");
    assert!(told(&story, "incident.noted").is_empty());
    let said = "lets `restart` be asked for on the word of `pager` alone";
    assert!(because(&story).contains(said), "{}", because(&story));
}

#[test]
fn why_says_what_a_drill_unlocks() {
    let mut night = Night::begins();
    night.walks();
    let because = because(&story(&night, "G-1"));
    for said in [
        "INC-2 was open: mia opened it as a drill (entry ",
        "a drill unlocks what `[drills]` lists, and the policy of entry 1 lists `restart` there",
    ] {
        assert!(because.contains(said), "no `{said}`: {because}");
    }
}

/// Where the broker went on from a copy, each grant says on which side of that it stands.
#[test]
fn a_story_says_where_a_part_of_the_ledger_was_lost() {
    let mut night = Night::begins();
    let over = night.approved("G-1");
    night.minutes_pass(10);
    night.ends(&over, "expired");
    night.approved("G-2");
    let kept = night.last() as u64 + 1;
    night.is_restored(3, json!({}));
    let asked = night.asks("G-6", "restart");
    night.begins_at_once(&asked, json!({}));
    for (grant, may_lack, says) in [
        (
            "G-1",
            true,
            "G-1 was over before that: of its story only what came after its end",
        ),
        (
            "G-2",
            true,
            "G-2 was asked for before that and was not over: a part of its story may",
        ),
        (
            "G-6",
            false,
            "G-6 was asked for after that, under a number behind every one that these",
        ),
    ] {
        let story = story(&night, grant);
        let why = why::granted(&story, Voice::ToScripts);
        let [mark] = why.marks.as_slice() else {
            panic!("{grant}: {:?}", why.marks)
        };
        assert_eq!((mark.entry, mark.kept, mark.size), (kept, kept, kept + 3));
        assert_eq!(mark.may_lack, may_lack, "{grant}");
        let line = &mark.text;
        let lost = format!(
            "entry {kept}, {}: the broker went on from a copy of {kept} entries, and entries {kept} to {} of \
             before are lost. ",
            mark.at,
            kept + 2
        );
        assert!(line.starts_with(&lost), "{line}");
        assert!(line.contains(says), "{grant}: {line}");
    }
}

/// It went on for a while before anybody knew: what is lost may have had a grant of that number.
#[test]
fn a_grant_between_what_was_kept_and_the_mark_says_so() {
    let mut night = Night::begins();
    let kept = night.last() as u64 + 1;
    let asked = night.asks("G-1", "restart");
    night.begins_at_once(&asked, json!({}));
    night.is_restored(
        0,
        json!({"kept": kept, "size": kept + 1, "checkpoint": crate::restored::lost_head(kept + 1)}),
    );
    let why = why::granted(&story(&night, "G-1"), Voice::ToScripts);
    let says = "G-1 was asked for behind what was kept, before this was on record";
    assert!(why.marks[0].text.contains(says), "{:?}", why.marks);
    assert!(!why.marks[0].may_lack);
}

/// A mark that nobody signed is no mark.
#[test]
fn a_mark_is_checked_as_well() {
    let mut night = Night::begins();
    night.approved("G-1");
    night.is_restored(3, json!({}));
    let mark = night.last();
    night.changes(mark, |entry| entry["size"] = json!(9_000));
    let wrong = Shelf::of(&night.lines).story("G-1").wrong.unwrap();
    assert_eq!(wrong.entry, Some(mark as u64), "{}", wrong.why);
}
