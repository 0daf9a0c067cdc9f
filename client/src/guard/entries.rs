//! The ledger whose entries a guard demands, as it was pinned at enrolment, and who has to have signed
//! it beside.
//!
//! It is for the guard to demand, and not for the policy: the policy comes from the broker, and what is
//! defended against here is that somebody has what the broker has.

use breakglass_tlog::VerifierKey;
use breakglass_tlog::cosigned::Quorum;

use crate::error::Error;
use crate::text::plain;
use crate::verify::Ledger;

/// Whom the proof of entry must be signed by beside the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct Witnesses {
    /// A witness that must have signed a demanded entry too; can be given several times
    ///
    /// Only for rights with `without_witnesses = "refuse"`: no other credential waits for witnesses.
    #[arg(long = "witness", value_name = "VKEY")]
    pub witnesses: Vec<String>,
    /// How many of the witnesses must have signed; all of them, if it is left out
    #[arg(long, value_name = "COUNT", requires = "witnesses")]
    pub need: Option<usize>,
}

impl Witnesses {
    /// This ledger, with these witnesses.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is no witness's key, or no quorum.
    pub fn of(&self, ledger: Ledger) -> Result<Ledger, Error> {
        if self.witnesses.is_empty() {
            return Ok(ledger);
        }
        let keys: Result<Vec<_>, Error> = self.witnesses.iter().map(|text| parse(text)).collect();
        let keys = keys?;
        let quorum = Quorum::new(self.need.unwrap_or(keys.len()), keys);
        let quorum = quorum.map_err(|why| {
            Error::usage(
                format!("these witnesses cannot be demanded: {why}"),
                "they stand under [witnesses.keys] in the policy: glass policy show",
            )
        })?;
        Ok(ledger.witnessed_by(quorum))
    }
}

fn parse(text: &str) -> Result<VerifierKey, Error> {
    VerifierKey::parse(text).map_err(|why| {
        Error::usage(
            format!("`{}` is no witness's key: {why}", plain(text)),
            "take the line that `glass witness init` printed: witness.example/otto+73b0cf55+BP0X...",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fixtures::ledger;
    use breakglass_tlog::NoteSigner as _;

    const OTTO: &str = "witness.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

    fn of(witnesses: &[&str], need: Option<usize>) -> Result<Ledger, Error> {
        let witnesses = witnesses.iter().map(|text| (*text).to_owned()).collect();
        Witnesses { witnesses, need }.of(Ledger::of(ledger().verifier().clone()))
    }

    #[test]
    fn witnesses_are_taken_by_their_keys_and_slips_are_told() {
        assert_eq!(
            of(&[], None).unwrap(),
            Ledger::of(ledger().verifier().clone())
        );
        assert_ne!(
            of(&[OTTO], None).unwrap(),
            Ledger::of(ledger().verifier().clone())
        );
        assert_eq!(of(&[OTTO], None).unwrap(), of(&[OTTO], Some(1)).unwrap());
        let slips = [
            (
                of(&["otto\u{1b}[2J"], None),
                "`otto\\u{1b}[2J` is no witness's key",
            ),
            (of(&[OTTO], Some(2)), "2 of 1 witnesses is no quorum"),
            (of(&[OTTO], Some(0)), "0 of 1 witnesses is no quorum"),
            (of(&[OTTO, OTTO], None), "would count twice"),
        ];
        for (slip, says) in slips {
            let slip = slip.unwrap_err();
            assert!(slip.to_string().contains(says), "{slip}");
            assert_eq!(slip.exit_code(), 2);
            assert!(slip.next().is_some());
        }
    }
}
