"""Signatures in plain Python: Ed25519 (RFC 8032) of the ledger, ECDSA on P-256 with SHA-256 (FIPS 186-5) of people.

Only verifying: nothing here is secret, so nothing has to take the same time. Used by all the others.
"""
import base64, functools, hashlib
from verify_kinds import Wrong, need

sha = lambda data: hashlib.sha256(data).digest()

# --- P-256 (SEC 2, section 2.4.2) ---
P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def p256_double(point):
    """In Jacobian coordinates; `None` is the point at infinity."""
    x, y, z = point
    delta, gamma = z * z % P256, y * y % P256
    beta, alpha = x * gamma % P256, 3 * (x - delta) * (x + delta) % P256
    x3 = (alpha * alpha - 8 * beta) % P256
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P256, ((y + z) ** 2 - gamma - delta) % P256


def p256_add(left, right):
    """A Jacobian point and an affine one."""
    if left is None:
        return right[0], right[1], 1
    x1, y1, z1 = left
    x2, y2 = right
    zz = z1 * z1 % P256
    h, r = (x2 * zz - x1) % P256, (y2 * zz * z1 - y1) % P256
    if h == 0:
        return p256_double(left) if r == 0 else None
    hh = h * h % P256
    hhh, v = hh * h % P256, x1 * hh % P256
    x3 = (r * r - hhh - 2 * v) % P256
    return x3, (r * (v - x3) - y1 * hhh) % P256, z1 * h % P256


def p256_table(point):
    """The point times 1 to 15 times 16 to the power of 0 to 63, affine: what makes each signature of a key cheap."""
    rows, step = [], (point[0], point[1], 1)
    for _ in range(64):
        inverse = pow(step[2], -1, P256)
        base = step[0] * inverse * inverse % P256, step[1] * pow(inverse, 3, P256) % P256
        row = [step := (*base, 1)]
        for _ in range(15):
            row.append(step := p256_add(step, base))
        rows.append(row)
    flat, product, products = [point for row in rows for point in row[:15]], 1, []
    for _, _, z in flat:  # one inversion for all of them
        products.append(product)
        product = product * z % P256
    inverse, affine = pow(product, -1, P256), []
    for (x, y, z), before in zip(reversed(flat), reversed(products)):
        of_z, inverse = inverse * before % P256, inverse * z % P256
        affine.append((x * of_z * of_z % P256, y * of_z * of_z * of_z % P256))
    affine.reverse()
    return [affine[at : at + 15] for at in range(0, len(affine), 15)]


def der_number(data, at):
    """A positive INTEGER of DER, in its shortest form, and where it ends."""
    need(data[at] == 2 and 0 < data[at + 1] < 0x80 and len(data) >= at + 2 + data[at + 1], "signature", "no number")
    raw = data[at + 2 : at + 2 + data[at + 1]]
    need(raw[0] < 0x80 and not (raw[0] == 0 and len(raw) > 1 and raw[1] < 0x80), "signature", "the number is not as DER has it")
    return int.from_bytes(raw, "big"), at + 2 + len(raw)


class PersonKey:
    """A public key of a person: the 65 bytes of an uncompressed point."""

    tables = {}

    def __init__(self, raw):
        self.point = x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
        if len(raw) != 65 or raw[0] != 4 or max(x, y) >= P256 or (y * y - x * x * x + 3 * x - B256) % P256:
            raise ValueError("the key is no point on P-256")

    def has_signed(self, signature, text):
        try:
            need(len(signature) > 2 and signature[0] == 0x30 and signature[1] == len(signature) - 2, "signature", "no sequence")
            r, at = der_number(signature, 2)
            s, at = der_number(signature, at)
        except (Wrong, IndexError):
            return False
        if at != len(signature) or not (0 < r < ORDER and 0 < s < ORDER):
            return False
        inverse = pow(s, -1, ORDER)
        found = None
        for of, times in ((BASE, int.from_bytes(sha(text), "big") * inverse % ORDER), (self.point, r * inverse % ORDER)):
            if of not in self.tables:
                self.tables[of] = p256_table(of)
            for row in self.tables[of]:
                if times & 15:
                    found = p256_add(found, row[(times & 15) - 1])
                times >>= 4
        return found is not None and found[0] * pow(found[2], -2, P256) % P256 % ORDER == r


