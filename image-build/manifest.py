#!/usr/bin/env python3
"""The manifests: boards/base.toml and the additions of each other file there."""

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "boards"

BASE_KEYS = {
    "debian_suite": str,
    "kernel_suite": str,
    "packages": {"root": list, "left_out": list, "parts": list},
    "files": {"removed": list, "systemd_programs": list, "read_ahead": list},
    "units": {
        "kept": list,
        "wanted": {"sysinit": list, "sockets": list, "multi-user": list},
        "udev_rules": list,
    },
    "modules": {
        "initramfs": list,
        "initramfs_aside": list,
        "initramfs_later": list,
        "initramfs_fallback": list,
        "root": list,
        "device_tree_unused": list,
    },
    "budgets": {
        "image_compressed_max": int,
        "root_max": int,
        "fat_used_max": int,
        "initramfs_max": int,
        "service_max": int,
    },
    "disk": {"fat": int, "slot": int},
}
BOARD_KEYS = {
    "name": str,
    "compatible": str,
    "device_trees": list,
    "device_tree_aliases": dict,
    "boot_files": list,
    "initramfs": list,
    "initramfs_later": list,
    "modules": list,
    "wifi": list,
}


class ManifestError(Exception):
    """A mistake in a manifest; the text gives the place and the allowed values."""


def _checked(table, keys, where):
    for key, value in table.items():
        if key not in keys:
            raise ManifestError(f"{where}: unknown key {key}; allowed: {', '.join(keys)}")
        kind = keys[key]
        if isinstance(kind, dict):
            _checked(value, kind, f"{where}: {key}")
        elif not isinstance(value, kind):
            raise ManifestError(f"{where}: {key} must be a {kind.__name__}")
    return table


def _read(path, keys):
    try:
        return _checked(tomllib.loads(path.read_text()), keys, path.name)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path.name}: {error}") from error


@dataclass
class Board:
    """One board's manifest."""

    id: str
    name: str
    compatible: str
    device_trees: list
    device_tree_aliases: dict
    boot_files: list
    initramfs: list
    initramfs_later: list
    modules: list
    wifi: list


def base():
    """boards/base.toml."""
    table = _read(FOLDER / "base.toml", BASE_KEYS)
    missing = [key for key in BASE_KEYS if key not in table]
    if missing:
        raise ManifestError(f"base.toml: missing: {', '.join(missing)}")
    return table


def boards():
    """Every other manifest, in order of its file's name."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        if path.name == "base.toml":
            continue
        table = _read(path, BOARD_KEYS)
        for key in ("name", "compatible"):
            if key not in table:
                raise ManifestError(f"{path.name}: {key} is missing")
        empty = {key: kind() for key, kind in BOARD_KEYS.items()}
        found.append(Board(id=path.stem, **(empty | table)))
    return found


def union(field):
    """The entries of a list from all boards, each once, in order."""
    return list(dict.fromkeys(item for board in boards() for item in getattr(board, field)))


def main():
    """`manifest.py packages.root` prints a value, one entry per line; `manifest.py boards.device_trees` a union."""
    path = sys.argv[1]
    if path.startswith("boards."):
        value = union(path.removeprefix("boards."))
    else:
        value = base()
        for part in path.split("."):
            value = value[part]
    print("\n".join(map(str, value)) if isinstance(value, list) else value)


if __name__ == "__main__":
    try:
        main()
    except ManifestError as error:
        sys.exit(f"image-build/boards/{error}")
