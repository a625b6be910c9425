"""The archive for machines without a network: installs whole or not at all, upgrades with a backup, goes back."""

import ensurepip
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools import bundle

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """What stands for the downloaded wheels: pip's own, and one that only points at the packages that are here."""
    folder = tmp_path_factory.mktemp("wheels")
    for pip in Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"):
        shutil.copy(pip, folder)
    info = "borrowed-1.0.dist-info"
    with zipfile.ZipFile(folder / "borrowed-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("borrowed.pth", f"{sysconfig.get_path('purelib')}\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: borrowed\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture(scope="module")
def archive(wheels, tmp_path_factory):
    return bundle.make(tmp_path_factory.mktemp("dist"), bundle.ROOT / "requirements.txt", [HERE], [], wheels)


@pytest.fixture
def unpacked(archive, tmp_path):
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    return next(tmp_path.glob("contracts-*"))


def install(folder, *options):
    """Run the installer into folders beside the bundle; what it said."""
    where = ["--prefix", str(folder.parent / "opt"), "--data", str(folder.parent / "data")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "PYTHON": sys.executable}
    command = ["sh", str(folder / "install.sh"), *where, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def edition(folder, name):
    """Make the bundle pass for another edition."""
    (folder / "EDITION").write_text(f"{name}\n")
    (folder / "SHA256SUMS").unlink()
    (folder / "SHA256SUMS").write_text(bundle._sums(folder))


def test_installs_upgrades_and_goes_back(unpacked):
    first = install(unpacked)
    assert first.returncode == 0, first.stderr
    opt, data = unpacked.parent / "opt", unpacked.parent / "data"
    assert "/invitations/" in first.stdout  # nobody's password is shipped; the three set their own
    assert data.stat().st_mode & 0o077 == 0
    one = (opt / "current").resolve()

    edition(unpacked, "9.9.9")
    assert install(unpacked).returncode == 0
    assert (opt / "current").resolve().name == "9.9.9"
    kept = subprocess.run([opt / "contracts", "backup", "list"], capture_output=True, text=True)
    assert kept.returncode == 0
    assert kept.stdout.strip(), "an upgrade begins with a backup"

    back = install(unpacked, "--rollback")
    assert back.returncode == 0, back.stderr
    assert (opt / "current").resolve() == one
    users = subprocess.run([opt / "contracts", "users", "list"], capture_output=True, text=True)
    assert "admin" in users.stdout


@pytest.mark.parametrize("name", ["app/wsgi.py", "requirements.lock"])
def test_a_changed_bundle_installs_nothing(unpacked, name):
    with (unpacked / name).open("a") as file:
        file.write("\n# a little more\n")
    told = install(unpacked)
    assert told.returncode == 1
    assert "被改动过" in told.stderr
    assert not (unpacked.parent / "opt").exists()


def test_a_bundle_for_another_python_says_so(unpacked):
    (unpacked / "PYTHONS").write_text("3.99\n")
    edition(unpacked, "0")
    told = install(unpacked)
    assert told.returncode == 1
    assert "需要" in told.stderr
    assert "3.99" in told.stderr


def test_the_same_files_make_the_same_archive(archive, wheels, tmp_path):
    again = bundle.make(tmp_path, bundle.ROOT / "requirements.txt", [HERE], [], wheels)
    assert again.name == archive.name
    assert again.read_bytes() == archive.read_bytes()


def test_every_wheel_is_pinned_by_its_hash(archive):
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        pins = tar.extractfile(next(name for name in names if name.endswith("requirements.lock"))).read().decode()
    assert len(pins.splitlines()) == sum(name.endswith(".whl") for name in names) >= 2
    assert all("--hash=sha256:" in line for line in pins.splitlines())
    assert not any("/tests/" in name or "/instance/" in name for name in names)
