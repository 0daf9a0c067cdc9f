"""Breaks copies of a ledger in every way we can think of; each must be found by the verifier.

    tampering.py LEDGER_FOLDER VKEY
"""
import glob, json, os, pathlib, shutil, subprocess, sys, tempfile

ledger, vkey = pathlib.Path(sys.argv[1]), sys.argv[2]
verifier = pathlib.Path(__file__).parent.parent / "verify_ledger.py"


def journal(folder):
    return pathlib.Path(sorted(glob.glob(os.path.join(glob.escape(str(folder)), "journal", "*.jsonl")))[-1])


def lines(folder):
    return journal(folder).read_bytes().splitlines(keepends=True)


def put(folder, changed):
    journal(folder).write_bytes(b"".join(changed))


def places(folder):
    """Where the entries are, between the commits."""
    return [n for n, line in enumerate(lines(folder)) if not line.startswith(b'{"commit":')]


def byte_changed(folder):
    changed, place = lines(folder), places(folder)[5]
    changed[place] = changed[place].replace(b'"v":1', b'"v": 1', 1)
    put(folder, changed)


def word_changed(folder):
    text = journal(folder).read_bytes()
    assert b"the worker floods" in text
    journal(folder).write_bytes(text.replace(b"the worker floods", b"the worker sleeps", 1))


def signature_changed(folder):
    changed = lines(folder)
    place = next(n for n in places(folder) if b'"signed"' in changed[n] and b"incident.opened" in changed[n])
    entry = json.loads(changed[place])
    start = entry["signed"]["signature"]
    changed[place] = changed[place].replace(start.encode(), (start[:20] + ("A" if start[20] != "A" else "B") + start[21:]).encode())
    put(folder, changed)


def entry_removed(folder):
    changed = lines(folder)
    del changed[places(folder)[6]]
    put(folder, changed)


def two_swapped(folder):
    changed, found = lines(folder), places(folder)
    one, other = found[5], found[6]
    changed[one], changed[other] = changed[other], changed[one]
    put(folder, changed)


def tail_cut(folder):
    changed = lines(folder)
    last = max(n for n in places(folder))
    put(folder, changed[: last + 1])


def line_torn(folder):
    text = journal(folder).read_bytes()
    journal(folder).write_bytes(text[:-10])


def commit_removed(folder):
    changed = lines(folder)
    last = max(n for n, line in enumerate(changed) if line.startswith(b'{"commit":'))
    put(folder, changed[:last] + changed[last + 1:])


def checkpoint_of_another_key(folder):
    changed = lines(folder)
    last = max(n for n, line in enumerate(changed) if line.startswith(b'{"commit":'))
    note = json.loads(changed[last])["commit"]
    head, _, blob = note.rstrip("\n").rpartition(" ")
    forged = head + " " + blob[:30] + ("A" if blob[30] != "A" else "B") + blob[31:] + "\n"
    changed[last] = json.dumps({"commit": forged}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    put(folder, changed)


def tile_replaced(folder):
    tiles = [path for path in glob.glob(os.path.join(glob.escape(str(folder)), "tile", "**"), recursive=True) if os.path.isfile(path)]
    assert tiles, "there are no tiles"
    data = bytearray(pathlib.Path(tiles[0]).read_bytes())
    data[-1] ^= 1
    pathlib.Path(tiles[0]).write_bytes(data)


def verified(folder, key=vkey):
    return subprocess.run(["/usr/bin/python3", str(verifier), str(folder), key], capture_output=True, text=True)


untouched = verified(ledger)
if untouched.returncode != 0:
    sys.exit(f"tampering: the untouched ledger does not verify: {untouched.stderr}")
print(untouched.stdout, end="")
failures = 0
for tamper in [byte_changed, word_changed, signature_changed, entry_removed, two_swapped, tail_cut, line_torn,
               commit_removed, checkpoint_of_another_key, tile_replaced]:
    with tempfile.TemporaryDirectory() as place:
        copy = pathlib.Path(place) / "a copy"
        shutil.copytree(ledger, copy)
        tamper(copy)
        found = verified(copy)
        if found.returncode == 0:
            failures += 1
        said = found.stderr.strip().splitlines()
        print(f"{'found ' if found.returncode else 'MISSED'}  {tamper.__name__.replace('_', ' '):28} {said[-1] if said else ''}")
name, key_id, public = vkey.split("+", 2)
if verified(ledger, f"{name}+{key_id}+{public[:-4]}AAA=").returncode == 0:
    failures += 1
    print("MISSED  another key")
sys.exit(1 if failures else 0)
