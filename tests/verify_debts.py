"""What is owed about incidents that are over: while answers are late, nothing begins without a yes.

From docs/ledger-format.md; used by verify_story.py.
"""
from verify_kinds import need


class Debts:
    """Grants that began, of which answers are owed; only so many count, as the broker counts them."""
    GRANTS, INCIDENTS = 100, 200

    def __init__(self):
        self.under, self.owed, self.asked_since = {}, {}, None
        # Of a part of a ledger: what is owed from before it is not known as a whole, so it does not count.
        self.counts_from = 0

    def take(self, entry, rules, incidents, where):
        kind, at, incident = entry["kind"], entry["at"], entry.get("incident")
        is_before = entry["index"] < self.counts_from
        if kind == "policy.loaded":
            since = at if self.asked_since is None else self.asked_since
            self.asked_since = since if rules.review_within else None
        elif kind == "grant.started":
            if not is_before and entry["basis"] == "fast-path" and incidents.get(incident, {}).get("severity") != "sev1":
                late = self.late(at, rules)
                need(not late, where, f"{entry['grant']} begins without a yes, and answers about {late} are late")
            if "drill" in entry:
                return  # nothing was broken in one, so nothing is owed for it
            begun = self.under.setdefault(incident, set())
            if len(begun) < self.GRANTS:
                begun.add(entry["grant"])
        elif kind == "incident.closed" and incident in self.under:
            begun = self.under.pop(incident)
            if is_before:
                return
            self.owed[incident] = at, begun
            if len(self.owed) > self.INCIDENTS:
                del self.owed[min(self.owed, key=lambda name: (self.owed[name][0], self.number(name)))]
        elif kind == "review.answered" and incident in self.owed:
            grants = self.owed[incident][1]
            grants.discard(entry["grant"])
            if not grants:
                del self.owed[incident]

    @staticmethod
    def number(name):
        return len(name), name

    def late(self, at, rules):
        """The first incident of which answers are late."""
        if self.asked_since is None or not rules or not rules.review_within:
            return None
        late = [name for name, (closed_at, _) in self.owed.items() if max(closed_at, self.asked_since) + rules.review_within <= at]
        return min(late, key=self.number, default=None)
