"""The ledger's own keys, one after another.

From docs/ledger-format.md; used by verify_ledger.py and verify_export.py.
"""
import base64, json, os
from verify_kinds import need, once
from verify_keys import ed_has_signed, parse_vkey

DOMAIN, LINES = "breakglass.dev/succession/v1", 8


class Succession:
    """A note in which one key says, and another too, that it follows after so many entries."""

    def __init__(self, note, where):
        text, _, signatures = note.rpartition("\n\n")
        lines, signatures = (text + "\n").split("\n"), signatures.split("\n")
        need(len(lines) == 6 and lines[0] == DOMAIN and lines[5] == "", where, "no succession of keys")
        need(len(signatures) == 3 and signatures[2] == "", where, "a succession of keys has two signatures")
        self.name, size, self.old, self.new = lines[1:5]
        need(size.isascii() and size.isdigit() and size[0] != "0", where, "its size is no size of a ledger")
        self.size, self.where = int(size), where
        keys = [parse_vkey(vkey) for vkey in (self.old, self.new)]
        need(keys[0][1:] != keys[1][1:] and keys[0][1] != keys[1][1], where, "a key cannot follow itself")
        for (name, key_id, public), line in zip(keys, signatures):
            need(name == self.name, where, "a key of another ledger")
            dash, signer, blob = line.split(" ")
            raw = base64.b64decode(blob)
            need((dash, signer, raw[:4]) == ("\u2014", name, key_id), where, "the keys of a succession have not signed it in their order")
            need(ed_has_signed(public, raw[4:], (text + "\n").encode()), where, "the signature under a succession of keys does not verify")
        self.says = (self.size, self.old, self.new)


class Then:
    """The keys of a ledger as they were known at an entry."""

    def __init__(self, keys, place):
        self.keys, self.place = keys, place

    def of(self, note):
        size = (note.split("\n") + ["", ""])[1]
        size = int(size) if size.isascii() and size.isdigit() else 0
        return parse_vkey(self.keys.at(min(size, self.place + 1)))


class Any:
    """All keys of a ledger, whosever turn it was."""

    def __init__(self, keys):
        self.keys = keys

    def of(self, note):
        for key in map(parse_vkey, self.keys.all()):
            if key[1] in [base64.b64decode(line.rpartition(" ")[2])[:4] for line in note.rpartition("\n\n")[2].splitlines()]:
                return key
        return self.keys.of(note)


class Keys:
    """The keys of one ledger: each checkpoint is by just one of them, by its size."""

    def __init__(self, vkey):
        self.name, self.first, self.followed = parse_vkey(vkey)[0], vkey, []

    def all(self):
        return [self.first] + [one.new for one in self.followed]

    def at(self, size):
        """The key that signs so many entries."""
        past = [one.new for one in self.followed if one.size < size]
        return (past or [self.first])[-1]

    def of(self, note):
        """The key that has to have signed this checkpoint."""
        size = (note.split("\n") + ["", ""])[1]
        return parse_vkey(self.at(int(size) if size.isascii() and size.isdigit() else 0))

    def then(self, place):
        """For a head that an entry at this place brings: no key had its turn that was not known there."""
        return Then(self, place)

    def any(self):
        """For a head of what is lost, whose key may have been followed since: whichever of them has signed it."""
        return Any(self)

    def join(self, successions):
        """Takes more, each of which follows a known key or is followed by one, in any order."""
        left = list(successions)
        while left:
            apart = [one for one in left if not self.take(one)]
            need(len(apart) < len(left), left[0].where, f"{left[0].new} is said to follow {left[0].old}, and neither is a known key of this ledger")
            left = apart

    def take(self, one):
        if one.says in [it.says for it in self.followed]:
            return True
        no = f"{one.new} cannot follow {one.old} after {one.size} entries"
        need(one.name == self.name, one.where, no + ": it is of another ledger")
        for it in self.followed:
            need(it.old != one.old and it.new != one.new, one.where, no + ": one of them has another neighbour")
        ids = [parse_vkey(key)[1] for key in self.all()]
        if one.old == self.all()[-1]:
            need(not self.followed or one.size > self.followed[-1].size, one.where, no + ": that one began only later")
            need(parse_vkey(one.new)[1] not in ids, one.where, no + ": it has signed before")
            self.followed.append(one)
        elif one.new == self.first:
            need(not self.followed or one.size < self.followed[0].size, one.where, no + ": it was followed before that")
            need(parse_vkey(one.old)[1] not in ids, one.where, no + ": that one signs later")
            self.first = one.old
            self.followed.insert(0, one)
        else:
            return False
        return True

    def learn_beside(self, folder):
        """What lies beside a copy, eight lines each."""
        path = os.path.join(folder, "successions")
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines(keepends=True)
        notes = ("".join(lines[at : at + LINES]) for at in range(0, len(lines), LINES))
        self.join([Succession(note, "successions") for note in notes])

    def learn_ahead(self, lines):
        """What the entries of a journal say, for whoever has a newer key than the first."""
        found = []
        for line in lines:
            if line.endswith(b"\n") and b'"succession"' in line and b'"key.added"' in line:
                entry = json.loads(line, object_pairs_hook=once)
                if entry["kind"] == "key.added" and "succession" in entry:
                    found.append(Succession(entry["succession"], f"entry {entry['index']}"))
        self.join(found)


class Succeeding:
    """What the entries say of the keys that sign them."""

    def __init__(self, keys):
        self.keys, self.now, self.count, self.places = keys, None, 0, []

    def take(self, entry, where):
        is_ours = entry["kind"] == "key.added" and entry["purpose"] == "ledger"
        need(is_ours or entry["kind"] != "key.added" or "succession" not in entry, where, "only a key of the ledger follows another")
        if not (is_ours and "succession" in entry):
            self.need_none_before(entry["index"], where)
        if not is_ours:
            return
        if "succession" in entry:
            self.follow(entry, Succession(entry["succession"], where), where)
        else:
            need(self.now is None, where, f"the key {entry['id']} signs the ledger, and the one before did not hand it over")
        self.now = entry["id"]

    def follow(self, entry, one, where):
        need(one.new == entry["id"], where, "it names another key than the one that follows")
        need(base64.b64encode(parse_vkey(one.new)[2]).decode() == entry["public"], where, "it names another key than the one that follows")
        need(one.size == entry["index"] + 1, where, f"it hands the ledger over after {one.size} entries, and it is not the last of them")
        need(self.now in (None, one.old), where, f"{one.old} hands the ledger over, and it is not the key that signs it here")
        self.keys.join([one])
        followed = self.keys.followed
        need(self.count < len(followed) and followed[self.count].says == one.says, where, "it hands the ledger over out of turn")
        self.count += 1
        self.places.append(entry["index"])

    def need_none_before(self, size, where):
        """Whoever signs so many entries was handed the ledger by one of them."""
        for one in self.keys.followed[self.count : self.count + 1]:
            need(one.size > size, where, f"the key {one.new} signs from {one.size} entries on, and no entry hands the ledger over to it")

    def need_named(self, size, where):
        """At the end: the newest entry about it names the key that signs, or where it is the last of all, the one that signs next."""
        self.need_none_before(size, where)
        signs = self.keys.at(size)
        need(self.now in (None, signs, self.keys.at(size + 1)), where, f"it is signed by the key {signs}, and its entries name {self.now}")
