"""What somebody has on nobody's word but their own: one of a right under an incident at a time, and a veto ends each.

Written from docs/ledger-format.md; a part of verify_story.py. Ledgers written before brokers held that are not held to it: `rules` of
`broker.started` says from where on one is, and taking it back changes nothing.
"""
from verify_kinds import need


class Alone:
    """What a story checks of self-grants; `one_alone` says whether it does, `just_vetoed` what has to be over."""

    one_alone, just_vetoed = False, None

    def hear_rules(self, entry, where):
        """What a broker holds that starts."""
        rules = entry.get("rules", 0)
        need(type(rules) is int and rules >= 0, where, "`rules` is no number")
        self.one_alone = self.one_alone or rules >= 1

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
