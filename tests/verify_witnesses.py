"""Who has signed the ledger beside itself, and what is not given without them.

From docs/ledger-format.md; used by verify_ledger.py.
"""
import base64
from verify_kinds import need
from verify_keys import ed_has_signed, open_checkpoint, sha

COSIGNATURE, WITHIN = 4, 65_536


def parse_witness(vkey):
    """Name, id and key of a witness: an Ed25519 key for cosignatures."""
    name, _, rest = vkey.partition("+")
    key_id, _, key = rest.partition("+")
    raw = base64.b64decode(key)
    need(raw[0] == COSIGNATURE and len(raw) == 33, "witness", f"{vkey} is no key of a witness")
    need(sha(name.encode() + b"\n" + raw)[:4].hex() == key_id, "witness", f"the id of {vkey} is not its hash")
    return name, bytes.fromhex(key_id), raw[1:]


def cosigners(note, vkeys, where):
    """Which of these witnesses signed a checkpoint, and when; each line that bears their name must hold."""
    text, _, signatures = note.rpartition("\n\n")
    found = {}
    for vkey in vkeys:
        name, key_id, raw = parse_witness(vkey)
        for line in signatures.splitlines():
            _, signer, blob = line.split(" ")
            blob = base64.b64decode(blob)
            if signer == name and blob[:4] == key_id:
                seconds = int.from_bytes(blob[4:12], "big")
                message = f"cosignature/v1\ntime {seconds}\n{text}\n".encode()
                need(ed_has_signed(raw, blob[12:], message), where, f"the cosignature of {name} does not verify")
                found[vkey] = max(seconds, found.get(vkey, 0))
    return found


def told_cosigners(notes, rules, demanded):
    """Says which witnesses signed these checkpoints: those of the policy, and those that are demanded."""
    known = rules.witnesses["keys"].values() if rules and rules.witnesses else []
    signed = {}
    for name, note in notes.items():
        size = int(note.split("\n")[1])
        for key in cosigners(note, {*known, *demanded}, name):
            signed[key] = max(size, signed.get(key, 0))
    for key in demanded:
        need(key in signed, "witnessed", f"{key.partition('+')[0]} has not signed it")
    for key, size in sorted(signed.items()):
        print(f"cosigned by {key.partition('+')[0]} at {size}")


class Witnesses:
    """What the entries show of witnesses."""

    def __init__(self, keys, tree):
        self.keys, self.tree, self.roots, self.seen, self.passed = keys, tree, {}, 0, 0
        self.size, self.lost, self.unmade, self.given, self.marked = 0, False, {}, set(), []

    def grown(self, rules):
        """The next entry stands behind the tree as it is now: the root over so many is kept while witnesses are asked."""
        size = self.tree.size
        if size > self.seen + 1:
            self.passed = size  # what is only hashed ends here
        self.seen = size
        if rules and rules.witnesses or self.passed == size:
            self.roots[size] = self.tree.root()
            self.roots.pop(size - WITHIN, None)

    def take(self, entry, rules, where):
        kind, asked = entry["kind"], rules.witnesses if rules else None
        if kind == "policy.loaded" and not asked:
            self.lost = False
        elif kind == "ledger.witnessed":
            self.signed(entry, asked, where)
        elif kind == "ledger.unwitnessed":
            need(asked and not self.lost, where, "nobody is asked to sign, or too few did already")
            self.lost = True
        elif kind == "credential.issued":
            self.issued(entry, asked and rules.needs_witnesses(entry["right"]), where)
        elif kind == "session.opened":
            self.need_made(entry["credential"], where)
        elif kind == "role.created":
            for credential, (_, role) in self.unmade.items():
                need(role != entry["role"], where, f"{credential} is used before enough witnesses have signed")
        elif kind == "grant.used" and entry["grant"] not in self.given:
            for credential in self.unmade:
                need(credential.rpartition(".")[0] != entry["grant"], where, f"{credential} is used before enough witnesses have signed")
        elif kind == "grant.ended":
            self.given.discard(entry["grant"])

    def signed(self, entry, asked, where):
        need(asked, where, "the policy in force asks no witnesses")
        keys = list(asked["keys"].values())
        parsed = [parse_witness(key) for key in keys]
        need(len({name for name, _, _ in parsed}) == len({raw for _, _, raw in parsed}) == len(keys), where, "a witness counts twice")
        need(self.keys.of(entry["checkpoint"])[2] not in [raw for _, _, raw in parsed], where, "the ledger is a witness of its own")
        size, root = open_checkpoint(entry["checkpoint"], self.keys, where)
        found = cosigners(entry["checkpoint"], keys, where)
        need(1 <= asked["need"] <= len(found), where, f"{len(found)} witnesses have signed, and {asked['need']} are needed")
        need(size == entry["size"], where, f"it says another size than its checkpoint, {size}")
        need(size > self.size or (size == self.size and self.lost), where, f"{self.size} entries were signed before")
        need(entry["index"] - WITHIN < size <= entry["index"], where, f"it shows a checkpoint of {size} entries, which is not of lately")
        is_known = size in self.roots or size >= self.passed
        need(not is_known or root == self.roots.get(size), where, f"witnesses have signed another history: of {size} entries with another root")
        self.size, self.lost = size, False
        made = [credential for credential, (index, _) in self.unmade.items() if index < size]
        for credential in made:
            del self.unmade[credential]
            self.given.add(credential.rpartition(".")[0])

    def issued(self, entry, needs, where):
        need(not (needs and self.lost), where, "it needs witnesses, and too few of them sign")
        says, should = entry.get("witnesses"), "needed" if needs else "missing" if self.lost else None
        need(says == should, where, f"the credential says `witnesses: {says}`, and here it is {should}")
        if needs:
            self.unmade[entry["credential"]] = entry["index"], entry.get("subject", {}).get("role")
            return
        self.given.add(entry["grant"])
        if self.lost:
            self.marked.append(entry["credential"])

    def need_made(self, credential, where):
        need(credential not in self.unmade, where, f"{credential} is used before enough witnesses have signed")
