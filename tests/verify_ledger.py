#!/usr/bin/python3
"""An independent reader of the ledger, written from docs/ledger-format.md alone.

    tests/verify_ledger.py LEDGER_FOLDER VKEY

Standard library, and Debian's python3-cryptography for Ed25519 and P-256. Prints what it checked;
says which line is wrong and exits 1 where anything is.
"""
import base64, glob, hashlib, json, os, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

sha = lambda data: hashlib.sha256(data).digest()
leaf = lambda data: sha(b"\x00" + data)
node = lambda left, right: sha(b"\x01" + left + right)


class Wrong(Exception):
    """What is wrong, and where."""


def need(holds, where, what):
    if not holds:
        raise Wrong(f"{where}: {what}")


def parse_vkey(vkey):
    name, _, rest = vkey.partition("+")
    key_id, _, key = rest.partition("+")
    raw = base64.b64decode(key)
    need(raw[0] == 1, "vkey", "not an Ed25519 key")
    need(sha(name.encode() + b"\n" + raw)[:4].hex() == key_id, "vkey", "its id is not its hash")
    return name, bytes.fromhex(key_id), ed25519.Ed25519PublicKey.from_public_bytes(raw[1:])


def open_checkpoint(note, vkey, where):
    """The size and root that a signed note states, once its signature holds."""
    name, key_id, public = vkey
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if dash == "\u2014" and signer == name and raw[:4] == key_id:
            public.verify(raw[4:], (text + "\n").encode())
            origin, size, root = text.split("\n")[:3]
            need(origin == name, where, f"the checkpoint is of {origin}")
            return int(size), base64.b64decode(root)
    raise Wrong(f"{where}: the checkpoint is not signed by {name}")


class Tree:
    """The right edge of an RFC 6962 tree, and every leaf hash."""

    def __init__(self):
        self.edge, self.leaves = [], []

    def push(self, data):
        self.push_leaf(leaf(data))

    def push_leaf(self, found):
        level = 0
        self.leaves.append(found)
        while self.edge and self.edge[-1][0] == level:
            level, found = level + 1, node(self.edge.pop()[1], found)
        self.edge.append((level, found))

    def root(self):
        if not self.edge:
            return sha(b"")
        found = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            found = node(left, found)
        return found


class Story:
    """What the entries say, folded: enrolled keys, and how each grant begins and ends."""

    def __init__(self):
        self.keys, self.state, self.newest, self.statements = {}, {}, "", 0

    def take(self, entry, where):
        need(entry["at"] >= self.newest, where, "time goes back")
        self.newest, kind = entry["at"], entry["kind"]
        if kind == "person.enrolled":
            point = base64.b64decode(entry["public"])
            key = base64.urlsafe_b64encode(sha(point)).rstrip(b"=").decode()
            need(key == entry["key"], where, "the key's id is not its hash")
            self.keys[key] = entry["by"], ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        if "signed" in entry:
            self.check_statement(entry, where)
        grant = entry.get("grant")
        if kind == "grant.requested":
            need(grant not in self.state, where, f"{grant} is asked for twice")
            self.state[grant] = "waiting"
        elif kind == "grant.started":
            need(self.state.get(grant) == "waiting", where, f"{grant} begins, but does not wait")
            self.state[grant] = "active"
        elif kind == "credential.issued":
            need(self.state.get(grant) == "active", where, f"a credential under {grant}, which is not active")
        elif kind == "grant.ended":
            need(self.state.get(grant) in ("waiting", "active"), where, f"{grant} ends, but does not live")
            self.state[grant] = "ended"

    def check_statement(self, entry, where):
        signed, self.statements = entry["signed"], self.statements + 1
        need(signed["key"] in self.keys, where, "signed by a key that is not enrolled")
        person, public = self.keys[signed["key"]]
        try:
            public.verify(base64.b64decode(signed["signature"]), signed["text"].encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise Wrong(f"{where}: {person}'s signature is not under this statement") from None
        # Somebody who enrols does not know yet what the broker calls them.
        by = "" if signed["text"].startswith("breakglass/v1 enroll\n") else person
        need(signed["text"].split("\n")[2] == f"by: {by}" and entry["by"] == person, where, "not this person's statement")


def check_tiles(folder, leaves):
    """Full and partial hash tiles and entry bundles hold what the journal holds."""
    levels, tiles = [leaves], 0
    while len(levels[-1]) >= 256:
        row = levels[-1]
        for _ in range(8):
            row = [node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        levels.append(row)
    for path in glob.glob(os.path.join(glob.escape(folder), "tile", "**"), recursive=True):
        name = os.path.relpath(path, os.path.join(folder, "tile"))
        level, _, rest = name.partition("/")
        if not os.path.isfile(path) or not rest:
            continue
        number, _, width = rest.partition(".p/")
        index = int(number.replace("x", "").replace("/", ""))
        with open(path, "rb") as file:
            data = file.read()
        if level == "entries":
            found, level = [], "0"
            while data:
                length = int.from_bytes(data[:2], "big")
                found.append(leaf(data[2 : 2 + length]))
                data = data[2 + length :]
        else:
            found = [data[i : i + 32] for i in range(0, len(data), 32)]
        need(len(found) == int(width or 256), path, "it has another width")
        need(found == levels[int(level)][index * 256 :][: len(found)], path, "it differs from the journal")
        tiles += 1
    return tiles


def check_published(folder, vkey, leaves):
    """The published checkpoint is of this journal, and not of a longer one."""
    path = os.path.join(folder, "checkpoint")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        size, root = open_checkpoint(file.read(), vkey, "checkpoint")
    need(size <= len(leaves), "journal", f"it ends at {len(leaves)}, and {size} entries were published")
    tree = Tree()
    for hashed in leaves[:size]:
        tree.push_leaf(hashed)
    need(root == tree.root(), "checkpoint", "it is of another tree")


def main(folder, vkey):
    vkey, tree, story, commits, committed, torn = parse_vkey(vkey), Tree(), Story(), 0, 0, ""
    root = tree.root()
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "journal", "*.jsonl"))):
        need(not torn, torn, "the line is torn, and more follows")
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                where = f"{os.path.basename(path)}:{number}"
                if not line.endswith(b"\n"):
                    torn = where
                    break
                line = line[:-1]
                if line.startswith(b'{"commit":'):
                    size, root = open_checkpoint(json.loads(line)["commit"], vkey, where)
                    need((size, root) == (len(tree.leaves), tree.root()), where, "the checkpoint is of another tree")
                    commits, committed = commits + 1, size
                    continue
                entry = json.loads(line)
                missing = [name for name in ("v", "index", "at", "kind", "by") if name not in entry]
                need(not missing, where, f"the entry has no {missing}")
                need(entry["v"] == 1 and entry["index"] == len(tree.leaves), where, "not the next entry")
                tree.push(line)
                story.take(entry, where)
    if torn or committed != len(tree.leaves):
        # A crash while a batch was written: nobody was told that it was taken, so it does not count.
        print(f"not counted: what follows the last checkpoint, at {committed}")
    check_published(folder, vkey, tree.leaves[:committed])
    tiles = check_tiles(folder, tree.leaves[:committed])
    print(f"{committed} entries, {commits} checkpoints, {story.statements} statements, "
          f"{len(story.state)} grants, {tiles} tiles: all hold")
    print(f"root {base64.b64encode(root).decode()} at {committed}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2])
    except (Wrong, InvalidSignature, ValueError, KeyError, OSError) as wrong:
        sys.exit(f"WRONG: {wrong or type(wrong).__name__}")
