"""A second machine, on the emulated one's other network card, that speaks mDNS (RFC 6762) over IPv4 and IPv6."""

import ipaddress
import os
import select
import socket
import struct
import time
from pathlib import Path

MAC = bytes.fromhex("02000000004d")
PORT = 5353
TYPES = {1: "A", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV", 255: "ANY"}
NOTHING = bytes(12)
"""A message without questions."""
ASK_AGAIN_S = 1
TTL_S = 120


class Family:
    """One version of IP: our address, the mDNS multicast group, and the offsets in a packet."""

    def __init__(self, own, group, group_mac, ethernet_type):
        self.own = ipaddress.ip_address(own).packed
        self.group = ipaddress.ip_address(group).packed
        self.group_mac = bytes.fromhex(group_mac)
        self.ethernet_type = bytes.fromhex(ethernet_type)

    def frame(self, payload):
        """A datagram to the mDNS group, as an Ethernet frame."""
        length = 8 + len(payload)
        pseudo = self.own + self.group + struct.pack("!2H", socket.IPPROTO_UDP, length)
        head = struct.pack("!3H", PORT, PORT, length)
        datagram = head + struct.pack("!H", checksum(pseudo + head + payload) or 0xFFFF) + payload
        return self.group_mac + MAC + self.ethernet_type + self.ip_head(length) + datagram

    def ip_head(self, length):
        if self is IPV6:
            return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 255) + self.own + self.group
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 255, socket.IPPROTO_UDP, 0) + self.own + self.group
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:]

    def payload_of(self, received):
        """The mDNS message in a frame, or None."""
        packet = received[14:]
        if received[12:14] != self.ethernet_type or len(packet) < 48:
            return None
        protocol, group, datagram = (
            (packet[6], packet[24:40], packet[40:])
            if self is IPV6
            else (packet[9], packet[16:20], packet[(packet[0] & 15) * 4 :])
        )
        is_mdns = protocol == socket.IPPROTO_UDP and group == self.group
        return datagram[8:] if is_mdns and struct.unpack_from("!H", datagram)[0] == PORT else None


IPV4 = Family("192.168.77.1", "224.0.0.251", "01005e0000fb", "0800")
IPV6 = Family("fe80::4d", "ff02::fb", "3333000000fb", "86dd")


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encoded(name):
    """RFC 1035, section 3.1."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def question(name, kind):
    """A query for one name (RFC 1035, section 4.1)."""
    number = next(number for number, known in TYPES.items() if known == kind)
    return struct.pack("!6H", 0, 0, 1, 0, 0, 0) + encoded(name) + struct.pack("!2H", number, 1)


def address_of(name, address):
    """The answer that a name's only owner gives (RFC 6762, section 10.2)."""
    data = ipaddress.ip_address(address).packed
    head = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0)
    return head + encoded(name) + struct.pack("!HHIH", 1, 0x8001, TTL_S, len(data)) + data


def name_at(message, at):
    """A name, compressed or not, and its end (RFC 1035, section 4.1.4)."""
    labels, end = [], None
    while length := message[at]:
        if length & 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        else:
            labels.append(message[at + 1 : at + 1 + length].decode())
            at += 1 + length
    return ".".join(labels), end or at + 1


def asked(message):
    """The names in a query."""
    _id, flags, questions = struct.unpack_from("!3H", message)
    at, names = 12, []
    for _ in range(0 if flags & 0x8000 else questions):
        name, at = name_at(message, at)
        names.append(name)
        at += 4
    return names


def records(message):
    """{(name, type): [value, ...]} of a response, including the additional records."""
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
    """Holds the other end of the card's cable. Use with `with`, around the machine. `own` are its names and
    addresses, for which it answers."""

    def __init__(self, folder, own=()):
        self.own = dict(own)
        self.here = Path(folder) / "neighbour.socket"
        self.there = Path(folder) / "card.socket"
        self.arguments = [
            "-netdev",
            f"dgram,id=lan,local.type=unix,local.path={self.there},remote.type=unix,remote.path={self.here}",
            "-device", "virtio-net-pci,netdev=lan,romfile=",
        ]

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.fspath(self.here))
        return self

    def __exit__(self, *_exception):
        self.socket.close()

    def ask(self, name, kind, timeout_s, family=IPV4):
        """The response for a name, over one version of IP: {(name, type): [value, ...]}; empty without one."""
        def look(received):
            payload = family.payload_of(received)
            found = records(payload) if payload else {}
            return found if (name, kind) in found else None

        return self.listen(look, timeout_s, lambda: self.send(family, question(name, kind))) or {}

    def answer_until(self, true, timeout_s):
        """Answers for its own names until a condition holds; returns whether it does."""
        return self.listen(lambda _received: true(), timeout_s)

    def listen(self, look, timeout_s, again=lambda: None):
        """The first result of `look` for a frame, or None. Calls `again` once a second."""
        end = time.monotonic() + timeout_s
        next_s = 0
        while (now := time.monotonic()) < end:
            if now >= next_s and self.there.exists():
                again()
                next_s = now + ASK_AGAIN_S
            if not select.select([self.socket], [], [], ASK_AGAIN_S / 10)[0]:
                continue
            received = self.socket.recv(65536)
            self.answer(received)
            if found := look(received):
                return found
        return None

    def answer(self, received):
        for family in (IPV4, IPV6):
            for name in asked(family.payload_of(received) or NOTHING):
                if name in self.own:
                    self.send(family, address_of(name, self.own[name]))

    def send(self, family, payload):
        self.socket.sendto(family.frame(payload), os.fspath(self.there))
