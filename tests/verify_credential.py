#!/usr/bin/python3
"""An independent reader of the proof in a JWT, written from docs/ledger-format.md alone.

    tests/verify_credential.py VKEY < token

Standard library alone. It checks that the ledger of this key has the entry that announced the token, and that
the entry is about this token; who signed the token and whether its time has come is for others to say. Says
what is wrong and exits 1 where anything is.
"""
import base64, calendar, hashlib, json, sys, time

sys.dont_write_bytecode = True  # no folder of it beside the sources
from verify_kinds import Wrong, need
from verify_keys import leaf, node, open_checkpoint
from verify_successions import Keys


def base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def named(data):
    """base64url SHA-256, as the ledger names keys and RFC 7638 does."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def seconds(text):
    """Whole seconds of a time in an entry, rounded down."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def once(pairs):
    """A JSON object in which no name occurs twice."""
    need(len(dict(pairs)) == len(pairs), "the entry", "a name occurs twice")
    return dict(pairs)


def root_of(hashed, index, size, hashes):
    """RFC 9162 section 2.1.3.2; None where there are too few hashes, or too many."""
    first, last = index, size - 1
    for other in hashes:
        if last == 0:
            return None
        if first % 2 or first == last:
            hashed = node(other, hashed)
            while first % 2 == 0 and first:
                first, last = first // 2, last // 2
        else:
            hashed = node(hashed, other)
        first, last = first // 2, last // 2
    return hashed if last == 0 else None


def proven(proof, keys):
    """The entry, its place and its ledger, out of a C2SP tlog-proof."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    need(lines[0] == "c2sp.org/tlog-proof@v1", "the proof", "it is of another format")
    need(len(lines) > 2 and lines[1].startswith("extra "), "the proof", "the entry is not in it")
    need(lines[2].startswith("index "), "the proof", "it has no index")
    entry, index = base64.b64decode(lines[1][6:], validate=True), int(lines[2][6:])
    hashes = [base64.b64decode(line, validate=True) for line in lines[3:]]
    size, root = open_checkpoint(note, keys, "the checkpoint")
    need(str(index) == lines[2][6:], "the proof", "its place is written otherwise")
    need(index < size, "the proof", "its place is not in the ledger")
    need(root_of(leaf(entry), index, size, hashes) == root, "the proof", "the entry is not there")
    return json.loads(entry, object_pairs_hook=once), index, note.split("\n")[0]


def main(keys, token):
    claims = json.loads(base64url(token.split(".")[1]))
    need("tlog_proof" in claims, "the token", "it carries no proof")
    entry, index, origin = proven(claims["tlog_proof"], keys)
    jwk = claims["cnf"].get("jwk") or {"x": "", "y": ""}
    text = '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' % (jwk["x"], jwk["y"])
    need(named(text.encode()) == claims["cnf"]["jkt"], "the key", "it is not that of the thumbprint")
    point = b"\x04" + base64url(jwk["x"]) + base64url(jwk["y"])
    ledger, subject = claims.get("ledger"), entry.get("subject", {})
    need(isinstance(ledger, dict), "the token", "it does not say of which ledger it is (`ledger`)")
    for what, written, said in [
        ("kind", (entry["v"], entry["kind"]), (1, "credential.issued")),
        ("credential_kind", entry["credential_kind"], "jwt"),
        ("ledger", origin, ledger.get("origin")),
        ("index", (entry["index"], index), (index, ledger.get("index"))),
        ("credential", entry["credential"], claims["jti"]),
        ("grant", entry["grant"], claims["grant"]),
        ("person", entry["person"], claims["sub"]),
        ("incident", entry["incident"], claims["incident"]),
        ("right", entry["right"], claims["right"]),
        ("audience", entry["audience"], claims["aud"]),
        ("drill", entry.get("drill", False), claims.get("drill", False)),
        ("at", seconds(entry["at"]), claims["iat"]),
        ("expires_at", seconds(entry["expires_at"]), claims["exp"]),
        ("key", entry["key"], named(point)),
        ("subject", subject.get("groups", []), claims.get("groups", [])),
    ]:
        need(written == said, "the entry", "its %s is not the token's" % what)
    print("entry %d of %s announced this token" % (index, origin))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Keys(sys.argv[1]), sys.stdin.read().strip())
    except (Wrong, ValueError, KeyError, IndexError, TypeError) as wrong:
        sys.exit(f"WRONG: {wrong or type(wrong).__name__}")
