"""The disk runs full while files are uploaded and while contracts are registered. Needs root, for a small disk.

    sudo python -m benchmarks.faults.disk_full

What cannot be kept is refused with a sentence and leaves nothing half; what was there stays; reading goes on; with
room again the same process goes on by itself.
"""

import hashlib
import os
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from .killed import number_of
from .office import Answer, Office, Visitor

SIZE = "160m"
UPLOAD = 6 * 1024 * 1024
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
PDF += b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj trailer<</Root 1 0 R>>\n%%EOF\n"


def main() -> None:
    """Run it and print what was lost; exit 1 if anything was."""
    folder = Path(tempfile.mkdtemp(prefix="contracts-faults-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(folder)], check=True)  # noqa: S607
    office = Office(folder=folder)
    try:
        raise SystemExit(run(office))
    finally:
        for worker in office.workers:
            worker.kill()
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607
        office.close()


def run(office: Office) -> int:
    """The whole trial; how many things are wrong."""
    waiting = office.prepare(1500, waiting=20)
    office.start()
    broker, reviewer = office.sign_in("jj-broker"), office.sign_in("jj-reviewer")
    draft = broker.fill("/contracts/new", is_classified="no").headers["location"].split("/")[2]
    before = _files(office.folder)

    _fill(office.folder, left=2 * 1024 * 1024)
    refused = _upload(broker, draft)
    after = _files(office.folder)
    with sqlite3.connect(office.folder / "contracts.db") as database:  # what its log has room for is no full disk
        database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    _fill(office.folder, left=0)
    answers = [_register(reviewer, one) for one in waiting[:6]]
    told = [one for one, answer in zip(waiting, answers, strict=False) if answer.status == 302]
    reading = [broker.get("/contracts/mine").status, reviewer.get("/contracts/inbox").status, broker.get("/").status]

    (office.folder / "ballast").unlink()
    again = [_register(reviewer, one).status for one in waiting[:6] if one not in told]
    kept = _upload(broker, draft)
    lost = [one for one in waiting[:6] if number_of(one) not in reviewer.get(f"/contracts/{one}").text]
    held = office.verify()
    whole = _hashes_hold(office.folder)

    print(f"upload on a full disk: {refused.status} {refused.heading}; files before {before}, after {after}")
    print(f"registering on a full disk: {sorted({(one.status, one.heading) for one in answers})}; reading {reading}")
    print(f"with room again: registering {again}, upload {kept.status}; lost {lost}; {held}; hashes hold {whole}")
    print(f"tracebacks in the log: {office.log().count('Traceback')}")
    wrong = lost or not whole or before != after or not all(held.values()) or kept.status != 302
    silent = refused.status in (200, 302) or not refused.heading or not any(one.status >= 400 for one in answers)
    return int(bool(wrong or silent or refused.status == 500 or any(one.status == 500 for one in answers)))


def _register(visitor: Visitor, contract_id: int) -> Answer:
    try:
        return visitor.fill(f"/contracts/{contract_id}/register", registration_number=number_of(contract_id))
    except LookupError as wrong:
        return Answer(0, {}, str(wrong).encode())


def _upload(visitor: Visitor, draft: str) -> Answer:
    path = f"/contracts/{draft}/fill/files"
    action, fields = visitor.form(path, "/files")
    content = PDF + os.urandom(UPLOAD)
    return visitor.upload(action, fields | {"kind_code": "contract", "go": "upload"}, "files", "合同.pdf", content)


def _fill(folder: Path, left: int) -> None:
    """Leave that many bytes free."""
    space = os.statvfs(folder)
    size = max(space.f_bavail * space.f_frsize - left, 0)
    ballast = folder / "ballast"
    with ballast.open("ab") as file:
        os.posix_fallocate(file.fileno(), ballast.stat().st_size, max(size, 1))


def _files(folder: Path) -> int:
    """How many there are in the store, half-written ones too."""
    return sum(one.is_file() for one in (folder / "files").rglob("*"))


def _hashes_hold(folder: Path) -> bool:
    stored = [one for one in (folder / "files").glob("??/??/*") if one.is_file()]
    return bool(stored) and all(hashlib.sha256(one.read_bytes()).hexdigest() == one.name for one in stored)


if __name__ == "__main__":
    main()
