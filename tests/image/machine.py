"""An emulated machine that starts from a card, and the output on its serial console."""

import os
import random
import re
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

SECTOR = 512
BOOT_MIB = 4
"""Where the boot partition begins on the card (image-build/disk)."""
FAT_STATE = 0x41
"""In FAT32's boot sector: the byte with the dirty flag as its lowest bit."""
FAT_OWN_ENTRIES = 8
"""Bytes of the first two entries of a FAT32."""
CARD_BYTES = 1 << 30
"""QEMU accepts only SD cards with a power of two as size."""
FIRMWARE = Path("/usr/share/AAVMF")
CONNECT_TIME_MAX_S = 30
"""For QEMU to take a connection, whether or not the guest is up."""
ADDRESS = r"http://10\.0\.2\.15/"
"""The address on the screen, assigned by QEMU's DHCP."""
ATTEMPTS_MAX = 25
"""Maximum concurrent connections; the oldest is replaced by a new one."""


class Failed(Exception):
    """A failed expectation of a test."""


class Card:
    """A copy of the image, as large as a card, in its own folder."""

    def __init__(self, image, folder):
        self.path = Path(folder) / "card.img"
        subprocess.run(["cp", "--sparse=always", image, self.path], check=True)
        os.truncate(self.path, CARD_BYTES)

    @property
    def boot(self):
        return f"{self.path}@@{BOOT_MIB << 20}"

    def put(self, source, name):
        """Puts a file into the boot partition, like a user with a card reader."""
        subprocess.run(["mcopy", "-o", "-i", self.boot, source, f"::/{name}"], check=True)

    def put_text(self, text, name):
        with tempfile.NamedTemporaryFile(dir=self.path.parent) as file:
            file.write(text if isinstance(text, bytes) else text.encode())
            file.flush()
            self.put(file.name, name)

    def remove(self, name):
        subprocess.run(["mdel", "-i", self.boot, f"::/{name}"], check=True)

    def get(self, name):
        """The bytes of a file, or None."""
        done = subprocess.run(["mtype", "-i", self.boot, f"::/{name}"], capture_output=True)
        return done.stdout if done.returncode == 0 else None

    def partition(self, name):
        """Where a partition begins, in bytes, or None."""
        with open(self.path, "rb") as file:
            file.seek(SECTOR)
            at, count, size = struct.unpack_from("<QII", file.read(SECTOR), 72)
            file.seek(at * SECTOR)
            table = file.read(count * size)
        for entry in range(0, len(table), size):
            if table[entry + 56 : entry + size].decode("utf-16le", "replace").rstrip("\0") == name:
                return struct.unpack_from("<Q", table, entry + 32)[0] * SECTOR
        return None

    def data_mounts(self):
        """How often the data partition has been mounted (ext4's s_mnt_count); 0 if it is not there."""
        begin = self.partition("pinhole-data")
        if begin is None:
            return 0
        with open(self.path, "rb") as file:
            file.seek(begin + 1024)
            superblock = file.read(64)
        return struct.unpack_from("<H", superblock, 52)[0] if superblock[56:58] == b"\x53\xef" else 0

    def mark_dirty(self):
        """The boot partition as after a power cut while it was written to: FAT32's state byte says so."""
        with open(self.path, "r+b") as file:
            file.seek((BOOT_MIB << 20) + FAT_STATE)
            file.write(b"\x01")

    def fill_tables_with_noise(self):
        """The boot partition's chains lead anywhere; its folders' first clusters stay."""
        with open(self.path, "r+b") as file:
            file.seek(BOOT_MIB << 20)
            record = file.read(SECTOR)
            (reserved,) = struct.unpack_from("<H", record, 14)
            (sectors,) = struct.unpack_from("<I", record, 36)
            file.seek((BOOT_MIB << 20) + reserved * SECTOR)
            # The first entries are the partition's own.
            file.seek(FAT_OWN_ENTRIES, os.SEEK_CUR)
            file.write(random.Random(1).randbytes(record[16] * sectors * SECTOR - FAT_OWN_ENTRIES))

    def boot_record(self):
        """The MBR, in which older firmware finds the boot partition."""
        with open(self.path, "rb") as file:
            return file.read(SECTOR)

    def get_file(self, name, folder):
        target = Path(folder) / Path(name).name
        subprocess.run(["mcopy", "-o", "-i", self.boot, f"::/{name}", target], check=True)
        return target


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machine:
    """A running QEMU. Use in a `with` statement, which ends it."""

    def __init__(self, arguments, folder, port, limits=None):
        self.limits = limits
        self.port = port
        self.folder = Path(folder)
        self.output = b""
        self.changed = threading.Condition()
        self.ended = False
        self.began = time.monotonic()
        command = ["qemu-system-aarch64", "-nodefaults", "-display", "none", "-no-reboot", *arguments]
        self.errors = open(self.folder / "qemu.log", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with open(self.folder / "console.log", "ab") as log:
            while chunk := os.read(self.process.stdout.fileno(), 65536):
                log.write(chunk)
                log.flush()
                with self.changed:
                    self.output += chunk
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.cut()

    def cut(self):
        """Cuts the power."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        self.errors.close()

    def age(self):
        """Seconds since power-on."""
        return time.monotonic() - self.began

    def wait_console(self, pattern, timeout_s):
        """Waits for text on the console; returns the match and the machine's age."""
        wanted = re.compile(pattern.encode(), re.S)
        with self.changed:
            found = self.changed.wait_for(lambda: wanted.search(self.output) or self.ended, timeout_s)
            match = wanted.search(self.output)
        if not match:
            why = "the machine ended" if found else f"{timeout_s:.0f} s are over"
            raise Failed(f"the console did not say {pattern!r}: {why}; its end:\n{self.tail()}")
        return match, self.age()

    def wait_until(self, true, timeout_s, what):
        """Waits until a condition holds; checks at each console output, and every second."""
        end = time.monotonic() + timeout_s
        while not true():
            if time.monotonic() > end or self.ended:
                raise Failed(f"{what}: not within {timeout_s:.0f} s; the console's end:\n{self.tail()}")
            with self.changed:
                self.changed.wait(1)

    def tail(self):
        return self.output[-2000:].decode(errors="replace")

    def first_answer(self, request, timeout_s, enough, again_s):
        """Repeats a request until the service responds; returns the response, read until `enough`, and the age."""
        end = time.monotonic() + timeout_s
        attempts, problem = Attempts(self.port, request), f"nothing within {timeout_s:.0f} s"
        with attempts:
            while time.monotonic() < end and not self.ended:
                problem = attempts.one_more() or problem
                answer = attempts.answer(min(again_s, max(end - time.monotonic(), 0)), enough)
                if answer is not None:
                    return answer, self.age()
        raise Failed(f"no answer at port {self.port}: {problem}; the console's end:\n{self.tail()}")

    def get(self, path):
        """One answer: status and body. It is asked only once the screen has the machine's address: the service may be
        up before, but what is sent to a machine without an address is lost."""
        self.wait_console(ADDRESS, self.limits.boot_s)
        request = f"GET {path} HTTP/1.1\r\nHost: pinhole.local\r\nConnection: close\r\n\r\n".encode()
        answer, _age = self.first_answer(request, self.limits.answer_s, whole, self.limits.again_s)
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


class Attempts:
    """Connections that ask the same. QEMU takes connections before the guest does, and what it sends into a
    guest without an address is lost: it sends it again after seconds only, so a new one is the quicker way."""

    def __init__(self, port, request):
        self.port = port
        self.request = request
        self.selector = selectors.DefaultSelector()
        self.answers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        for connection in list(self.answers):
            self.drop(connection)
        self.selector.close()

    def drop(self, connection):
        self.selector.unregister(connection)
        del self.answers[connection]
        connection.close()

    def one_more(self):
        """Opens another one, in place of the oldest if there are too many; returns what prevents it."""
        if any(self.answers.values()):
            return None
        if len(self.answers) >= ATTEMPTS_MAX:
            self.drop(next(iter(self.answers)))
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=CONNECT_TIME_MAX_S)
            connection.sendall(self.request)
        except OSError as error:
            return error
        self.selector.register(connection, selectors.EVENT_READ)
        self.answers[connection] = b""
        return None

    def answer(self, wait_s, enough):
        """The first sufficient response, if it comes in time."""
        end = time.monotonic() + wait_s
        while (left_s := end - time.monotonic()) > 0:
            for key, _events in self.selector.select(left_s):
                connection = key.fileobj
                try:
                    more = connection.recv(65536)
                except OSError:
                    more = b""
                self.answers[connection] += more
                if enough(self.answers[connection]) or (self.answers[connection] and not more):
                    return self.answers[connection]
                if not more:
                    self.drop(connection)
        return None


