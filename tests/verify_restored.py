"""What was lost where the broker went on from an older copy of its ledger, and the mark of it.

From docs/ledger-format.md; used by verify_story.py.
"""
from collections import deque
from verify_kinds import need
from verify_keys import Tree, leaf, open_checkpoint

RESTORED_WITHIN = 65_536


class Marks:
    """Each `ledger.restored`, and the tree of lately: to tell that a head that is lost is none of the ledger's."""

    def __init__(self, keys, tree):
        self.keys, self.tree, self.behind, self.lately, self.passed = keys, tree, Tree(), deque(), 0
        self.line, self.next, self.first, self.told, self.lost, self.passing = None, {}, {}, [], [], None

    def grown(self, line):
        """The entry before this one is in the tree by now, or more than that was passed over."""
        if self.line is not None:
            self.lately.append(leaf(self.line))
        if len(self.lately) > RESTORED_WITHIN:
            self.behind.push_node(0, self.lately.popleft())
        if self.behind.size + len(self.lately) != self.tree.size:
            self.behind, self.passed, self.passing = self.tree.copy(), self.tree.size, None
            self.lately.clear()
        self.line = line

    def root_at(self, size):
        if not self.behind.size <= size <= self.behind.size + len(self.lately):
            return None
        tree = self.behind.copy()
        for _, hashed in zip(range(size - self.behind.size), self.lately):
            tree.push_node(0, hashed)
        return tree.root()

    def need_marked(self, entry, where):
        """Places are passed over up to where the ledger was handed over, and right behind that stands the mark of what is lost with them."""
        kind = entry["kind"]
        if kind == "ledger.lost":
            self.passing = entry["index"] if self.passing is None else self.passing
        elif kind == "ledger.restored" and self.passing is not None:
            need(entry["kept"] <= self.passing, where, f"the places from {self.passing} on are passed over, and it says that they were kept")
            self.passing = None
        elif not (kind == "key.added" and "succession" in entry):
            self.need_none_passing(where)

    def need_none_passing(self, where):
        need(self.passing is None, where, f"the places from {self.passing} on are passed over, and no mark says what is lost")

    def take(self, entry, where):
        kind = entry["kind"]
        if kind == "ledger.restored":
            return self.mark(entry, where)
        if kind == "ledger.lost":
            return self.pass_over(1)
        name = {"incident.opened": "incident", "grant.requested": "grant", "session.opened": "session"}.get(kind)
        if name:
            text = entry[name].rpartition("-")[2]
            number = int(text) if text.isascii() and text.isdigit() else 0
            need(number >= self.first.get(name, 0), where, f"{entry[name]} may have been given before, in what is lost")
            self.next[name] = max(self.next.get(name, 1), number + 1)

    def mark(self, entry, where):
        kept, size, here = entry["kept"], entry["size"], entry["index"]
        signed, root = open_checkpoint(entry["checkpoint"], self.keys.any(), where)
        need(signed == size, where, f"it says another size than the head of what is lost, {signed}")
        need(kept < size and kept <= here, where, "it says that more was kept than both histories have")
        if size <= here:
            ours = self.root_at(size)
            need(ours is not None or size < self.passed, where, f"what it calls lost ended at {size} entries, which is not of lately")
            need(ours != root, where, "the head that it calls lost is one of this ledger")
        self.pass_over(size - kept)
        self.lost.append((kept, size, root))
        self.told.append(f"RESTORED from a copy of {kept} entries, and entries {kept} to {size - 1} of before are lost: entry {here}")

    def pass_over(self, lost):
        """Each of so many entries that are lost may have given an id of each sort."""
        for name in ("incident", "grant", "session"):
            self.next[name] = self.first[name] = self.next.get(name, 1) + lost

    def names(self, size, root):
        """Whether a signed head that is none of this ledger's may be one of what is lost: the very head, or one before it and behind what was kept."""
        return any(root == lost if size == of else kept < size < of for kept, of, lost in self.lost)

    def tell(self):
        for mark in self.told:
            print(mark)
