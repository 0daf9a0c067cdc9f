"""What somebody has on nobody's word but their own: one of a right under an incident at a time, and a veto ends each; everybody had
the policy's time to answer, since they could be told and since the last of them was over; and they are counted.

Written from docs/ledger-format.md; a part of verify_story.py. Ledgers written before brokers held that are not held to it: `rules` of
`broker.started` says from where on one is, and taking it back changes nothing.
"""
from verify_kinds import need

# In milliseconds: a broker that runs asks others within so long of the time it was to.
ESCALATES_WITHIN = 10_000


class Alone:
    """What a story checks of self-grants; `one_alone` says whether it does, `just_vetoed` what has to be over."""

    one_alone, just_vetoed, timed = False, None, False

    def hear_rules(self, entry, where):
        """What a broker holds that starts; nobody knows whether anybody could be told before, so what waits waits anew."""
        rules = entry.get("rules", 0)
        need(type(rules) is int and rules >= 0, where, "`rules` is no number")
        self.one_alone = self.one_alone or rules >= 1
        self.timed = self.timed or rules >= 2
        for grant in self.grants.values():
            if rules >= 2 and entry["at"] < grant["lapses_at"]:
                self.stand_still(grant, entry["at"] - grant["at"])

    @staticmethod
    def stand_still(grant, in_all):
        """Of what waits and may be begun alone, in all so long does not count."""
        more = in_all - grant["stood_still"]
        if grant["alone"] and "basis" not in grant and more > 0:
            grant.update(alone=(grant["alone"][0] + more, grant["alone"][1]), lapses_at=grant["lapses_at"] + more, stood_still=in_all)

    def escalated(self, entry, grant, due):
        """Late, it moves what may be begun alone; a few seconds are not late."""
        late = entry["at"] - due
        if self.timed and late > ESCALATES_WITHIN:
            self.stand_still(grant, late)

    def count_alone(self, entry, grant, where):
        """It is counted, and everybody had their time again since the last of them was over."""
        said, alone = entry.get("alone_before", 0), entry["basis"] == "self-granted"
        need(type(said) is int and said >= 0, where, "`alone_before` is no number")
        begun, ended = self.before.get(self.whose(grant), (0, None)) if alone else (0, None)
        need(not self.timed or said == begun, where, f"{entry['grant']} says that {said} were begun alone before it, and {begun} were")
        if alone:
            patience = grant["alone"][0] - grant["at"] - grant["stood_still"]
            need(not self.timed or ended is None or entry["at"] >= ended + patience, where, f"{entry['grant']} begins alone, and it is too soon after the last")
            self.before[self.whose(grant)] = begun + 1, ended

    def end_alone(self, grant, at):
        if grant.get("basis") == "self-granted":
            self.before[self.whose(grant)] = self.before[self.whose(grant)][0], at

    def run_alone(self, of, at):
        """What runs at a time of this person, right and incident that its holder began alone."""
        alone = lambda grant: grant.get("basis") == "self-granted" and at < grant["ends_at"]
        return [name for name, grant in self.grants.items() if alone(grant) and self.whose(grant) == of]

    @staticmethod
    def whose(entry):
        return entry["person"], entry["right"], entry["incident"]

    def need_none_alone(self, entry, where):
        """Nobody begins alone while another like it runs that they began alone."""
        others = self.run_alone(self.whose(entry), entry["at"]) if self.one_alone else []
        need(not others, where, f"{entry['grant']} begins alone, and so did {others}")

    def check_vetoed(self, entry, where):
        """Behind a veto stands the end of whatever else its holder has of that right alone there; `entry` is the next one, or nothing."""
        vetoed, self.just_vetoed = self.just_vetoed, None
        if vetoed and not (entry and self.is_veto(entry) and (self.whose(entry), entry["at"]) == vetoed):
            need(not self.run_alone(*vetoed), where, f"{self.run_alone(*vetoed)} lives on, and was vetoed")

    @staticmethod
    def is_veto(entry):
        return entry["kind"] == "grant.ended" and entry.get("ending") == "vetoed" and {"person", "right", "incident"} <= set(entry)
