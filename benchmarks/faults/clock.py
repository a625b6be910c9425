"""The machine's clock jumps three days ahead and then three days back, while the server runs. Needs libfaketime.

    python -m benchmarks.faults.clock

Sessions that are too old by the new clock end with a page to sign in, not with an error; the log stays a chain, no
number is given twice, no figure moves to another year, and `doctor` says that the clock is behind what it has seen.
"""

import sys
from pathlib import Path

from .killed import number_of
from .office import Office, Visitor

LIBRARY = "libfaketimeMT.so.1"
STEPS = (("as it is", "+0"), ("three days ahead", "+3d"), ("three days back", "-3d"))
EACH = 3


def main() -> None:
    """Run it; exit 1 if anything was lost or went wrong."""
    found = next((str(one) for one in Path("/usr/lib").rglob(LIBRARY)), None)
    if found is None:
        raise SystemExit("libfaketime is not here: apt-get install faketime")
    office = Office()
    try:
        raise SystemExit(run(office, found))
    finally:
        office.close()


def run(office: Office, library: str) -> int:
    """The whole trial; how many things are wrong."""
    waiting = office.prepare(waiting=EACH * len(STEPS))
    told = office.logs / "clock"
    told.write_text("+0")
    fake = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    office.start(extra=fake)
    person = office.sign_in("jj-reviewer")
    strange, registered = [], []
    for name, offset in STEPS:
        told.write_text(offset)
        shown = person.get("/contracts/inbox")
        print(f"{name}: the session that was open gets {shown.status} {shown.heading}")
        if shown.status >= 500:
            strange.append(f"{name}: {shown.status}")
        if shown.status != 200:
            person = office.sign_in("jj-reviewer")
        for _ in range(EACH):
            contract_id = waiting.pop()
            status = _register(person, contract_id)
            registered.append(contract_id)
            if status != 302:
                strange.append(f"{name}: registering {status}")
    told.write_text("+0")
    auditor = office.sign_in("jj-auditor")
    lost = [one for one in registered if number_of(one) not in auditor.get(f"/contracts/{one}").text]
    held = office.verify()
    office.settings |= fake
    told.write_text("-3d")
    seen = office.command("doctor", check=False)
    print(f"registered {len(registered)}, lost {lost}, strange {strange}; {held}")
    print(
        "doctor, three days back:", *[line for line in seen.stdout.splitlines() if "时钟" in line] or ["says nothing"]
    )
    noticed = "时钟" in seen.stdout and seen.returncode != 0
    return int(bool(lost or strange or not all(held.values()) or not noticed))


def _register(person: Visitor, contract_id: int) -> int:
    try:
        return person.fill(f"/contracts/{contract_id}/register", registration_number=number_of(contract_id)).status
    except LookupError as wrong:
        print(wrong, file=sys.stderr)
        return 0


if __name__ == "__main__":
    main()
