"""What people had seen of the ledger when they signed: that it was this one.

From docs/ledger-format.md and docs/reference/statements.md; used by verify_story.py.
"""
import base64, re
from verify_kinds import ONLY_ENDING, need
from verify_keys import Tree, leaf, open_checkpoint

SEEN = re.compile(r"seen: ([1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=) ([A-Za-z0-9+/]{91}=)")
STEP = 64


class Heads:
    """How the tree grew: its edge at every 64th entry, and the leaves, so that the root over any number is at hand."""

    def __init__(self, keys, tree):
        self.keys, self.tree, self.first, self.edges, self.leaves, self.told = keys, tree, 0, [], bytearray(), []

    def grown(self, line):
        """The next entry stands behind the tree as it is now."""
        size = self.tree.size
        if size != self.first + len(self.leaves) // 32:
            self.first, self.edges, self.leaves = size, [], bytearray()  # what is only hashed ends here
        if len(self.leaves) % (32 * STEP) == 0:
            self.edges.append(list(self.tree.edge))
        self.leaves += leaf(line)

    def root_at(self, size):
        """The root over the first entries; nothing where the tree is only hashed there."""
        if size < self.first:
            return None
        place = min((size - self.first) // STEP, len(self.edges) - 1)
        tree = Tree()
        tree.edge, tree.size = list(self.edges[place]), self.first + place * STEP
        while tree.size < size:
            at = 32 * (tree.size - self.first)
            tree.push_node(0, bytes(self.leaves[at : at + 32]))
        return tree.root()

    def is_ours(self, size, root, place):
        """Whether a head that the ledger's key has signed is of this history; nothing where nobody can say."""
        if size > place:
            return False
        ours = self.root_at(size)
        return None if ours is None else ours == root

    def check(self, entry, where):
        """What the signer of an entry had seen; a refusal may show what somebody had."""
        by, place = entry["by"], entry["index"]
        if entry["kind"] == "refused":
            if "checkpoint" in entry:
                need(isinstance(entry["checkpoint"], str), where, "`checkpoint` is of another type")
                size, root = open_checkpoint(entry["checkpoint"], self.keys.then(place), where)
                ours = self.is_ours(size, root, place)
                need(not ours, where, f"{by} is said to have seen another history, and the checkpoint is of this one")
                self.told.append((place, size, root))
            return
        signed = entry.get("signed", {})
        line, said = signed.get("text", "").split("\n")[-3:-2], signed.get("other_history")
        if not line or not line[0].startswith("seen: "):
            return need(said is None, where, f"{by} is said to have seen another history, and they signed nothing of it")
        found = SEEN.fullmatch(line[0])
        whole = lambda text: base64.b64encode(base64.b64decode(text)).decode() == text
        need(found and whole(found[2]) and whole(found[3]), where, "the statement's `seen` cannot be read")
        name = self.keys.name
        note = f"{name}\n{found[1]}\n{found[2]}\n\n\u2014 {name} {found[3]}\n"
        size, root = open_checkpoint(note, self.keys.then(place), where)
        if "other_history" in signed:
            need(said is True, where, f"{by} is said to have seen another history, and they signed nothing of it")
            act = signed["text"].split("\n")[0].partition(" ")[2]
            need(act in ONLY_ENDING, where, f"{by} had seen another history when they signed, and what was done does not only end something")
            ours = self.is_ours(size, root, place)
            need(not ours, where, f"{by} is said to have seen another history when they signed, and it is this one")
            return self.told.append((place, size, root))
        need(size <= place, where, f"{by} had seen {size} entries when they signed, and there were {place}")
        need(self.is_ours(size, root, place) is not False, where, f"{by} had seen another history when they signed: other first {size} entries")

    def tell(self, restored):
        """What laptops had seen of another history, but for what is marked as lost."""
        places = [str(place) for place, size, root in self.told if not restored.names(size, root)]
        if places:
            print(f"ANOTHER HISTORY, signed by the same key, was seen on laptops: entries {' '.join(places)}")
