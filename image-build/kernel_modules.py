#!/usr/bin/env python3
"""Chooses kernel modules: those that the manifests name, those that a board's device tree asks for, and
what they depend on."""

import fnmatch
import re
import sys
from pathlib import Path

import device_tree
import manifest


def key(name):
    """In modules' names - and _ are equivalent."""
    return Path(name).name.split(".ko")[0].replace("-", "_")


class Modules:
    """The modules of a kernel after depmod, in a folder lib/modules/VERSION."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.needs = {}
        self.path = {}
        for line in (self.folder / "modules.dep").read_text().splitlines():
            path, needs = line.split(":")
            self.path[key(path)] = path
            self.needs[key(path)] = [key(needed) for needed in needs.split()]
        self.builtin = {key(line) for line in (self.folder / "modules.builtin").read_text().split()}
        for line in (self.folder / "modules.softdep").read_text().splitlines():
            words = line.split()
            if words[:1] != ["softdep"]:
                continue
            before = []
            for word in words[2:]:
                if word in ("pre:", "post:"):
                    kind = word
                elif key(word) in self.path:
                    before.append((kind, key(word)))
            self.needs.get(key(words[1]), []).extend(name for _kind, name in before)
        self.of = []
        for line in (self.folder / "modules.alias").read_text().splitlines():
            _alias, pattern, name = line.split(maxsplit=2)
            match = re.match(r"of:N\*T\*C(.*?)(C\*)?$", pattern)
            if match:
                self.of.append((match[1], key(name)))

    def named(self, name, where):
        """One module, or all in a folder below kernel/."""
        if "/" in name:
            inside = [module for module, path in self.path.items() if path.startswith(f"kernel/{name}/")]
            if not inside:
                sys.exit(f"{where}: the kernel has no modules in {name}")
            return inside
        if key(name) in self.builtin:
            return []
        if key(name) not in self.path:
            sys.exit(f"{where}: the kernel has no module {name}")
        return [key(name)]

    def ordered(self, names):
        """The modules after their dependencies."""
        order = []

        def visit(name, within):
            if name in order or name in within:
                return
            for needed in sorted(self.needs[name]):
                visit(needed, within | {name})
            order.append(name)

        for name in names:
            visit(name, frozenset())
        return order

    def of_device_tree(self, blob):
        """The modules for the devices in a device tree."""
        wanted = {name for names in device_tree.compatibles(blob) for name in names}
        return {
            module for pattern, module in self.of
            if any(fnmatch.fnmatchcase(name, pattern) for name in wanted)
        }


def for_initramfs(modules):
    """{list's name: modules in order}. Each board's has its compatible string as name, and `.later` behind it for
    those that can wait until the card is found; the others are the base manifest's."""
    base = manifest.base()["modules"]

    def of(names, where):
        return modules.ordered([module for name in names for module in modules.named(name, where)])

    lists = {
        "first": of(base["initramfs"], "base.toml"),
        "aside": of(base["initramfs_aside"], "base.toml"),
        "later": of(base["initramfs_later"], "base.toml"),
        "fallback": of(base["initramfs_fallback"], "base.toml"),
    }
    for board in manifest.boards():
        for key, names in ((board.compatible, board.initramfs), (f"{board.compatible}.later", board.initramfs_later)):
            if names:
                lists[key] = list(dict.fromkeys(lists.get(key, []) + of(names, board.id)))
    return lists


def for_root(modules, kernel):
    """All modules of the root file system; the initial RAM disk's are among them."""
    base = manifest.base()["modules"]
    names = [module for name in base["root"] for module in modules.named(name, "base.toml")]
    for board in manifest.boards():
        names += [module for name in board.modules for module in modules.named(name, board.id)]
        for tree in board.device_trees:
            found = modules.of_device_tree((kernel / "dtb/broadcom" / tree).read_bytes())
            names += [
                module for module in sorted(found)
                if not any(fnmatch.fnmatchcase(module, unused) for unused in base["device_tree_unused"])
            ]
    for listed in for_initramfs(modules).values():
        names += listed
    return modules.ordered(dict.fromkeys(names))


def main():
    """`kernel_modules.py FOLDER root|initramfs`: relative paths, for the RAM disk after the list's name."""
    folder = Path(sys.argv[1])
    modules = Modules(folder)
    if sys.argv[2] == "root":
        for module in sorted(for_root(modules, folder)):
            print(modules.path[module])
    else:
        for name, listed in for_initramfs(modules).items():
            for module in listed:
                print(name, modules.path[module])


if __name__ == "__main__":
    main()
