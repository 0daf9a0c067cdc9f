#!/usr/bin/python3
"""An independent reader of an export, written from docs/ledger-format.md alone ("An export").

    tests/verify_export.py KEY [FOLDER]

Standard library alone. Prints what it checked; says what is wrong and exits 1 where anything is. The
same, in one file with its parts, lies in every export as verify.py.
"""
import base64, json, os, re, sys

sys.dont_write_bytecode = True  # no folder of it beside the sources
from verify_kinds import Wrong, millis, need, once
from verify_keys import Tree, node, open_checkpoint
from verify_story import Story
from verify_successions import Keys
from verify_witnesses import told_cosigners

COLUMNS = ("index at kind by person right incident grant target session credential basis ends_at ending act reason count "
           "title text").split()
# What can move a cursor, reorder or hide its neighbours: escaped wherever people read it.
HIDDEN = [(0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
          (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFEFF, 0xFEFF),
          (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)]
SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def plain(text):
    if text.isascii() and text.isprintable():
        return text
    is_hidden = lambda c: any(first <= ord(c) <= last for first, last in HIDDEN)
    return "".join(SHORT.get(c) or ("\\u{%x}" % ord(c) if is_hidden(c) else c) for c in text)


def cell(value):
    """A cell of a table (RFC 4180) that no spreadsheet takes for a formula."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = plain(value) if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    # Also behind each `;`, where some spreadsheets end the cell.
    text = re.sub("(^|;)( *[=+@-])", r"\1'\2", text)
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def row(cells):
    return (",".join(cells) + "\r\n").encode()


class Derived:
    """The tables and texts that follow from the entries: each is made again, and compared."""

    def __init__(self, folder):
        self.folder, self.policies = folder, 0
        self.entries, self.keys = (open(os.path.join(folder, name), "rb") for name in ("entries.csv", "keys.csv"))
        self.compare(self.entries, row(COLUMNS))
        self.compare(self.keys, row("index at whose what key public".split()))

    @staticmethod
    def compare(file, expected):
        need(file.read(len(expected)) == expected, os.path.basename(file.name), "it differs from the entries")

    def take(self, entry, is_within):
        kind = entry["kind"]
        if is_within:
            self.compare(self.entries, row(cell(None if (kind, name) == ("policy.loaded", "text") else entry.get(name)) for name in COLUMNS))
        what = {"person.enrolled": ("device", "key"), "target.enrolled": ("device", "key"), "key.added": ("purpose", "id")}.get(kind)
        if what:
            self.compare(self.keys, row(cell(entry.get(name)) for name in ("index", "at", "by", *what, "public")))
        if kind == "policy.loaded":
            self.policies += 1
            with open(os.path.join(self.folder, "policies", f"entry-{entry['index']}.toml"), "rb") as file:
                need(file.read() == entry["text"].encode(), file.name, "it differs from the entries")

    def finish(self):
        for file in (self.entries, self.keys):
            need(not file.read(1), os.path.basename(file.name), "it differs from the entries")
            file.close()
        found = os.listdir(os.path.join(self.folder, "policies"))
        need(len(found) == self.policies, "policies", f"{len(found)} files, and the entries load {self.policies} policies")


def check_consistency(proof, old_root, new_root):
    """RFC 9162, section 2.1.4.2, between sizes above 0."""
    where, old, new = "consistency.json", proof["old"], proof["new"]
    need(0 < old <= new, where, "it is between no two heads")
    path = [base64.b64decode(found, validate=True) for found in proof["hashes"]]
    need(all(len(found) == 32 for found in path), where, "no hashes")
    if old == new:
        return need(not path and old_root == new_root, where, "two heads over as many entries")
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    need(path, where, "the proof is too short")
    was = now = path[0]
    for found in path[1:]:
        need(last, where, "the proof is too long")
        if first & 1 or first == last:
            was, now = node(found, was), node(found, now)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            now = node(now, found)
        first, last = first >> 1, last >> 1
    need(last == 0 and was == old_root and now == new_root, where, "the proof leads to another root")


class Export:
    """A folder, and what was read of it so far."""

    def __init__(self, keys, folder):
        self.folder, self.tree = folder, Tree()
        keys.learn_beside(folder)
        self.story = Story(keys, self.tree)
        self.size, self.root = open_checkpoint(self.text("checkpoint"), keys, "checkpoint")
        about = self.text("export.json") if self.has("export.json") else None
        self.about = {} if about is None else json.loads(about)
        self.start = 0
        if self.has("checkpoint.start"):
            self.start, self.start_root = open_checkpoint(self.text("checkpoint.start"), keys, "checkpoint.start")
            need(about is not None, "export.json", "it is missing")
            proof = json.loads(self.text("consistency.json"))
            need((proof["old"], proof["new"]) == (self.start, self.size), "consistency.json", "it is between other sizes")
            check_consistency(proof, self.start_root, self.root)
        if about is not None:
            need(self.about["format"] == "breakglass-export/v1", "export.json", "another format")
            need((self.about["origin"], self.about["from"], self.about["to"]) == (keys.name, self.start, self.size), "export.json", "it tells of another part")
        self.since, self.until = (self.time(name) for name in ("since", "until"))
        self.derived = None if about is None else Derived(folder)
        self.last, self.shown, self.is_begin_shown = 0, 0, self.start == 0
        self.notes = {name: self.text(name) for name in ("checkpoint", "witnessed") if self.has(name)}
        self.cosigned, self.cosigned_root = None, None
        if "witnessed" in self.notes:
            self.cosigned = open_checkpoint(self.notes["witnessed"], keys, "witnessed")
            need(self.cosigned[0] <= self.size, "witnessed", "it is over more entries than are here")
            self.grown()

    def grown(self):
        if self.cosigned and self.tree.size == self.cosigned[0]:
            self.cosigned_root = self.tree.root()

    def check_cosigned(self):
        """What witnesses have signed is how these entries begin; not known where it ends among those that are only hashed."""
        if self.cosigned and (self.cosigned_root or self.cosigned[0] >= self.start):
            need(self.cosigned_root == self.cosigned[1], "witnessed", "it is of another history")

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def text(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", newline="") as file:
            return file.read()

    def lines(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            for line in file:
                need(line.endswith(b"\n"), name, f"entry {self.tree.size}: its line is cut short")
                yield line[:-1]

    def time(self, name):
        text = self.about.get(name)
        return None if text is None else millis(text, "export.json")

    def read(self, line, is_within):
        place = self.tree.size
        self.story.read(line, place, f"entry {place}")
        self.tree.push(line)
        self.grown()
        self.last = self.story.newest
        if self.derived:
            self.derived.take(json.loads(line, object_pairs_hook=once), is_within)

    def read_before(self):
        """Entries and hashes, in the order of the ledger, up to the head that was signed there."""
        hashes = [line.split(b" ") for line in self.lines("before.hashes")]
        hashes = [(int(first), int(level), base64.b64decode(found, validate=True)) for first, level, found in hashes]
        hashes.reverse()
        shown = self.lines("before.jsonl")
        while self.tree.size < self.start:
            if hashes and hashes[-1][0] == self.tree.size:
                _, level, found = hashes.pop()
                need(0 <= level < 63 and len(found) == 32, "before.hashes", "no hash of entries")
                self.tree.push_node(level, found)
                self.grown()
                continue
            line = next(shown, None)
            need(line is not None, f"entry {self.tree.size}", "it is neither shown nor covered by a hash")
            self.is_begin_shown = self.tree.size == self.start - 1
            self.read(line, False)
            self.shown += 1
        need(self.tree.size == self.start and not hashes and next(shown, None) is None, "before.jsonl", "it does not end where the period begins")
        need(self.tree.root() == self.start_root, "before.jsonl", "it gives another root than was signed in checkpoint.start")
        need(self.is_begin_shown and self.since is not None and self.last < self.since, "before.jsonl", "its last entry does not prove where the period begins")

    def check(self):
        if self.start:
            self.story.debts.counts_from = self.start
            self.read_before()
        for line in self.lines("entries.jsonl"):
            self.read(line, True)
        need(self.tree.size == self.size, "checkpoint", f"it signs {self.size} entries, and there are {self.tree.size}")
        need(self.tree.root() == self.root, "checkpoint", "the entries give another root than was signed")
        self.story.settle("after the last entry")
        self.story.check_whole("after the last entry")
        self.story.succeeding.need_named(self.size, "after the last entry")
        self.check_cosigned()
        if self.derived:
            self.derived.finish()


def main(key, folder):
    export = Export(Keys(key.strip()), folder)
    export.check()
    story, start = export.story, export.start
    if story.unknown:
        print(f"not understood: {story.unknown} entries of kinds that this reader does not know")
    story.restored.tell()
    story.heads.tell(story.restored)
    if start:
        print(f"entries before {start}: {export.shown} are here and proven to stand where they say, {start - export.shown} are hashed only")
    if export.until is not None and export.last < export.until:
        print("that nothing more came before its end is the word of whoever took it: no later entry is here")
    for place in story.succeeding.places:
        print(f"entry {place} hands the ledger over to its next key")
    told_cosigners(export.notes, story.rules, [])
    print(f"entries {start} to {export.size} (one past the last), {len(story.heard)} statements, {len(story.grants_ever)} grants: all hold")
    print(f"root {base64.b64encode(export.root).decode()} at {export.size}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else os.path.dirname(os.path.abspath(__file__)))
    except (Wrong, ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as wrong:
        sys.exit(f"WRONG: {wrong or type(wrong).__name__}")
