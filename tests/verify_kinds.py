"""What stands in entries and statements: the kinds, the acts, and how values are written.

From docs/ledger-format.md and docs/reference/statements.md; used by verify_story.py.
"""
import datetime, re


class Wrong(Exception):
    """What is wrong, and where."""


def need(holds, where, what):
    if not holds:
        raise Wrong(f"{where}: {what}")


BROKER, MINUTE, DAY = "breakglass", 60_000, 24 * 60 * 60_000
ABOUT_GRANT = "grant person right incident "
# The fields that an entry of each kind must have; of what type, its name tells (see `check_fields`).
FIELDS = {
    "broker.started": "version",
    "key.added": "purpose id public",
    "key.retired": "purpose id",
    "policy.loaded": "sha256 text",
    "person.invited": "person token expires_at",
    "person.enrolled": "person token key public device serial certificate_expires_at",
    "certificate.renewed": "person key serial certificate_expires_at",
    "person.removed": "person reason",
    "person.frozen": "person reason",
    "person.unfrozen": "person reason",
    "target.invited": "target token expires_at",
    "target.enrolled": "target token key public device serial certificate_expires_at",
    "target.renewed": "target key serial certificate_expires_at",
    "target.removed": "target reason",
    "host.certified": "target host key serial expires_at",
    "incident.opened": "incident severity title closes_at",
    "incident.noted": "incident text",
    "incident.warned": "incident closes_at",
    "incident.closed": "incident reason",
    "grant.requested": ABOUT_GRANT + "sentence risk reason length_ms rule approvers lapses_at held audience",
    "grant.started": ABOUT_GRANT + "basis ends_at",
    "grant.extended": ABOUT_GRANT + "ends_at reason",
    "credential.issued": ABOUT_GRANT + "credential credential_kind audience expires_at key",
    "grant.used": ABOUT_GRANT + "program",
    "grant.ended": ABOUT_GRANT + "ending",
    "session.opened": ABOUT_GRANT + "session target credential login",
    "session.ended": ABOUT_GRANT + "session target how",
    "session.unconfirmed": ABOUT_GRANT + "session target",
    "role.created": ABOUT_GRANT + "target role",
    "role.failed": ABOUT_GRANT + "target role step text",
    "role.dropped": ABOUT_GRANT + "target role sessions took_ms",
    "refused": "act reason text count",
    "ledger.exported": "from to",
    "ledger.repaired": "cut_bytes",
    "ledger.lost": "",
    "ledger.witnessed": "size checkpoint",
    "ledger.unwitnessed": "witnessed",
    "ledger.restored": "kept size checkpoint operator reason",
    "incident.resolved": "incident closes_at",
    "incident.refired": "incident closes_at",
    "incident.held": "incident reason",
    "call.recorded": ABOUT_GRANT + "spoke_at",
    "grant.approved": ABOUT_GRANT + "until",
    "grant.escalated": ABOUT_GRANT + "approvers",
    "review.answered": ABOUT_GRANT + "needed width",
    "stream.began": "stream stream_kind destination from",
    "stream.ended": "stream stream_kind",
    "drill.recorded": "incident good steps",
}
# Each act: the lines of its statement, and the entry that bears it.
ACTS = {
    "enroll": ("token-sha256 key device", "person.enrolled", "target.enrolled"),
    "open-incident": ("severity title", "incident.opened"),
    "note": ("incident text", "incident.noted"),
    "close-incident": ("incident reason", "incident.closed", "grant.ended incident-closed"),
    "request": ("right sentence incident reason for held", "grant.requested"),
    "approve": ("grant incident requester right sentence until", "grant.started approved", "grant.approved"),
    "deny": ("grant reason", "grant.ended denied"),
    "self-grant": ("grant incident right sentence", "grant.started self-granted"),
    "extend": ("grant by-seconds reason", "grant.extended"),
    "handover": ("grant to incident right sentence reason until", "grant.requested"),
    "drop": ("grant", "grant.ended dropped"),
    "revoke": ("grant reason", "grant.ended revoked"),
    "freeze": ("person reason", "person.frozen", "grant.ended person-frozen"),
    "unfreeze": ("person reason", "person.unfrozen"),
    "invite": ("person", "person.invited"),
    "invite-target": ("target", "target.invited"),
    "remove-person": ("person reason", "person.removed", "grant.ended person-left"),
    "hold-incident": ("incident reason", "incident.held"),
    "veto": ("grant reason", "grant.ended vetoed"),
    "record-call": ("grant incident requester right sentence spoke-at", "call.recorded"),
    "open-drill": ("title", "incident.opened"),
    "record-drill": ("incident good steps failed", "drill.recorded"),
    "answer-review": ("incident grant needed width missing", "review.answered"),
}
SIGNED = {deed for _, *deeds in ACTS.values() for deed in deeds}
ENDING_ACTS = {"note", "close-incident", "deny", "drop", "revoke", "veto", "freeze", "remove-person", "answer-review"}
# What is done also for somebody who has seen another history of the ledger: nobody has more by it.
ONLY_ENDING = {"close-incident", "deny", "drop", "revoke", "veto", "freeze", "remove-person"}
# What the broker does by itself, or its operator on its host; and what people do without signing.
BY_BROKER = {
    "broker.started", "key.added", "key.retired", "policy.loaded", "target.removed", "host.certified", "incident.warned",
    "ledger.repaired", "ledger.lost", "ledger.witnessed", "ledger.unwitnessed", "ledger.restored", "stream.began", "stream.ended",
    "session.unconfirmed", "grant.escalated", "role.created", "role.failed", "role.dropped",
}
BY_GUARDS = {"target.enrolled", "target.renewed", "session.opened", "session.ended"}
# What alert sources do, who prove themselves to the broker alone; the rest of it only they do.
BY_SOURCES = {"incident.opened", "incident.resolved", "incident.refired"}
ONLY_BY_SOURCES = BY_SOURCES - {"incident.opened"}
UNSIGNED = {
    "person.invited", "target.invited", "person.unfrozen", "person.removed", "incident.closed", "grant.ended incident-closed",
    "grant.ended person-left", "grant.ended lapsed", "grant.ended expired", "grant.ended abandoned", "grant.started fast-path",
    "grant.started called", "grant.ended handed-over",
}
BY_PEOPLE = {"credential.issued", "certificate.renewed", "grant.used", "ledger.exported"}
DUTIES = {
    "incident.opened": "open_incidents", "incident.closed": "close_incidents", "person.unfrozen": "freeze",
    "person.invited": "invite", "target.invited": "invite", "person.removed": "invite", "ledger.exported": "export_ledger",
    "incident.held": "open_incidents",
}


