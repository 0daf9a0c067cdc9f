"""What the entries of a ledger say: who signed what, who may do what, what lives and how long.

Written from docs/ledger-format.md alone, steps 4 to 8 of "What to verify"; used by verify_ledger.py.
"""
import base64, json
from verify_kinds import (
    ABOUT_GRANT, ACTS, BROKER, BY_BROKER, BY_GUARDS, BY_PEOPLE, BY_SOURCES, DAY, DUTIES, ENDING_ACTS, FIELDS, MINUTE, ONLY_BY_SOURCES,
    SIGNED, UNSIGNED, Wrong, check_fields, millis, need, once, read_statement, steps_line,
)
from verify_alone import Alone
from verify_debts import Debts
from verify_handovers import Handovers
from verify_heads import Heads
from verify_keys import PersonKey, sha
from verify_policy import DRILL_STEPS, Rules
from verify_successions import Succeeding
from verify_restored import Marks
from verify_witnesses import Witnesses


class Story(Handovers, Alone):
    """What the entries say, folded: who may act, what the policy gives, what lives and how long."""

    def __init__(self, keys, tree):
        """Of a ledger with this key; the tree is that of the entries before the one that is read."""
        origin, self.witnesses, self.succeeding = keys.name, Witnesses(keys, tree), Succeeding(keys)
        self.restored, self.heads = Marks(keys, tree), Heads(keys, tree)
        self.origin, self.newest, self.rules, self.owed = origin, 0, None, None
        self.keys, self.tokens, self.tokens_ever, self.frozen = {}, {}, set(), set()
        self.incidents, self.incidents_ever, self.grants, self.grants_ever = {}, set(), {}, set()
        self.sessions, self.roles, self.heard, self.unknown = {}, {}, set(), 0
        self.over, self.drawn, self.vetoed, self.begun, self.streams = {}, {}, set(), {}, {}
        self.delivered, self.debts, self.drills = {}, Debts(), {}
        self.swap, self.left, self.before = None, {}, {}

    def read(self, line, place, where):
        """The next entry, as it stands on its line."""
        try:
            entry = json.loads(line, object_pairs_hook=once)
            self.witnesses.grown(self.rules)
            self.restored.grown(line)
            self.heads.grown(line)
            missing = [name for name in ("v", "index", "at", "kind", "by") if name not in entry]
            need(not missing, where, f"the entry has no {missing}")
            need(type(entry["v"]) is int and type(entry["index"]) is int, where, "its version or its place is no whole number")
            need(entry["v"] == 1 and entry["index"] == place, where, "not the next entry")
            self.take(entry, where)
        except (AttributeError, KeyError, TypeError, ValueError) as why:
            raise Wrong(f"{where}: it cannot be read: {why}") from why

    def take(self, entry, where):
        kind, by = entry["kind"], entry["by"]
        entry["at"] = at = millis(entry["at"], where)
        need(at >= self.newest, where, "time goes back")
        self.newest = at
        self.check_handovers(entry, where)
        self.check_vetoed(entry, where)
        self.restored.need_marked(entry, where)
        if kind not in FIELDS:
            self.unknown += 1
            self.hear(entry, where)
            return self.heads.check(entry, where)
        check_fields(entry, where)
        self.succeeding.take(entry, where)
        if kind != "incident.opened":
            need((entry.get("incident") in self.drills) == ("drill" in entry), where, f"{kind} is not marked as its incident is")
        need((kind in BY_BROKER) <= (by == BROKER), where, f"no {kind} is ever by {by}")
        need((kind in BY_GUARDS) == by.startswith("target:"), where, f"no {kind} is ever by {by}")
        is_source = by.startswith("source:")
        need(kind in BY_SOURCES or kind == "refused" if is_source else kind not in ONLY_BY_SOURCES, where, f"no {kind} is ever by {by}")
        if kind == "refused":
            self.heads.check(entry, where)
            return self.settle(where)
        if kind in ("person.enrolled", "target.enrolled"):
            self.enrol(entry, where)
        act, said = self.hear(entry, where) if "signed" in entry else (None, {})
        self.heads.check(entry, where)
        self.follow(entry, act, said, where)
        if kind == "broker.started":
            self.hear_rules(entry, where)
        if kind == "policy.loaded":
            need(entry["sha256"] == sha(entry["text"].encode()).hex(), where, "the policy has another hash")
            self.rules = Rules(entry["text"])
        self.may_act(entry, where)
        self.take_delivery(entry, where)
        self.debts.take(entry, self.rules, self.incidents, where)
        part, _, _ = kind.partition(".")
        if kind in ("incident.noted", "person.frozen", "person.removed"):
            self.unlock_further(entry)
        deed = {"person": self.person, "certificate": self.person, "target": self.person, "incident": self.incident,
                "grant": self.grant, "call": self.grant, "credential": self.grant, "session": self.at_target, "role": self.at_target,
                "review": self.review, "stream": self.stream, "drill": self.drill}.get(part)
        if deed:
            deed(entry, said, where)
        self.witnesses.take(entry, self.rules, where)
        self.restored.take(entry, where)

    @staticmethod
    def subject(entry):
        """Whom an entry is about: a person, or the guard of a target."""
        return f"target:{entry['target']}" if entry["kind"].startswith("target.") else entry["person"]

    def enrol(self, entry, where):
        whose, expires, maker = self.tokens.pop(entry["token"], (None, 0, None))
        need(whose == entry["by"] == self.subject(entry) and entry["at"] < expires, where, "no invitation that works")
        invites = maker == BROKER or (self.rules and self.rules.selects(self.rules.duties.get("invite", []), maker))
        need(invites, where, f"{maker}, who made the token, may not invite")
        point = base64.b64decode(entry["public"])
        key = base64.urlsafe_b64encode(sha(point)).rstrip(b"=").decode()
        need(key == entry["key"] == entry.get("signed", {}).get("key"), where, "the key's id is not its hash")
        need(key not in self.keys, where, "the key is enrolled twice")
        self.keys[key] = entry["by"], PersonKey(point)

    def hear(self, entry, where):
        """Checks a statement: by a key that works, for this ledger, once, fresh."""
        if "signed" not in entry:
            return None, {}
        signed, at, by = entry["signed"], entry["at"], entry["by"]
        need(signed["key"] in self.keys, where, "signed by a key that is not enrolled")
        person, public = self.keys[signed["key"]]
        is_theirs = public.has_signed(base64.b64decode(signed["signature"]), signed["text"].encode())
        need(is_theirs, where, f"{person}'s signature is not under this statement")
        act, said = read_statement(signed["text"], where)
        # Somebody who enrols need not know yet which ledger it is and what the broker calls them.
        empty = [""] if act == "enroll" else []
        need(person == by and said["by"] in [by, *empty], where, "not this person's statement")
        need(said["origin"] in [self.origin, *empty], where, "a statement for another ledger")
        need((signed["nonce"], signed["at"]) == (said["nonce"], said["at"]), where, "nonce or time are repeated wrongly")
        need((signed["key"], signed["text"]) not in self.heard, where, "the statement was used before")
        self.heard.add((signed["key"], signed["text"]))
        age = at - millis(said["at"], where)
        if act in ENDING_ACTS:
            need(age >= -24 * 60 * MINUTE, where, "the statement is from long after")
        elif act in ACTS:
            need(abs(age) <= 5 * MINUTE, where, "the statement is not fresh")
        return act, said

    def follow(self, entry, act, said, where):
        """The entry bears the statement of its act, goes on with one, or needs none."""
        kind, by = entry["kind"], entry["by"]
        deed = " ".join([kind] + [entry[name] for name in ("basis", "ending") if name in entry and kind.startswith("grant.")])
        if act:
            self.settle(where)
            need(act in ACTS and deed in ACTS[act][1:], where, f"`{act}` was signed, and {deed} is recorded")
            need(act not in ("request", "handover") or (act == "handover") == ("from" in entry), where, f"`{act}` was signed, and another request is recorded")
            need(kind != "incident.opened" or (act == "open-drill") == ("drill" in entry), where, f"`{act}` was signed, and an incident is marked otherwise")
            self.check_words(entry, act, said, where)
            if kind == "grant.ended" and deed == ACTS[act][-1] and len(ACTS[act]) > 2:
                self.owed = entry["at"], by, act, said
            if act in ("handover", "veto"):
                self.owed = entry["at"], by, act, entry
            return
        if self.owed and self.owed[:2] == (entry["at"], by):
            _, _, owed, said = self.owed
            if owed == "handover" and deed in ("grant.started approved", "grant.approved") and (entry["grant"], entry["index"]) == (said["grant"], said["index"] + 1):
                self.owed = None  # who hands over is one who may agree: what was signed says yes too
                return
            if owed == "veto" and self.is_veto(entry) and self.whose(entry) == self.whose(said):
                need(entry["reason"] == said["reason"], where, "a veto for another reason was signed")
                return
            if owed == "policy" and deed in ("person.removed", "target.removed", "grant.ended person-left"):
                return
            if owed not in ("policy", "handover", "veto") and deed in ACTS[owed][1:] and all(entry.get(name) == value for name, value in said.items() if name in ("incident", "person")):
                self.check_words(entry, owed, said, where)
                self.owed = None if deed == ACTS[owed][1] else self.owed
                return
        self.settle(where)
        known = deed in SIGNED or deed in UNSIGNED or kind != "grant.ended"
        free = (BY_BROKER | UNSIGNED) if by == BROKER else BY_PEOPLE | BY_GUARDS - {"target.enrolled"}
        free = BY_SOURCES if by.startswith("source:") and not (kind == "incident.opened" and "drill" in entry) else free
        need(deed in free or (by == BROKER and not known), where, f"{deed} by {by} without a statement")
        need(deed not in ("person.removed", "target.removed", "grant.ended person-left"), where, f"{deed}, and no policy was loaded")
        if kind == "policy.loaded":
            self.owed = entry["at"], by, "policy", {}

    def settle(self, where):
        """Where another act begins, the one before it is whole."""
        owed, self.owed = self.owed, None
        if owed and owed[2] in ("handover", "veto"):
            return
        if owed and owed[2] != "policy":
            raise Wrong(f"{where}: `{owed[2]}` was signed before, and {ACTS[owed[2]][1]} did not follow")
        if owed:
            for name, grant in self.grants.items():
                need(self.given(grant), where, f"{name} lives on, and the policy does not give it")
            people = [person for person, _ in self.keys.values()] + [p for p, expires, _ in self.tokens.values() if owed[0] < expires]
            for person in people:
                need(self.rules.knows(person), where, f"{person} is not removed, and not in the policy")

    def check_words(self, entry, act, said, where):
        yes = lambda text: text == "yes"
        for name in ACTS[act][0].split():
            field = {"token-sha256": "token", "requester": "person", "for": "length_ms", "to": "person"}.get(name, name)
            field = "from" if (act, name) == ("handover", "grant") else field
            if name in ("by-seconds", "spoke-at") or (name == "until" and act != "handover") or (name == "sentence" and act not in ("request", "handover")):
                continue  # compared with the grant
            value = {"for": lambda text: int(text) * 1_000, "held": yes, "needed": yes, "good": yes, "missing": lambda text: text or None,
                     "failed": lambda text: text or None}.get(name, str)(said[name])
            recorded = steps_line(entry, where) if name == "steps" else entry.get(field)
            need(recorded == value, where, f"`{name}: {said[name]}` was signed, and {entry.get(field)} is recorded")

    def may_act(self, entry, where):
        kind, by, rules = entry["kind"], entry["by"], self.rules
        if by == BROKER:
            return
        need(by not in self.frozen, where, f"{by} is frozen")
        need(rules is None or rules.knows(by), where, f"{by} is not in the policy")
        if by.startswith("source:"):
            return
        if kind == "incident.closed" and self.drills.get(entry["incident"], {}).get("by") == by:
            return  # who walks a drill closes it
        duty = DUTIES.get(kind) or ("freeze" if kind == "person.frozen" and by != entry["person"] else None)
        need(not duty or (rules and rules.selects(rules.duties.get(duty, []), by)), where, f"{by} has not the duty `{duty}`")

    def person(self, entry, _, where):
        kind, person = entry["kind"], self.subject(entry)
        if kind in ("person.invited", "target.invited"):
            need(entry["token"] not in self.tokens_ever, where, "the token was made before")
            need(self.rules is None or self.rules.knows(person), where, f"{person} is not in the policy")
            self.tokens_ever.add(entry["token"])
            self.tokens[entry["token"]] = person, entry["expires_at"], entry["by"]
        elif kind in ("certificate.renewed", "target.renewed"):
            need(person == entry["by"] and self.keys.get(entry["key"], [None])[0] == person, where, "a certificate of another key")
        elif kind == "person.unfrozen":
            need(person in self.frozen, where, f"{person} is not frozen")
            self.frozen.remove(person)
        elif kind in ("person.removed", "target.removed", "person.frozen"):
            left = [name for name, grant in self.grants.items() if grant["person"] == person]
            need(not left, where, f"{person} still has {left}")
            self.tokens = {token: whose for token, whose in self.tokens.items() if whose[2] != person}
            if kind == "person.frozen":
                need(person not in self.frozen, where, f"{person} is frozen already")
                self.frozen.add(person)
                return
            need(entry["by"] != BROKER or not self.rules.knows(person), where, f"{person} is in the policy")
            self.keys = {key: whose for key, whose in self.keys.items() if whose[0] != person}
            self.tokens = {token: whose for token, whose in self.tokens.items() if whose[0] != person}

    def closes_at(self, incident, at, where):
        need(at < self.incidents.get(incident, {"closes_at": 0})["closes_at"], where, f"{incident} is not open")
        return self.incidents[incident]["closes_at"]

    def incident(self, entry, _, where):
        kind, name, at, by = entry["kind"], entry["incident"], entry["at"], entry["by"]
        if kind == "incident.opened":
            need(name not in self.incidents_ever, where, f"{name} is opened twice")
            longest = min(self.rules.incident_longest, 60 * MINUTE) if "drill" in entry else self.rules.incident_longest
            need(entry["closes_at"] <= at + longest, where, f"{name} lasts longer than the policy allows")
            alert = entry.get("source"), entry.get("alert")
            said = all(isinstance(text, str) for text in alert) if by.startswith("source:") else alert == (None, None)
            need(said and alert[0] == (by.removeprefix("source:") if alert[0] else None), where, f"{name} by {by} names another source, or no alert")
            need(not alert[0] or all(it["alert"] != alert for it in self.incidents.values()), where, f"the alert of {name} has an open incident")
            self.incidents_ever.add(name)
            if "drill" in entry:
                need(self.rules.drills is not None, where, f"{name} is a drill, and the policy has none")
                need(entry["severity"] == "sev3", where, f"{name} is a drill, and not a sev3")
                self.drills[name] = {"by": by, "issued": False, "recorded": False}
            end = entry["closes_at"]
            self.incidents[name] = {"severity": entry["severity"], "closes_at": end, "usual_end": end, "alert": alert, "resolved": False, "held": False, "noted_by": set(), "said_at": self.said_at(entry, where)}
        elif kind == "incident.closed":
            need(name in self.incidents, where, f"{name} is closed, and was not open")
            need(by != BROKER or at >= self.incidents[name]["closes_at"], where, f"{name} is closed by the broker before its time")
            left = [grant for grant, it in self.grants.items() if it["incident"] == name]
            need(not left, where, f"{name} is closed, and {left} live")
            del self.incidents[name]
            self.before = {whose: it for whose, it in self.before.items() if whose[2] != name}
        elif kind in FIELDS:
            self.closes_at(name, at, where)
            self.goes_on(entry, self.incidents[name], where)

    def take_delivery(self, entry, where):
        """What a source delivers counts once while the broker remembers it."""
        by, at, delivery = entry["by"], entry["at"], entry.get("delivery")
        if entry["kind"] not in BY_SOURCES or delivery is None:
            return
        need(by.startswith("source:") and isinstance(delivery, str), where, f"{by} delivers {delivery}, and is no alert source")
        self.delivered = {known: taken for known, taken in self.delivered.items() if at < taken + 120 * MINUTE}
        need((by, delivery) not in self.delivered, where, f"{by} delivers {delivery} a second time")
        self.delivered[by, delivery] = at

    @staticmethod
    def said_at(entry, where):
        """When what a source delivered was signed, or happened, and never later than it was taken; nothing where it does not say."""
        return min(entry["said_at"] if type(entry["said_at"]) is int else millis(entry["said_at"], where), entry["at"]) if "said_at" in entry else None

    def goes_on(self, entry, incident, where):
        """What happens to an incident that is open."""
        kind, name, end = entry["kind"], entry["incident"], incident["usual_end"]
        need(kind not in ONLY_BY_SOURCES or entry["by"] == f"source:{incident['alert'][0]}", where, f"{entry['by']} did not open {name}")
        if kind in ONLY_BY_SOURCES:
            said, newest = self.said_at(entry, where), incident["said_at"]
            need(said is None or newest is None or said >= newest, where, f"{kind} of {name} is older than what was taken before")
            incident["said_at"] = newest if said is None else said
        if kind == "incident.noted":
            incident["noted_by"].add(entry["by"])
        elif kind == "incident.warned":
            need(entry["closes_at"] == incident["closes_at"], where, f"{name} closes at another time")
        elif kind == "incident.resolved":
            grace = self.rules.length(self.rules.sources[incident["alert"][0]].get("grace", "10m"))
            earliest = end if incident["held"] else min(end, entry["at"] + grace)
            need(not incident["resolved"] and earliest <= entry["closes_at"] <= end, where, f"{name} is resolved twice, or closes too early or too late")
            incident.update(resolved=True, closes_at=entry["closes_at"])
        elif kind == "incident.refired":
            need(incident["resolved"] and entry["closes_at"] == end, where, f"{name} was not resolved, or closes at another time")
            incident.update(resolved=False, closes_at=end)
        elif kind == "incident.held":
            need(incident["alert"][0], where, f"no alert opened {name}")
            incident.update(held=True, closes_at=end)

    def is_confirmed(self, name, right):
        """Opened by a person, known to somebody who could have, or the source alone unlocks the right."""
        incident = self.incidents[name]
        knows = any(self.rules.selects(self.rules.duties.get("open_incidents", []), who) for who in incident["noted_by"])
        return not incident["alert"][0] or incident["held"] or knows or self.rules.unlocks(incident["alert"][0], right)

    def grant(self, entry, said, where):
        kind, name = entry["kind"], entry["grant"]
        if kind == "grant.requested":
            return self.request(entry, where)
        need(name in self.grants, where, f"{name} does not live")
        grant = self.grants[name]
        for field in ("person", "right", "incident"):
            need(entry[field] == grant[field], where, f"{name} was asked for with another {field}")
        given = self.given(grant)
        if kind == "grant.started":
            return self.start(entry, said, grant, given, where)
        if kind == "grant.ended":
            return self.end(entry, grant, given, where)
        if kind == "grant.escalated":
            return self.escalate(entry, grant, where)
        if kind in ("call.recorded", "grant.approved"):
            return self.unlock(entry, said, grant, given, where)
        need("basis" in grant and entry["at"] < grant["ends_at"], where, f"{name} is not active")
        if kind == "grant.extended":
            return self.extend(entry, said, grant, given, where)
        need(entry["by"] == grant["person"], where, f"{name} is not of {entry['by']}")
        if kind == "credential.issued":
            self.closes_at(grant["incident"], entry["at"], where)
            grant["credentials"] = number = grant.get("credentials", 0) + 1
            need(entry["credential"] == f"{name}.{number}", where, f"the credential is not {name}.{number}")
            self.check_credential(entry, grant, where)
            need(entry["expires_at"] <= grant["ends_at"], where, "the credential outlives its grant")
            if "drill" in entry:
                self.drills[entry["incident"]]["issued"] = True

    def check_credential(self, entry, grant, where):
        """It is for whom and as whom the request and the policy say."""
        name, kind, subject = entry["grant"], entry["credential_kind"], entry.get("subject", {"groups": []})
        is_theirs = self.keys.get(entry["key"], [None])[0] == grant["person"]
        for field in ("audience", "key"):
            own_key = field == "key" and (kind in ("ssh", "x509") or ("from" in grant and is_theirs))  # made for this certificate, or handed over
            need(own_key or entry[field] == grant.get(field), where, f"the credential has another {field} than {name}")
        said = self.rules.said(grant["person"], grant["right"], kind)
        need(said, where, f"the policy gives no credential of kind {kind}")
        for field, value in said.items():
            need(subject.get(field) == value, where, f"the credential says `{field}: {subject.get(field)}`, and the policy {value}")
        if "role" in subject:
            need(subject["role"] not in self.roles, where, f"the role {subject['role']} is announced twice")
            self.roles[subject["role"]] = [grant[field] for field in ABOUT_GRANT.split()] + [subject["target"]]

    def at_target(self, entry, _, where):
        """Sessions and roles: each under a grant, at a target, and over once."""
        kind, target = entry["kind"], entry["target"]
        known, name = (self.roles, entry["role"]) if kind.startswith("role.") else (self.sessions, entry["session"])
        place = [entry[field] for field in (ABOUT_GRANT + "target").split()]
        need(kind not in BY_GUARDS or entry["by"] == f"target:{target}", where, f"{entry['by']} speaks for {target}")
        if kind != "session.opened":
            need(known.get(name) == place, where, f"{kind} of {name}, which is over, elsewhere, or never was")
            if kind in ("session.ended", "role.dropped"):
                del known[name]
                self.drawn.pop(name, None)
            return
        # Whom a guard let in by itself it reports when the broker is back; the grant may be over by then.
        ended_at, grant = self.over.get(entry["grant"], (0, {})) if "let_in_at" in entry and "once" in entry else (0, {})
        is_late = "basis" in grant and entry["at"] < ended_at + DAY
        grant = grant if is_late else self.grants.get(entry["grant"], {})
        need(is_late or "basis" in grant and entry["at"] < grant["ends_at"], where, f"{entry['grant']} is not active")
        need(all(entry[field] == grant[field] for field in ABOUT_GRANT.split()), where, f"{name} is under another grant")
        issued = [f"{entry['grant']}.{number}" for number in range(1, grant.get("credentials", 0) + 1)]
        need(entry["credential"] in issued, where, f"{entry['credential']} was never issued")
        need(self.rules.leads(entry["right"], target), where, f"{entry['right']} does not lead to {target}")
        need(name not in known, where, f"{name} is opened twice")
        drawn = target, entry.get("once")
        need(drawn[1] is None or drawn not in self.drawn.values(), where, f"{name} is a login that is open already")
        known[name], self.drawn[name] = place, drawn

    def request(self, entry, where):
        name, at, by, alone = entry["grant"], entry["at"], entry["by"], entry.get("self_grant")
        need(name not in self.grants_ever, where, f"{name} is asked for twice")
        if "from" in entry:
            self.hand_over(entry, where)
        else:
            need(by == entry["person"] and entry["key"] == entry["signed"]["key"], where, "in another's name, or for another's key")
        need(entry["lapses_at"] <= self.closes_at(entry["incident"], at, where), where, f"{name} waits longer than its incident lasts")
        need(self.is_confirmed(entry["incident"], entry["right"]), where, f"nobody has confirmed {entry['incident']}")
        given = self.rules and self.given(entry)
        need(given, where, f"the policy does not give {entry['person']} {entry['right']}")
        for field in ("rule", "sentence", "risk", "audience", "approvers"):
            need(entry[field] == given[field], where, f"the policy says `{field}: {given[field]}`, and not {entry[field]}")
        need(entry.get("call", []) == given["callers"], where, f"the policy has `call: {given['callers']}`, and not {entry.get('call')}")
        need(given["callers"] or not given["calls"], where, f"{name} needs a call, and the policy names nobody for it")
        need(entry["length_ms"] <= given["longest"], where, f"{name} is longer than the policy allows")
        if alone:
            need((entry["incident"], by, entry["right"]) not in self.vetoed, where, f"{name} allows a self-grant that was vetoed")
            alone = millis(alone["from"], where), alone["longest_ms"]
            need(given["alone"] and alone[0] >= at + given["alone"][0] and alone[1] <= min(given["alone"][1], entry["length_ms"]),
                 where, f"{name} allows a self-grant that the policy does not")
        self.check_escalation(entry, given, where)
        self.grants_ever.add(name)
        self.grants[name] = dict(entry, alone=alone, escalated=False, stood_still=0, callers=entry.get("call", []), calls=[], yes={}, noted=set(), moved=None)

    def check_escalation(self, entry, given, where):
        """To whom the policy says, after its time; at once where none of those who are asked first is there."""
        name, pinned = entry["grant"], entry.get("escalation")
        need((pinned or {}).get("approvers", []) == given["then"], where, f"{name} goes to others than the policy says if nobody answers")
        if pinned:
            has_key = {who for who, _ in self.keys.values()}
            there = [who for who in entry["approvers"] if who in has_key and who not in self.frozen]
            said = entry["at"] + given["then_after"] if there else entry["at"]
            need(millis(pinned["at"], where) == said and given["then"], where, f"{name} goes to others at another time than the policy says")

    def escalate(self, entry, grant, where):
        name, at, pinned = entry["grant"], entry["at"], grant.get("escalation")
        need("basis" not in grant and at < grant["lapses_at"], where, f"{name} escalates, and does not wait")
        self.closes_at(grant["incident"], at, where)
        need(pinned and not grant["escalated"], where, f"{name} escalates twice, or goes to nobody else")
        need(at >= millis(pinned["at"], where), where, f"{name} escalates too early")
        need(entry["approvers"] == pinned["approvers"], where, f"{name} escalates to others than it was to")
        self.escalated(entry, grant, millis(pinned["at"], where))
        grant.update(escalated=True, approvers=grant["approvers"] + pinned["approvers"])

    @staticmethod
    def lets_approve(grant, given, who):
        """The policy does: from the beginning, or because it has escalated."""
        return who in given["approvers"] or (grant["escalated"] and who in given["then"])

    def start(self, entry, said, grant, given, where):
        name, at, by, basis = entry["grant"], entry["at"], entry["by"], entry["basis"]
        need("basis" not in grant and at < grant["lapses_at"], where, f"{name} begins, and does not wait")
        need(given and all(given[field] == grant[field] for field in ("rule", "sentence")), where, f"the policy does not give {name} any more")
        latest = [at + grant["length_ms"], at + given["longest"], self.closes_at(grant["incident"], at, where)]
        yes_along = "from" in grant and (by, at, entry["index"]) == (grant["by"], grant["at"], grant["index"] + 1)
        need(basis in ("fast-path", "called") or yes_along or said["sentence"] == grant["sentence"], where, f"the sentence of {name} is another")
        need(basis == "called" or not (given["calls"] or grant["callers"]), where, f"{name} begins without a call")
        if basis == "called":
            latest += self.check_unlocked(entry, grant, given, where)
        elif basis == "fast-path":
            need(not (given["asks"] or grant["approvers"]) and grant["risk"] == "low", where, f"{name} needs a yes")
            need((entry["index"], at) == (grant["index"] + 1, grant["at"]), where, f"nobody asked for {name} just then")
        elif basis == "approved":
            need(by != grant["person"], where, f"{by} approves their own {name}")
            need(by in grant["approvers"] and self.lets_approve(grant, given, by), where, f"{by} is no approver of {name}")
            latest.append(grant["until"] if yes_along else millis(said["until"], where))
        else:
            need(basis == "self-granted", where, f"`{basis}` is no way to begin")
            need(by == grant["person"] and grant["alone"] and given["alone"], where, f"{name} allows no self-grant")
            need((grant["incident"], by, grant["right"]) not in self.vetoed, where, f"{name} begins alone, and that was vetoed")
            need(at >= grant["alone"][0], where, f"{name} begins alone too early")
            self.need_none_alone(entry, where)
            need(grant["escalated"] or "escalation" not in grant, where, f"{name} begins alone before everybody was asked")
            latest += [at + grant["alone"][1], at + given["alone"][1]]
        self.count_alone(entry, grant, where)
        if "from" in grant:
            other = self.grants.get(grant["from"], {})
            need("basis" in other and at < other["ends_at"], where, f"{grant['from']} is not active, and {name} was to be handed over from it")
            latest += [grant["until"], other["ends_at"]]
            self.swap = grant["from"], name, grant["person"], at
        need(at < entry["ends_at"] <= min(latest), where, f"{name} lasts longer than it may")
        grant.update(basis=basis, begins_at=at, ends_at=entry["ends_at"])
        if "drill" not in entry:  # nothing was broken in one, so nobody is asked about it
            self.begun[name] = [grant[field] for field in ABOUT_GRANT.split()]

    def given(self, grant):
        """What the policy gives of a grant; under a drill only what it lists for drills."""
        is_unlocked = "drill" not in grant or self.rules.unlocked_by_drills(grant["right"])
        return self.rules.given(grant["person"], grant["right"]) if is_unlocked else None

    def drill(self, entry, _, where):
        """How a drill went: once, by who walked it, when it is over; and good only where it was."""
        name, drill, steps = entry["incident"], self.drills.get(entry["incident"]), entry["steps"]
        need(drill, where, f"drill.recorded of {name}, which is no drill")
        need(drill["by"] == entry["by"], where, f"{name} was walked by {drill['by']}")
        need(name not in self.incidents, where, f"{name} is recorded, and still open")
        need(not drill["recorded"], where, f"{name} is recorded a second time")
        drill["recorded"], taken = True, {step["step"]: step for step in steps}
        need([step["step"] for step in steps] == [step for step in DRILL_STEPS if step in taken], where, f"the steps of {name} are not in their order")
        need(entry["good"] != ("failed" in entry), where, f"{name} is good, and something failed, or the other way round")
        if not entry["good"]:
            return
        need(self.rules.drills is not None, where, f"{name} is good, and the policy has no drills")
        for step in DRILL_STEPS:
            budget = self.rules.drill_budget(step)
            need(step in taken and taken[step]["took_ms"] <= taken[step]["budget_ms"] == budget, where, f"{name} is good, and not its step `{step}`")
        need(drill["issued"], where, f"{name} is good, and no credential was issued")
        left = [what for what, place in [*self.sessions.items(), *self.roles.items()] if place[3] == name]
        need(not left, where, f"{name} is good, and {left} is not over")

    def review(self, entry, _, where):
        """Once for each grant that began, when its incident is over."""
        need(entry["incident"] not in self.incidents, where, f"{entry['incident']} is reviewed, and open")
        of = [entry[field] for field in ABOUT_GRANT.split()]
        need(self.begun.pop(entry["grant"], None) == of, where, f"{entry['grant']} is reviewed, and never began, or was before")

    def stream(self, entry, _, where):
        """Begins once before it ends, and not after the entry that says so."""
        name, kind = entry["stream"], entry["stream_kind"]
        if entry["kind"] == "stream.ended":
            return need(self.streams.pop(name, None) == kind, where, f"the stream {name} of {kind} ends, and does not go on")
        need(name not in self.streams, where, f"the stream {name} goes on already")
        need(entry["from"] <= entry["index"], where, f"the stream {name} begins later")
        self.streams[name] = kind

    def unlock(self, entry, said, grant, given, where):
        """A call or a yes on the way of a request that needs a call."""
        name, at, by = entry["grant"], entry["at"], entry["by"]
        need(grant["callers"] and "basis" not in grant and at < grant["lapses_at"], where, f"{name} waits for no call")
        self.closes_at(grant["incident"], at, where)
        need(given and all(given[field] == grant[field] for field in ("rule", "sentence")), where, f"the policy does not give {name} any more")
        yes_along = "from" in grant and (by, at, entry["index"]) == (grant["by"], grant["at"], grant["index"] + 1)
        need((yes_along or said["sentence"] == grant["sentence"]) and by != grant["person"], where, f"the word for {name} is another's, or of another sentence")
        if entry["kind"] == "call.recorded":
            need(by in grant["callers"] and by in given["callers"] and by not in grant["calls"], where, f"the call of {by} does not count for {name}")
            need(millis(said["spoke-at"], where) == entry["spoke_at"], where, "another time was signed")
            need(0 <= millis(said["at"], where) - entry["spoke_at"] <= 30 * MINUTE, where, "the call was not just before")
            grant["calls"].append(by)
        else:
            need(by in grant["approvers"] and self.lets_approve(grant, given, by) and grant["yes"].get(by, at) <= at, where, f"{by} is no approver of {name}, or says yes twice")
            need((grant["until"] if yes_along else millis(said["until"], where)) == entry["until"], where, "another end was signed")
            grant["yes"][by] = entry["until"]
        grant["moved"] = at

    def unlock_further(self, entry):
        """Notes in an incident, and the word of somebody who is stopped or gone."""
        for grant in self.grants.values():
            if "basis" in grant:
                continue
            if entry["kind"] != "incident.noted":
                grant["calls"] = [by for by in grant["calls"] if by != entry["person"]]
                grant["yes"].pop(entry["person"], None)
            elif entry["incident"] == grant["incident"] and entry["by"] in [grant["person"], *grant["callers"]]:
                grant["noted"].add(entry["by"])
                grant["moved"] = entry["at"]

    def check_unlocked(self, entry, grant, given, where):
        """Nothing is missing; the latest end that was agreed to, where somebody was asked."""
        name, at = entry["grant"], entry["at"]
        need(entry["by"] == BROKER and grant["callers"] and grant["moved"] == at, where, f"nothing was done for {name} just then")
        called = [by for by in grant["calls"] if by in given["callers"]]
        need(called, where, f"{name} begins without a call")
        need(grant["noted"] & {grant["person"], *called}, where, f"{name} begins without a note")
        yes = [until for by, until in grant["yes"].items() if self.lets_approve(grant, given, by) and until > at]
        need(yes or not (given["asks"] or grant["approvers"]), where, f"{name} begins without a yes")
        return [max(yes)] if yes else []

    def extend(self, entry, said, grant, given, where):
        name, by = entry["grant"], entry["by"]
        need(given and all(given[field] == grant[field] for field in ("rule", "sentence")), where, f"the policy does not give {name} any more")
        approves = by != grant["person"] and by in grant["approvers"] and self.lets_approve(grant, given, by)
        if grant["basis"] == "called" and not grant["approvers"]:
            approves = by != grant["person"] and by in grant["callers"] and by in given["callers"]
        alone = by == grant["person"] and (grant["basis"] == "self-granted" or not (given["asks"] or given["calls"]))
        need(approves if grant["basis"] in ("approved", "called") else alone, where, f"{by} may not extend {name}")
        longest = min(given["longest"], grant["alone"][1]) if grant["basis"] == "self-granted" else given["longest"]
        latest = [grant.get("since", grant["begins_at"]) + longest, grant["ends_at"] + int(said["by-seconds"]) * 1_000, self.closes_at(grant["incident"], entry["at"], where)]
        need(grant["ends_at"] < entry["ends_at"] <= min(latest), where, f"{name} lasts longer than it may")
        grant["ends_at"] = entry["ends_at"]

    def end(self, entry, grant, given, where):
        name, at, by, ending = entry["grant"], entry["at"], entry["by"], entry["ending"]
        fits = {
            "denied": lambda: "basis" not in grant and by in grant["approvers"] + grant["callers"],
            "lapsed": lambda: "basis" not in grant and (at >= grant["lapses_at"] or name in self.left),
            "expired": lambda: "basis" in grant and at >= grant["ends_at"],
            "dropped": lambda: by == grant["person"] or ("basis" not in grant and by == grant["by"]),
            "revoked": lambda: by in grant["approvers"] + grant["callers"] or grant.get("basis") == "self-granted" or self.rules.selects(self.rules.duties.get("revoke", []), by),
            "abandoned": lambda: grant["held"],
            "incident-closed": lambda: by != BROKER or at >= self.incidents[grant["incident"]]["closes_at"],
            "vetoed": lambda: by != grant["person"] and (name in self.run_alone(self.whose(grant), at) if "basis" in grant else grant["alone"] and "signed" in entry),
            "person-left": lambda: by != BROKER or not given,
        }.get(ending, lambda: True)
        need(fits(), where, f"{name} cannot end as {ending} by {by}")
        if ending == "vetoed":
            self.vetoed.add((grant["incident"], grant["person"], grant["right"]))
            self.just_vetoed = (self.whose(grant), at) if self.one_alone else None
        self.end_alone(grant, at)
        del self.grants[name]
        self.left |= {new: at for new, it in self.grants.items() if it.get("from") == name and "basis" not in it}
        self.over = {of: it for of, it in self.over.items() if at < it[0] + DAY} | {name: (at, grant)}