# --- Ed25519 (RFC 8032, section 5.1) ---
P25519 = 2**255 - 19
L25519 = 2**252 + 27742317777372353535851937790883648493
D25519 = -121665 * pow(121666, -1, P25519) % P25519


def ed_add(left, right):
    """In extended coordinates; right for equal points too."""
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a, b = (y1 - x1) * (y2 - x2) % P25519, (y1 + x1) * (y2 + x2) % P25519
    c, d = 2 * t1 * t2 * D25519 % P25519, 2 * z1 * z2 % P25519
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P25519, g * h % P25519, f * g % P25519, e * h % P25519


@functools.lru_cache(maxsize=64)
def ed_table(point):
    """The point times 1 to 15 times 16 to the power of 0 to 63: what makes each signature of a key cheap."""
    rows, step = [], point
    for _ in range(64):
        row = [step]
        for _ in range(14):
            row.append(ed_add(row[-1], step))
        rows.append(row)
        step = ed_add(row[-1], step)
    return rows


def ed_times(point, number):
    """Of a number below 2**256."""
    found = (0, 1, 1, 0)
    for row in ed_table(point):
        if number & 15:
            found = ed_add(found, row[(number & 15) - 1])
        number >>= 4
    return found


@functools.lru_cache(maxsize=64)
def ed_point(raw):
    """Section 5.1.3; `None` where these bytes are no point."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P25519:
        return None
    square = (y * y - 1) * pow(D25519 * y * y + 1, -1, P25519) % P25519
    x = pow(square, (P25519 + 3) // 8, P25519)
    if (x * x - square) % P25519:
        x = x * pow(2, (P25519 - 1) // 4, P25519) % P25519
    if (x * x - square) % P25519 or (x == 0 and sign):
        return None
    x = P25519 - x if x & 1 != sign else x
    return x, y, 1, x * y % P25519


ED_BASE = ed_point((4 * pow(5, -1, P25519) % P25519).to_bytes(32, "little"))


def ed_has_signed(public, signature, text):
    """Section 5.1.7, the equation without the cofactor."""
    key = ed_point(public)
    if len(signature) != 64 or key is None:
        return False
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L25519
    if s >= L25519:
        return False
    x, y, z, t = key
    x, y, z, _ = ed_add(ed_times(ED_BASE, s), ed_times((P25519 - x, y, z, P25519 - t), k))
    inverse = pow(z, -1, P25519)
    x, y = x * inverse % P25519, y * inverse % P25519
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# --- the ledger's key and what it signs (C2SP signed-note, tlog-checkpoint) ---
def parse_vkey(vkey):
    name, _, rest = vkey.partition("+")
    key_id, _, key = rest.partition("+")
    raw = base64.b64decode(key)
    need(len(raw) == 33 and raw[0] == 1, "vkey", "not an Ed25519 key")
    need(sha(name.encode() + b"\n" + raw)[:4].hex() == key_id, "vkey", "its id is not its hash")
    return name, bytes.fromhex(key_id), raw[1:]


def open_checkpoint(note, keys, where):
    """The size and root that a signed note states, once the signature of the key whose turn it was holds."""
    name, key_id, public = keys.of(note)
    text, _, signatures = note.rpartition("\n\n")
    is_signed = False
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if dash == "\u2014" and signer == name and raw[:4] == key_id:
            need(ed_has_signed(public, raw[4:], (text + "\n").encode()), where, "the checkpoint's signature is not under it")
            is_signed = True
    need(is_signed, where, f"the checkpoint is not signed by {name}")
    origin, size, root = text.split("\n")[:3]
    need(origin == name, where, f"the checkpoint is of {origin}")
    return int(size), base64.b64decode(root)


# --- the tree (RFC 6962, section 2.1) ---
leaf = lambda data: sha(b"\x00" + data)
node = lambda left, right: sha(b"\x01" + left + right)


class Tree:
    """The right edge of a growing tree."""

    def __init__(self):
        self.edge, self.size = [], 0

    def copy(self):
        tree = Tree()
        tree.edge, tree.size = list(self.edge), self.size
        return tree

    def push(self, data):
        self.push_node(0, leaf(data))

    def push_node(self, level, found):
        """The hash over the next 2**level entries."""
        need(self.size % (1 << level) == 0, f"entry {self.size}", f"no node of level {level} begins there")
        self.size += 1 << level
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
