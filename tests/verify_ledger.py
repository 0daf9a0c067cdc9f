#!/usr/bin/python3
"""An independent reader of the ledger, written from docs/ledger-format.md alone.

    tests/verify_ledger.py FOLDER VKEY [WITNESS_VKEY...]

FOLDER is a broker's ledger (a journal), or a mirror (tiles and a checkpoint, and no journal).

Standard library alone. Prints what it checked;
says which line is wrong and exits 1 where anything is. Here are the lines, the tree, the
checkpoints and the tiles; what the entries say is read in verify_story.py, with the kinds in
verify_kinds.py, the policies in verify_policy.py, the witnesses in verify_witnesses.py, the keys that
sign the ledger in verify_successions.py, what was lost in verify_restored.py, what laptops had seen in
verify_heads.py, and the signatures in verify_keys.py. Each witness that is given must have signed the file `witnessed`, or the
published checkpoint.
"""
import base64, glob, json, os, sys

sys.dont_write_bytecode = True  # no folder of it beside the sources
from verify_kinds import Wrong, need
from verify_keys import Tree, leaf, node, open_checkpoint
from verify_story import Story
from verify_successions import Keys
from verify_witnesses import told_cosigners


class Journal(Tree):
    """The tree, and every leaf hash."""

    def __init__(self):
        super().__init__()
        self.leaves = []

    def push(self, data):
        self.leaves.append(leaf(data))
        self.push_node(0, self.leaves[-1])

    def root_at(self, size):
        """The root over the first entries."""
        tree = Tree()
        for hashed in self.leaves[:size]:
            tree.push_node(0, hashed)
        return tree.root()


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
        if not os.path.isfile(path) or not rest or rest.endswith(".new"):  # which a broker is writing
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


def check_published(folder, keys, leaves):
    """The published checkpoint is of this journal, and not of a longer one."""
    path = os.path.join(folder, "checkpoint")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        size, root = open_checkpoint(file.read(), keys, "checkpoint")
    need(size <= len(leaves), "journal", f"it ends at {len(leaves)}, and {size} entries were published")
    tree = Tree()
    for hashed in leaves[:size]:
        tree.push_node(0, hashed)
    need(root == tree.root(), "checkpoint", "it is of another tree")


def tile_path(folder, kind, index, width):
    """Where tile `index` of a row is: `x001/x234/067`, and `.p/WIDTH` where it is partial."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return os.path.join(folder, "tile", kind, *groups) + ("" if width == 256 else f".p/{width}")


def bundled(folder, size):
    """The first `size` entries out of the bundles; of a full one that replaced a partial one, its first."""
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        path, full = (tile_path(folder, "entries", index, n) for n in (width, 256))
        path = path if os.path.exists(path) else full
        with open(path, "rb") as file:
            data = file.read()
        for _ in range(width):
            length = int.from_bytes(data[:2], "big")
            need(len(data) >= 2 + length > 2, path, "it is cut short")
            yield data[2 : 2 + length], path
            data = data[2 + length :]


def need_tiles(folder, size):
    """Each hash tile of a tree of this size is there, at this width or in full."""
    level = 0
    while size:
        for index in range((size + 255) // 256):
            paths = (tile_path(folder, str(level), index, n) for n in (min(256, size - 256 * index), 256))
            need(any(map(os.path.exists, paths)), folder, f"tile {index} of level {level} is missing")
        level, size = level + 1, size // 256


def check_witnessed(folder, keys, tree, rules, demanded):
    """Which witnesses signed what is published: those of the policy, and those that are demanded."""
    notes = {}
    for name in ("checkpoint", "witnessed"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                notes[name] = file.read()
            size, root = open_checkpoint(notes[name], keys, name)
            need(size <= len(tree.leaves) and root == tree.root_at(size), name, "it is of another tree")
    told_cosigners(notes, rules, demanded)


def main_mirror(folder, keys, demanded):
    """A folder of tiles: its one checkpoint is over exactly its entries."""
    tree = Journal()
    keys.learn_beside(folder)
    story = Story(keys, tree)
    with open(os.path.join(folder, "checkpoint"), encoding="utf-8") as file:
        size, root = open_checkpoint(file.read(), keys, "checkpoint")
    for line, path in bundled(folder, size):
        story.read(line, len(tree.leaves), f"{path}: entry {len(tree.leaves)}")
        tree.push(line)
    need((size, root) == (len(tree.leaves), tree.root()), "checkpoint", "it is of another tree")
    story.settle("after the last entry")
    story.check_whole("after the last entry")
    story.succeeding.need_named(size, "after the last entry")
    need_tiles(folder, size)
    check_witnessed(folder, keys, tree, story.rules, demanded)
    tell(story, tree, 1, check_tiles(folder, tree.leaves))


def tell(story, tree, commits, tiles):
    for place in story.succeeding.places:
        print(f"entry {place} hands the ledger over to its next key")
    story.restored.tell()
    story.heads.tell(story.restored)
    if story.witnesses.marked:
        print(f"given while too few witnesses signed: {' '.join(story.witnesses.marked)}")
    if story.unknown:
        print(f"not understood: {story.unknown} entries of kinds that this reader does not know")
    print(f"{len(tree.leaves)} entries, {commits} checkpoints, {len(story.heard)} statements, "
          f"{len(story.grants_ever)} grants, {tiles} tiles: all hold")
    print(f"root {base64.b64encode(tree.root()).decode()} at {len(tree.leaves)}")


def main(folder, vkey, *demanded):
    keys, tree, commits, committed, torn = Keys(vkey), Journal(), 0, 0, ""
    story, files = Story(keys, tree), sorted(glob.glob(os.path.join(glob.escape(folder), "journal", "*.jsonl")))
    if not files and os.path.isdir(os.path.join(folder, "tile", "entries")):
        return main_mirror(folder, keys, demanded)
    need(files, folder, "there is no journal: this is no ledger")
    root = tree.root()
    for path in files:
        with open(path, "rb") as file:
            keys.learn_ahead(file)
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
                    size, root = open_checkpoint(json.loads(line)["commit"], keys, where)
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
        story.succeeding.need_named(committed, "after the last entry")
    if story.unknown:
        print(f"not understood: {story.unknown} entries of kinds that this reader does not know")
    check_published(folder, keys, tree.leaves[:committed])
    check_witnessed(folder, keys, tree, story.rules, demanded)
    story.restored.tell()
    story.heads.tell(story.restored)
    if story.witnesses.marked:
        print(f"given while too few witnesses signed: {' '.join(story.witnesses.marked)}")
    for place in story.succeeding.places:
        print(f"entry {place} hands the ledger over to its next key")
    tiles = check_tiles(folder, tree.leaves[:committed])
    print(f"{committed} entries, {commits} checkpoints, {len(story.heard)} statements, "
          f"{len(story.grants_ever)} grants, {tiles} tiles: all hold")
    print(f"root {base64.b64encode(root).decode()} at {committed}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (Wrong, ValueError, KeyError, OSError) as wrong:
        sys.exit(f"WRONG: {wrong or type(wrong).__name__}")
