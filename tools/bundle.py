"""Make one archive with which the system is installed where there is no network: `make bundle`.

It holds the product, a wheel of everything in requirements.txt with its hash, and install.sh. Wheels depend on the
version of Python and on the machine; both default to those of the machine the bundle is made on.

    python -m tools.bundle --python 3.11 --python 3.12 --platform manylinux_2_28_aarch64
"""

import argparse
import gzip
import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import parse_wheel_filename

from contracts_app.core.edition import VERSION

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("contracts_app/", "migrations/", "templates/", "static/", "seeds/", "docs/", "deploy/")
LOOSE = ("wsgi.py", "requirements.txt", "README.md", "CHANGELOG.md", "LICENSE")
INSTALLER = "pip"  # Python of some systems comes without it
PINS = "requirements.lock"
SUMS = "SHA256SUMS"


def main() -> None:
    """Read the command line and make the bundle; prints where it is, its size and its SHA-256."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--out", type=Path, default=ROOT / "dist", help="folder to put the archive into")
    asked.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt")
    asked.add_argument("--python", action="append", metavar="3.11", help="version of Python; may be said several times")
    asked.add_argument("--platform", action="append", metavar="TAG", help="such as manylinux_2_28_aarch64")
    asked.add_argument("--wheels", type=Path, help="take wheels from this folder instead of downloading them")
    given = asked.parse_args()
    pythons = given.python or [f"{sys.version_info.major}.{sys.version_info.minor}"]
    made = make(given.out, given.requirements, pythons, given.platform or [], given.wheels)
    print(f"{made}  {made.stat().st_size / 1e6:.1f} MB")
    print(f"sha256 {_sha256(made)}")


def make(out: Path, requirements: Path, pythons: list[str], platforms: list[str], wheels: Path | None) -> Path:
    """The archive, made in ``out`` from the files git knows. Raises ``SystemExit`` with a sentence when pip fails."""
    edition = _edition()
    machine = "-".join(platforms) or platform.machine()
    name = f"contracts-{edition}-py{'-'.join(pythons)}-{machine}"
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, name)
        _copy_product(bundle / "app")
        shutil.copy(ROOT / "deploy/install.sh", bundle / "install.sh")
        _bring_wheels(bundle / "wheels", requirements, pythons, platforms, wheels)
        (bundle / PINS).write_text(_pinned(bundle / "wheels"), encoding="utf-8")
        (bundle / "EDITION").write_text(f"{edition}\n", encoding="utf-8")
        (bundle / "PYTHONS").write_text("".join(f"{one}\n" for one in pythons), encoding="utf-8")
        (bundle / SUMS).write_text(_sums(bundle), encoding="utf-8")
        out.mkdir(parents=True, exist_ok=True)
        return _packed(bundle, out / f"{name}.tar.gz")


def _edition() -> str:
    """The version, and the commit it was made from where git tells."""
    told = _git("describe", "--always", "--dirty", "--exclude=*")
    return f"{VERSION}+{told.strip()}" if told else VERSION


def _git(*words: str) -> str:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _copy_product(target: Path) -> None:
    told = _git("ls-files", "-z")
    for name in told.rstrip("\0").split("\0") if told else _in_folder():
        if name in LOOSE or name.startswith(PRODUCT):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def _in_folder() -> Iterator[str]:
    """The files of a copy that came without its history."""
    for file in ROOT.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(ROOT).as_posix()


def _bring_wheels(
    target: Path, requirements: Path, pythons: list[str], platforms: list[str], wheels: Path | None
) -> None:
    if wheels:
        shutil.copytree(wheels, target)
        return
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    where = [word for one in platforms for word in ("--platform", one)]
    for python in pythons:
        which = ["--only-binary=:all:", "--no-deps", "--python-version", python, *where, "--dest", str(target)]
        if subprocess.run([*pip, *which, "-r", str(requirements), INSTALLER]).returncode:
            raise SystemExit(f"软件包没有下载齐（Python {python}）。  pip could not bring every wheel.")


def _pinned(wheels: Path) -> str:
    """A requirements file with the hash of every wheel: pip refuses any other content."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for wheel in wheels.glob("*.whl"):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        hashes[f"{name}=={version}"].add(_sha256(wheel))
    if strays := [file.name for file in wheels.iterdir() if file.suffix != ".whl"]:
        raise SystemExit(f"不是 wheel，不能离线安装：{strays}  Not a wheel, cannot be installed offline.")
    lines = [f"{pin} {' '.join(f'--hash=sha256:{one}' for one in sorted(found))}" for pin, found in hashes.items()]
    return "".join(f"{line}\n" for line in sorted(lines))


def _sums(bundle: Path) -> str:
    """What ``sha256sum -c`` reads, one line for every file."""
    files = sorted(file for file in bundle.rglob("*") if file.is_file())
    return "".join(f"{_sha256(file)}  {file.relative_to(bundle).as_posix()}\n" for file in files)


def _packed(bundle: Path, archive: Path) -> Path:
    """The same content gives the same archive, byte for byte: no times, no names of who made it."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = 0
        runs = entry.isdir() or entry.name.endswith(".sh")
        entry.mode = 0o755 if runs else 0o644
        return entry

    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, 0) as packed,
        tarfile.open(None, "w", packed) as tar,
    ):
        for file in [bundle, *sorted(bundle.rglob("*"))]:
            tar.add(file, file.relative_to(bundle.parent).as_posix(), recursive=False, filter=plain)
    return archive


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


if __name__ == "__main__":
    main()