def whole(answer):
    """Whether a response has as many bytes as it declares."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
    return bool(separator and length and len(body) >= int(length[1]))


def uefi(card, folder, camera_socket=None, memory_mib=512, more=(), limits=None):
    """The generic machine with UEFI, which starts systemd-boot from the card's boot partition; `more` are further
    arguments for QEMU."""
    port = free_port()
    variables = Path(folder) / "uefi-variables.fd"
    shutil.copy(FIRMWARE / "AAVMF_VARS.fd", variables)
    arguments = [
        "-machine", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", str(memory_mib), "-accel", "tcg,thread=multi",
        "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE / 'AAVMF_CODE.fd'}",
        "-drive", f"if=pflash,format=raw,file={variables}",
        "-drive", f"file={card.path},if=none,id=card,format=raw", "-device", "virtio-blk-pci,drive=card",
        "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:80",
        "-device", "virtio-net-pci,netdev=net,romfile=",
        "-device", "qemu-xhci,id=usb",
        "-serial", "stdio",
    ]
    if camera_socket:
        arguments += [
            "-chardev", f"socket,id=camera,path={camera_socket},server=on,wait=off",
            "-device", "usb-redir,chardev=camera,bus=usb.0",
        ]
    return Machine([*arguments, *more], folder, port, limits)


def raspberry_pi_3(card, folder, extra_initrd=None, parameters="", before_power=lambda: None, limits=None):
    """A Raspberry Pi 3 B. QEMU lacks its firmware: kernel, device tree and RAM disk are taken from the
    card's boot partition as the firmware does, with the parameters of the card's cmdline.txt. `before_power`
    is called when they are."""
    port = free_port()
    kernel = card.get_file("slot-a/vmlinuz", folder)
    tree = card.get_file("slot-a/bcm2837-rpi-3-b.dtb", folder)
    initrd = card.get_file("slot-a/initrd", folder)
    line = card.get("slot-a/cmdline.txt").decode().strip()
    if extra_initrd:
        with open(initrd, "ab") as file:
            file.write(b"\0" * (-initrd.stat().st_size % 4))
            file.write(Path(extra_initrd).read_bytes())
    before_power()
    # QEMU has the watchdog's registers, but resets the machine as soon as the watchdog starts.
    line += " systemd.watchdog_sec=off"
    # The PL011 is the Bluetooth chip's; the console is the mini UART, the second serial port.
    arguments = [
        "-machine", "raspi3b", "-accel", "tcg,thread=multi",
        "-kernel", kernel, "-dtb", tree, "-initrd", initrd, "-append", f"{line} {parameters}".strip(),
        "-drive", f"file={card.path},if=sd,format=raw",
        "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:80",
        "-device", "usb-net,netdev=net",
        "-serial", "null", "-serial", "stdio",
    ]
    return Machine([str(argument) for argument in arguments], folder, port, limits)
