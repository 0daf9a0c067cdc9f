//! What the ledger does not hold of a refusal, so that it cannot be decided again.

/// A sentence that says so.
pub(super) fn missing(reason: &str) -> String {
    let what = match reason {
        "STATEMENT_INVALID" | "WRONG_BROKER" => {
            "the statement that was refused is not in the ledger, which keeps those that were taken"
        }
        "STATEMENT_STALE" => {
            "neither the statement that was refused nor what the broker's clock said is in the ledger"
        }
        "STATEMENT_REPLAYED" => {
            "the statement that came twice, and with it its nonce, is not in the entry of its refusal"
        }
        "SIGNATURE_INVALID" => {
            "the signature that did not verify is not in the ledger, nor the text under it"
        }
        "INVALID_TEXT" => "the text that was refused is not in the ledger",
        "INVALID_ARGUMENT" => "what was sent, and refused for what it was, is not in the ledger",
        "TOKEN_UNKNOWN" | "TOKEN_EXPIRED" | "TOKEN_WITHDRAWN" => {
            "the enrolment token that was presented is not in the entry of its refusal"
        }
        "TOKEN_USED" => "the key that was presented is not in the entry of its refusal",
        "CLOCK_BEHIND" => {
            "what the broker's clock said is not in the ledger, which has the times of entries only"
        }
        "LEDGER_UNAVAILABLE" | "LEDGER_FULL" => {
            "the state of the broker's disk is not in the ledger"
        }
        "NO_CERTIFICATE" | "CERTIFICATE_INVALID" => {
            "the certificate of a connection, or that there was none, is not in the ledger"
        }
        "NOT_FOUND" => "what was asked for and not found is not in the ledger",
        "SHUTTING_DOWN" => "when a broker stops is not in the ledger",
        "INTERNAL" => "what failed inside the broker is in its tracing, and not in the ledger",
        "UNKNOWN_SESSION" => "which session was meant is known to its guard, and not in the entry",
        "TARGET_UNAVAILABLE" => "what a database server said is not in the ledger",
        "ALERT_MALFORMED" | "ALERT_UNKNOWN" | "ALERT_STALE" => {
            "what an alert source sent, and how it was signed, is not in the ledger where it was refused"
        }
        other => return format!("this glass does not know the reason `{other}`"),
    };
    what.to_owned()
}
