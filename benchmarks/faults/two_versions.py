"""The release before and this one on one database while it is upgraded, and people who register all the time.

    python -m benchmarks.faults.two_versions --old COMMIT [--url postgresql+psycopg://…]

The old release serves; `init` of the new one upgrades the database under it; both serve side by side; the old one goes.
Whatever either of them answered must be there at the end. What the old one cannot keep any more it may refuse.
"""

import argparse
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from .killed import Tally, number_of
from .office import ROOT, Office, Visitor


def main() -> None:
    """Run it and print what was lost; exit 1 if anything was."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--old", required=True, help="a commit that was released")
    asked.add_argument("--url", default="")
    asked.add_argument("--contracts", type=int, default=120)
    given = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="contracts-faults-old-"))
    old = folder / "code"
    subprocess.run(["git", "worktree", "add", "-q", "--detach", str(old), given.old], cwd=ROOT, check=True)  # noqa: S607
    shutil.copytree(Path(__file__).parent, old / "benchmarks/faults", dirs_exist_ok=True)
    office = Office(url=given.url, code=old)
    try:
        raise SystemExit(run(office, given.contracts))
    finally:
        office.close()
        subprocess.run(["git", "worktree", "remove", "--force", str(old)], cwd=ROOT, check=True)  # noqa: S607
        shutil.rmtree(folder, ignore_errors=True)


def run(office: Office, contracts: int) -> int:
    """The whole trial; how many things are wrong."""
    waiting = office.prepare(waiting=contracts)
    first = office.start()
    tally, over, refused = Tally(), threading.Event(), [0]
    person = office.sign_in("jj-reviewer")
    worker = threading.Thread(target=_register_all, args=(person, waiting, tally, refused, over))
    worker.start()
    time.sleep(3)
    began = time.monotonic()
    office.command("init", code=ROOT)
    took = time.monotonic() - began
    by_old = len(tally.answered)
    second = office.start(code=ROOT)
    time.sleep(4)  # side by side
    old_reads = person.get("/contracts/inbox").status
    over.set()
    worker.join()
    first.stop()
    office.code = ROOT
    newcomer = office.sign_in("jj-reviewer", port=second.port)
    _register_all(newcomer, waiting[:10], tally, [0], threading.Event())

    auditor = office.sign_in("jj-auditor", port=second.port)
    lost = [one for one in tally.answered if number_of(one) not in auditor.get(f"/contracts/{one}").text]
    held = office.verify()
    print(f"upgrade {took:.1f} s; answered {len(tally.answered)}, {by_old} of them before it was over; lost {lost}")
    print(f"refused by the old release afterwards: {refused[0]}; it reads: {old_reads}; {tally.strange[:3]}; {held}")
    return int(bool(lost or not all(held.values()) or len(tally.answered) == by_old))


def _register_all(person: Visitor, waiting: list[int], tally: Tally, refused: list[int], over: threading.Event) -> None:
    """One contract after the other, until told to stop; what is refused is left for the next release."""
    for contract_id in list(waiting):
        if over.is_set():
            return
        try:
            status = person.fill(
                f"/contracts/{contract_id}/register", registration_number=number_of(contract_id)
            ).status
        except (LookupError, OSError) as wrong:
            tally.strange.append(str(wrong))
            status = 0
        if status == 302:
            tally.answered[contract_id] = "told"
            waiting.remove(contract_id)
        else:
            refused[0] += 1
        time.sleep(0.1)


if __name__ == "__main__":
    main()
