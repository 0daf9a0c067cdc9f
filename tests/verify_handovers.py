"""Handing over: by whom, to whom, until when, and that at every moment one of the two has it.

Written from docs/ledger-format.md; a part of verify_story.py.
"""
from verify_kinds import BROKER, millis, need


class Handovers:
    """What a story checks of grants that are handed over; `swap` is an ending that has to follow, `left` what has to end with it."""

    def hand_over(self, entry, where):
        """The holder of an active grant asks for somebody else, who can use it, to the same end at most."""
        name, old, person, at = entry["grant"], entry["from"], entry["person"], entry["at"]
        need({"since", "until"} <= set(entry) and not {"self_grant", "key"} & set(entry) and not entry["held"], where, f"{name} is handed over, and is held, bound to a key, or may be begun alone")
        entry["since"], entry["until"] = millis(entry["since"], where), millis(entry["until"], where)
        need(old in self.grants, where, f"{old} does not live, and is handed over")
        other = self.grants[old]
        need("basis" in other and at < other["ends_at"], where, f"{old} is not active, and is handed over")
        need(entry["by"] == other["person"] != person, where, f"{old} is handed over by {entry['by']} to {person}, and is of {other['person']}")
        need(all(entry[field] == other[field] for field in ("right", "incident")), where, f"{name} is of another right or incident than {old}")
        need(max(entry["until"], entry["lapses_at"]) <= other["ends_at"], where, f"{name} may last or wait longer than {old}")
        need(entry["since"] == other.get("since", other["begins_at"]), where, f"{name} counts from another time than {old}")
        need(person not in self.frozen and any(whose[0] == person for whose in self.keys.values()), where, f"{person} is frozen or has no key")
        need((entry["incident"], person, entry["right"]) not in self.vetoed, where, f"a self-grant of {person} was vetoed, and {old} is handed over to them")
        theirs = [of for of, it in self.grants.items() if all(it[field] == entry[field] for field in ("person", "right", "incident"))]
        need(not theirs, where, f"{person} has {theirs}, and {old} is handed over to them")

    def check_handovers(self, entry, where):
        """A grant that was handed over begins, and the other one ends in the next entry; what waits for one that ended is over just then."""
        swap, self.swap = self.swap, None
        ends_so = entry["kind"] == "grant.ended" and entry.get("ending") == "handed-over"
        is_it = swap and ends_so and (entry.get("grant"), entry.get("to"), entry.get("to_person"), entry["at"], entry["by"]) == (*swap, BROKER)
        need(not swap or is_it, where, f"{swap and swap[1]} began, and the end of {swap and swap[0]} does not stand behind it")
        need(swap or not ends_so, where, f"{entry.get('grant')} ends as handed over, and nothing began just then")
        self.left = {name: at for name, at in self.left.items() if "basis" not in self.grants.get(name, {"basis": ""})}
        need(all(at >= entry["at"] for at in self.left.values()), where, f"{list(self.left)} waits on, and what it was to be handed over from is over")

    def check_whole(self, where):
        """Nothing is missing at the end of the ledger."""
        self.check_vetoed(None, where)
        self.restored.need_none_passing(where)
        need(not self.swap and not any(name in self.grants for name in self.left), where, "a grant was handed over by half")
