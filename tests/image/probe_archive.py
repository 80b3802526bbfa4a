"""Makes the archive that is appended to the RAM disk to look into the system: see probe/init."""

import lzma
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "image-build"))

import kernel_modules  # noqa: E402 (its folder is only now in the path)


ACCESS_POINT = """network={{
    ssid="Home"
    mode=2
    key_mgmt={key_management}
    proto=RSN
    pairwise=CCMP
    ieee80211w=1
    psk="{password}"
    frequency=2412
}}
"""


def make(base, folder, modules=(), access_points=(), settings_only=False):
    """`base` is the build's layer with the packages, `modules` names kernel modules that the image has not,
    `access_points` are key management and password of those on the second radio, one after the other
    (probe/wifi). With `settings_only` the report does not wait for the end of the start, and has nothing else."""
    tree = Path(folder) / "probe-tree"
    shutil.rmtree(tree, ignore_errors=True)
    probe = tree / "probe"
    shutil.copytree(HERE / "probe", probe)
    (probe / "init").chmod(0o755)
    shutil.copy(base / "parts/usr/bin/busybox", probe / "busybox")
    kernel = next((base / "parts/usr/lib/modules").iterdir())
    for number, (key_management, password) in enumerate(access_points):
        text = ACCESS_POINT.format(key_management=key_management, password=password)
        (probe / f"access-point-{number}.conf").write_text(text)
    if settings_only:
        (probe / "settings-only").touch()
    (probe / "modules").mkdir()
    known = kernel_modules.Modules(kernel)
    names = known.ordered([name for wanted in modules for name in known.named(wanted, "probe")])
    for name in names:
        path = kernel / known.path[name]
        (probe / "modules" / f"{name}.ko").write_bytes(lzma.decompress(path.read_bytes()))
    (probe / "modules.list").write_text("".join(f"{name}.ko\n" for name in names))
    archive = Path(folder) / "probe.cpio"
    paths = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    with open(archive, "wb") as file:
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc", "-R", "+0:+0"],
            cwd=tree, input="\n".join(paths).encode(), stdout=file, check=True,
        )
    return archive
