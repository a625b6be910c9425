"""kill -9 of a worker in the middle of registering under load, again and again: nothing that was answered is lost.

    python -m benchmarks.faults.killed [--url postgresql+psycopg://…] [--kills 5] [--contracts 200]

Several people register at once, each with a number of their own. A worker is killed without warning, started again,
killed again. Somebody whose request got no answer asks what became of the contract and goes on. At the end every
registration that was answered must be there, every number once, every figure as counted anew, every entry of the log.
"""

import argparse
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException

from .office import Office, Visitor

PEOPLE = 6
PAUSE = 1.5  # seconds between a start and the next kill


@dataclass
class Tally:
    """What the people were told."""

    answered: dict[int, str] = field(default_factory=dict)  # contract -> the number the system said it took
    unanswered: int = 0
    strange: list[str] = field(default_factory=list)


def number_of(contract_id: int) -> str:
    """A national number that nobody else uses."""
    return f"{datetime.now(UTC):%Y}359{contract_id:09d}"


def register(visitor: Visitor, contract_id: int, tally: Tally) -> None:
    """Until the system says that it is registered; a request that died is asked again."""
    for _ in range(300):
        try:
            answer = visitor.fill(f"/contracts/{contract_id}/register", registration_number=number_of(contract_id))
        except (OSError, HTTPException):  # nobody there, or gone in the middle of the answer
            tally.unanswered += 1
            time.sleep(0.3)
            continue
        except LookupError:  # no such form any more: the registration whose answer got lost
            try:
                shown = visitor.get(f"/contracts/{contract_id}")
            except (OSError, HTTPException):
                continue
            if number_of(contract_id) in shown.text:
                tally.answered[contract_id] = "found"
                return
            if shown.status not in (200, 404, 503):  # a page that was cut off is asked again
                tally.strange.append(f"{contract_id}: {shown.status} {shown.heading}")
                return
            time.sleep(0.3)
            continue
        if answer.status == 302:
            tally.answered[contract_id] = "told"
            return
        if answer.status != 503:
            tally.strange.append(f"{contract_id}: {answer.status} {answer.heading}")
        time.sleep(0.3)


def main() -> None:
    """Run it and print what was lost; exit 1 if anything was."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--url", default="", help="database; SQLite in a folder of its own if none is said")
    asked.add_argument("--kills", type=int, default=5)
    asked.add_argument("--contracts", type=int, default=200)
    given = asked.parse_args()
    office = Office(url=given.url)
    try:
        raise SystemExit(run(office, given.kills, given.contracts))
    finally:
        office.close()


def run(office: Office, kills: int, contracts: int) -> int:
    """The whole trial on one installation; how many things are wrong."""
    waiting = office.prepare(waiting=contracts)
    worker = office.start()
    people = [office.sign_in("jj-reviewer") for _ in range(2)]  # two sessions; a third would end the first
    tally = Tally()
    over = threading.Event()
    killed = 0

    def harm() -> None:
        nonlocal worker, killed
        while killed < kills and not over.is_set():
            time.sleep(PAUSE)
            worker.kill()
            killed += 1
            worker = office.start(worker.port)

    breaker = threading.Thread(target=harm)
    breaker.start()
    with ThreadPoolExecutor(PEOPLE) as pool:
        for place, contract_id in enumerate(waiting):
            pool.submit(register, people[place % len(people)], contract_id, tally)
    over.set()
    breaker.join()

    reader = office.sign_in("jj-auditor")
    lost = [one for one in tally.answered if number_of(one) not in reader.get(f"/contracts/{one}").text]
    held = office.verify()
    print(
        f"kills {killed}, contracts {len(waiting)}, registered {len(tally.answered)}, requests cut {tally.unanswered}"
    )
    print(f"answered and lost: {len(lost)}; strange answers: {tally.strange[:5]}; {held}")
    print(f"tracebacks in the log: {office.log().count('Traceback')}")
    everything = len(tally.answered) == len(waiting) and killed > 0
    return int(bool(lost or tally.strange or not all(held.values()) or not everything))


if __name__ == "__main__":
    main()
