"""The policy, as docs/policy.md tells it: who may ask for what, on whose word, and how long.

Used by verify_story.py.
"""
import re, tomllib
from verify_kinds import MINUTE, need

# The steps of a drill, in order, and how many seconds each may take where the policy does not say.
DRILL_STEPS = {"open": 5, "ask": 5, "approve": 300, "credential": 5, "use": 60, "close": 5, "kill": 10, "ended": 5, "verify": 30}


class Rules:
    """A policy: who is on the team, what each may ask for and on whose word."""

    def __init__(self, text):
        toml = tomllib.loads(text.removeprefix("\ufeff"))
        self.people, self.rights = toml.get("people", {}), toml.get("rights", {})
        self.rules, self.duties, self.targets = toml.get("rules", []), toml.get("duties", {}), toml.get("targets", {})
        self.sources, self.witnesses = toml.get("sources", {}), toml.get("witnesses")
        self.drills = toml.get("drills")
        self.incident_longest = self.length(toml.get("incidents", {}).get("longest", "8h"))
        days = toml.get("review", {}).get("days")
        self.review_within = days and days * 24 * 60 * MINUTE

    @staticmethod
    def length(text):
        """`45s`, `15m`, `1h 30m` in milliseconds."""
        units = {"s": 1_000, "m": MINUTE, "h": 60 * MINUTE, "d": 24 * 60 * MINUTE}
        parts = re.findall(r"(\d+)\s*(s|m|h|d)[a-z]*,?\s*", text)
        need(parts and re.fullmatch(r"(\d+\s*[smhd][a-z]*,?\s*)+", text), "policy", f"the length {text} cannot be read")
        return sum(int(number) * units[unit] for number, unit in parts)

    def selects(self, selectors, person):
        job = self.people.get(person, {}).get("job")
        return job is not None and (person in selectors or f"job:{job}" in selectors)

    def knows(self, who):
        """A person, or `target:ID`, the guard of a target, or `source:NAME`, an alert source."""
        if who.startswith("source:"):
            return who.removeprefix("source:") in self.sources
        target = who.removeprefix("target:")
        return who in self.people if target == who else target in self.targets

    def said(self, person, name, kind):
        """What a kind of credential says under a right; nothing where there is none of it."""
        right = self.rights[name]
        ssh, postgres, kubernetes = right.get("ssh"), right.get("postgres", {}), right.get("kubernetes", {})
        if kind == "jwt" and "audience" in right:
            return {"groups": kubernetes.get("groups", [])}
        if kind == "ssh" and ssh:
            extensions = sorted(ssh.get("extensions", ["permit-pty"]))
            return {"principals": ssh["principals"], "extensions": extensions, "source_addresses": ssh.get("source_addresses", [])}
        if kind == "x509" and postgres.get("way") == "certificate":
            return {"common_name": postgres["role"], "organizations": [f"postgres:{postgres['target']}:{postgres['role']}"]}
        if kind == "x509" and kubernetes.get("way") == "certificate":
            return {"common_name": person, "organizations": kubernetes["groups"]}
        if kind == "postgres" and postgres.get("way") == "role":
            return {"target": postgres["target"], "member_of": postgres["role"]}

    def leads(self, name, target):
        right, known = self.rights.get(name, {}), self.targets.get(target, {})
        named = right.get("ssh", {}).get("targets", []) + [right.get(way, {}).get("target") for way in ("postgres", "kubernetes")]
        return target in named or (known.get("kind") == "http" and known["address"] == right.get("audience"))

    def unlocks(self, source, right):
        """Whether a right can be asked for on the word of an alert source alone."""
        known = self.sources.get(source)
        return known is not None and right in known.get("rights", [name for name, it in self.rights.items() if it["risk"] == "low"])

    def needs_witnesses(self, right):
        """Whether its credentials are given only when enough witnesses have signed the ledger."""
        return self.rights.get(right, {}).get("without_witnesses", "mark") == "refuse"

    def unlocked_by_drills(self, right):
        return self.drills is not None and right in self.drills["rights"]

    def drill_budget(self, step):
        """How long a step of a drill may take, in milliseconds."""
        written = self.drills.get("budgets", {}).get(step)
        return self.length(written) if written else DRILL_STEPS[step] * 1_000

    def given(self, person, right):
        """What the first rule says that gives the person the right; nothing where none does."""
        for rule in self.rules:
            if right in rule["rights"] and right in self.rights and self.selects(rule["who"], person):
                known, alone = self.rights[right], None
                if rule.get("if_nobody_answers") == "self-grant":
                    alone = self.length(rule["self_grant_after"]), self.length(rule["self_grant_longest"])
                callers = [who for who in sorted(self.people) if who != person and self.selects(rule.get("call", []), who)]
                then = [who for who in sorted(self.people) if who != person and self.selects(rule.get("then_approvers", []), who)]
                approvers = [who for who in sorted(self.people) if who != person and self.selects(rule["approvers"], who)]
                return {"rule": rule["name"], "sentence": known["sentence"], "risk": known["risk"], "audience": known.get("audience", f"right:{right}"),
                        "approvers": approvers, "longest": self.length(known["longest"]), "alone": alone,
                        "callers": callers, "calls": "call" in rule, "asks": bool(rule["approvers"]),
                        "then": [who for who in then if who not in approvers], "then_after": self.length(rule.get("escalate_after", "0s"))}
