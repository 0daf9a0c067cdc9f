#!/usr/bin/python3
"""An independent reader of the ledger, written from docs/ledger-format.md alone.

    tests/verify_ledger.py LEDGER_FOLDER VKEY

Standard library, and Debian's python3-cryptography for Ed25519 and P-256. Prints what it checked;
says which line is wrong and exits 1 where anything is. Here are the lines, the tree, the
checkpoints and the tiles; what the entries say is read in verify_story.py, with the kinds in
verify_kinds.py and the policies in verify_policy.py.
"""
import base64, glob, json, os, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

sys.dont_write_bytecode = True  # no folder of it beside the sources
from verify_kinds import Wrong, need
from verify_story import Story, sha

leaf = lambda data: sha(b"\x00" + data)
node = lambda left, right: sha(b"\x01" + left + right)


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
    vkey, tree, commits, committed, torn = parse_vkey(vkey), Tree(), 0, 0, ""
    story, files = Story(vkey[0]), sorted(glob.glob(os.path.join(glob.escape(folder), "journal", "*.jsonl")))
    need(files, folder, "there is no journal: this is no ledger")
    root = tree.root()
    for path in files:
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
                story.read(line, len(tree.leaves), f"{where}: entry {len(tree.leaves)}")
                tree.push(line)
    if torn or committed != len(tree.leaves):
        # A crash while a batch was written: nobody was told that it was taken, so it does not count.
        print(f"not counted: what follows the last checkpoint, at {committed}")
    else:
        story.settle("after the last entry")
        story.check_whole("after the last entry")
    if story.unknown:
        print(f"not understood: {story.unknown} entries of kinds that this reader does not know")
    check_published(folder, vkey, tree.leaves[:committed])
    tiles = check_tiles(folder, tree.leaves[:committed])
    print(f"{committed} entries, {commits} checkpoints, {len(story.heard)} statements, "
          f"{len(story.grants_ever)} grants, {tiles} tiles: all hold")
    print(f"root {base64.b64encode(root).decode()} at {committed}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2])
    except (Wrong, InvalidSignature, ValueError, KeyError, OSError) as wrong:
        sys.exit(f"WRONG: {wrong or type(wrong).__name__}")
