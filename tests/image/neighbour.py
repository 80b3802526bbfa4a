"""Another machine on the emulated one's second network card, which asks for names by mDNS (RFC 6762)."""

import os
import select
import socket
import struct
import time
from pathlib import Path

ADDRESS = bytes([192, 168, 77, 1])
MAC = bytes.fromhex("02000000004d")
GROUP = bytes([224, 0, 0, 251])
GROUP_MAC = bytes.fromhex("01005e0000fb")
PORT = 5353
TYPES = {1: "A", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV"}
ASK_AGAIN_S = 1


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def question(name, kind):
    """A query for one name (RFC 1035, section 4.1)."""
    number = next(number for number, known in TYPES.items() if known == kind)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 0, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", number, 1)


def frame(payload):
    """A datagram to everybody who listens to mDNS, as an Ethernet frame."""
    datagram = struct.pack("!4H", PORT, PORT, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 255, socket.IPPROTO_UDP, 0) + ADDRESS + GROUP
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return GROUP_MAC + MAC + b"\x08\x00" + head + datagram


def payload_of(received):
    """What a frame says to mDNS over IPv4, or None."""
    if received[12:14] != b"\x08\x00" or received[23] != socket.IPPROTO_UDP or received[30:34] != GROUP:
        return None
    datagram = received[14 + (received[14] & 15) * 4 :]
    return datagram[8:] if struct.unpack_from("!H", datagram)[0] == PORT else None


def name_at(message, at):
    """A name, compressed or not, and where it ends (RFC 1035, section 4.1.4)."""
    labels, end = [], None
    while length := message[at]:
        if length & 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        else:
            labels.append(message[at + 1 : at + 1 + length].decode())
            at += 1 + length
    return ".".join(labels), end or at + 1


def records(message):
    """{(name, type): [value, ...]} of an answer, the additional ones included."""
    _id, flags, questions, *counts = struct.unpack_from("!6H", message)
    at, found = 12, {}
    if not flags & 0x8000:
        return found
    for _ in range(questions):
        at = name_at(message, at)[1] + 4
    for _ in range(sum(counts)):
        name, at = name_at(message, at)
        number, _class, _ttl, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        data, kind = message[at : at + length], TYPES.get(number, str(number))
        if kind in ("A", "AAAA"):
            value = socket.inet_ntop(socket.AF_INET if kind == "A" else socket.AF_INET6, data)
        elif kind == "PTR":
            value = name_at(message, at)[0]
        elif kind == "SRV":
            value = f"{name_at(message, at + 6)[0]}:{struct.unpack_from('!H', message, at + 4)[0]}"
        else:
            value = data.decode(errors="replace")
        found.setdefault((name, kind), []).append(value)
        at += length
    return found


class Neighbour:
    """Holds the other end of the card's cable. Use with `with`, around the machine."""

    def __init__(self, folder):
        self.own = Path(folder) / "neighbour.socket"
        self.other = Path(folder) / "card.socket"
        self.arguments = [
            "-netdev",
            f"dgram,id=lan,local.type=unix,local.path={self.other},remote.type=unix,remote.path={self.own}",
            "-device", "virtio-net-pci,netdev=lan,romfile=",
        ]

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.fspath(self.own))
        return self

    def __exit__(self, *_exception):
        self.socket.close()

    def hear(self, name, kind, timeout_s):
        """What is announced for a name, without being asked."""
        return self.ask(name, kind, timeout_s, asks=False)

    def ask(self, name, kind, timeout_s, asks=True):
        """What is answered for a name: {(name, type): [value, ...]}; empty if nothing is."""
        end = time.monotonic() + timeout_s
        next_s = 0 if asks else end
        while (now := time.monotonic()) < end:
            if now >= next_s and self.other.exists():
                self.socket.sendto(frame(question(name, kind)), os.fspath(self.other))
                next_s = now + ASK_AGAIN_S
            if not select.select([self.socket], [], [], ASK_AGAIN_S / 10)[0]:
                continue
            payload = payload_of(self.socket.recv(65536))
            found = records(payload) if payload else {}
            if (name, kind) in found:
                return found
        return {}
