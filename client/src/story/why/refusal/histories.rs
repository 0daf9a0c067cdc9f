//! The signed head that a laptop had seen, which is not of this ledger.

use super::{Again, Decided, looking::Looking, words::parts};
use crate::story::Proven;

pub(super) fn again<L: Proven>(it: &Looking<'_, L>, reason: &str) -> Decided {
    let Some(note) = it.entry.text("checkpoint") else {
        return Ok(Some(Again::NotHeld(
            "the head that was seen stands in no field of this entry; where it was new, an entry before has it"
                .to_owned(),
        )));
    };
    let head = match it.keys().verify_any(note) {
        Ok(head) => head,
        Err(why) => {
            return Ok(Some(Again::Given(format!(
                "it says that a laptop had seen a signed head, and that does not verify: {why}"
            ))));
        }
    };
    let (seen, before) = (head.size(), it.entry.index);
    let signed =
        format!("the ledger's key has signed a head of {seen} entries, which stands in the entry");
    Ok(match reason {
        "LEDGER_BEHIND" => behind(it, seen, signed),
        _ => Some(Again::NotHeld(format!(
            "{signed}, and this ledger had {before} by then; whether its first {seen} are the same is seen \
             by reading all of them (glass ledger verify)"
        ))),
    })
}

/// "this laptop has seen 40 entries that the ledger's key has signed, and this broker has 12: ..."
fn behind<L: Proven>(it: &Looking<'_, L>, seen: u64, signed: String) -> Option<Again> {
    let sentence = "this laptop has seen {} entries that the ledger's key has signed, and this broker has {}: \
                    its ledger was set back, or it is a copy";
    let [said, had] = parts(it.text(), sentence)?;
    let had: u64 = had.parse().ok()?;
    let before = it.entry.index;
    let is_so = said.parse() == Ok(seen) && had < seen && had <= before;
    Some(match is_so {
        true => Again::Refused(vec![
            signed,
            format!(
                "{had} entries of this ledger were there when it came, and {before} stand before the refusal"
            ),
        ]),
        false => Again::Given(format!(
            "it says that a laptop had seen more entries than there are; the head it had seen has {seen}, and \
             {before} stand before it"
        )),
    })
}
