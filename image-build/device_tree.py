"""Reads flattened device trees (Devicetree Specification 0.4, chapter 5)."""

import struct

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def properties(blob):
    """Yields (path of the node, name, value) of each property."""
    magic, _size, structure, strings = struct.unpack_from(">4I", blob)
    if magic != MAGIC:
        raise ValueError("no device tree")
    at, path = structure, []
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            at = (end + 4) & ~3
        elif token == END_NODE:
            path.pop()
        elif token == PROP:
            length, name = struct.unpack_from(">2I", blob, at)
            at += 8
            end = blob.index(b"\0", strings + name)
            yield "/".join(path) or "/", blob[strings + name : end].decode(), blob[at : at + length]
            at = (at + length + 3) & ~3
        elif token == END:
            return
        elif token != NOP:
            raise ValueError(f"device tree: unknown token {token}")


def strings(value):
    """A property's list of strings."""
    return [part.decode() for part in value.split(b"\0") if part]


def compatibles(blob):
    """The `compatible` names of all nodes that are not switched off."""
    compatible, off = {}, set()
    for path, name, value in properties(blob):
        if name == "compatible":
            compatible[path] = strings(value)
        elif name == "status" and not strings(value)[0].startswith("ok"):
            off.add(path)
    return [names for path, names in compatible.items() if path not in off]


def aliases(blob):
    """The node /aliases."""
    return {name: strings(value)[0] for path, name, value in properties(blob) if path.strip("/") == "aliases"}