def millis(text, where):
    need(isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text), where, f"{text} is no time")
    since = datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since // datetime.timedelta(milliseconds=1)


def steps_line(entry, where):
    """The steps of a drill as they are signed: `open 14/5000, ask 21/5000`."""
    steps = entry["steps"]
    whole = lambda step: all(type(step[name]) is int and step[name] >= 0 for name in ("took_ms", "budget_ms"))
    need(all(whole(step) and isinstance(step["step"], str) for step in steps), where, "`steps` is of another type")
    return ", ".join(f"{step['step']} {step['took_ms']}/{step['budget_ms']}" for step in steps)


def once(pairs):
    """An object in which each name occurs once: readers differ in which of two counts."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def check_fields(entry, where):
    for name in FIELDS[entry["kind"]].split():
        need(name in entry, where, f"the {entry['kind']} has no `{name}`")
        value = entry[name]
        if name.endswith("_at") or name == "until":
            entry[name] = millis(value, where)
        elif name in ("length_ms", "count", "from", "to", "cut_bytes", "sessions", "took_ms", "size", "witnessed", "kept"):
            need(type(value) is int and value >= 0, where, f"`{name}` is no number")
        else:
            is_list = name in ("approvers", "steps") and isinstance(value, list)
            need(is_list or isinstance(value, bool if name in ("held", "needed", "good") else str), where, f"`{name}` is of another type")
    need(entry.get("drill", True) is True, where, "`drill` is not `true`")
    if "let_in_at" in entry:
        millis(entry["let_in_at"], where)


def read_statement(text, where):
    """The act and its lines: exactly those of the act, in their order."""
    lines = text.split("\n")
    act = lines[0].removeprefix("breakglass/v1 ")
    need(lines[0] != act and lines[-1] == "", where, "this is no statement")
    said = [line.partition(": ")[::2] for line in lines[1:-1]]
    if act in ACTS:
        seen = [name for name, _ in said[-2:-1] if name == "seen"]  # see verify_heads.py
        names = ["origin", "by", "at", *ACTS[act][0].split(), *seen, "nonce"]
        need([name for name, _ in said] == names, where, f"these are not the lines of `{act}`")
    plain = lambda value: re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value)
    return act, {name: plain(value) for name, value in said}
