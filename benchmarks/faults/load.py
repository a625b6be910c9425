"""A hundred people at once for five minutes: what they wait for, and that nobody meets an error.

    python -m benchmarks.faults.load [--people 100] [--minutes 5] [--url postgresql+psycopg://…] [--workers 2]

They open what such people open: inbox, lists, contracts, searches, totals, the overview; they file drafts and register.
Each waits some seconds between two pages, as people do. Prints requests, answers by status, and how long the median,
the 95th and the 99th of a hundred took, by kind of page.
"""

import argparse
import random
import re
import statistics
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .killed import number_of
from .office import Office, Visitor

PAGES = {
    "broker": ("/contracts/mine", "/contracts/?q=技术", "/enterprises/search?q=晋江", "/me", "contract", "draft"),
    "registrar": ("/contracts/inbox", "/contracts/", "/contracts/done", "/enterprises/", "contract", "/codes/"),
    "reviewer": ("/contracts/inbox", "/contracts/?q=研发", "contract", "register", "register", "/timeliness"),
    "manager": ("/statistics/", "/statistics/totals/", "/contracts/?year=2026", "/statistics/screen", "/targets/2026"),
}
THINKING = (2.0, 8.0)  # seconds between two pages


@dataclass
class Measured:
    """What everybody saw, shared by the threads."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: int, seconds: float, what: str) -> None:
        with self.lock:
            self.times[kind].append(seconds)
            self.statuses[status] += 1
            if status >= 400:
                self.faults.append(f"{status} {what}")


class Person(Visitor):
    """A visitor whose every request is measured."""

    def __init__(self, port: int, measured: Measured) -> None:
        super().__init__(port)
        self.measured = measured
        self.is_at_home = False  # whether the contracts that wait are of this person's county

    def ask(self, method, path, body=None, headers=None):  # type: ignore[no-untyped-def]
        began = time.monotonic()
        answer = super().ask(method, path, body, headers)
        kind = re.sub(r"\d+", "N", path.split("?")[0])
        self.measured.note(
            f"{method} {kind}", answer.status, time.monotonic() - began, f"{method} {path} {answer.heading}"
        )
        return answer


def work(person: Person, role: str, until: float, chance: random.Random, waiting: list[int]) -> None:
    """One person's five minutes."""
    time.sleep(chance.uniform(0, THINKING[1]))
    while time.monotonic() < until:
        what = chance.choice(PAGES.get(role, PAGES["broker"]))
        try:
            if what == "contract":
                found = re.findall(r'href="(/contracts/\d+)"', person.get("/contracts/").text)
                if found:
                    person.get(chance.choice(found))
            elif what == "draft":
                person.fill("/contracts/new", is_classified="no")
            elif what == "register" and waiting and person.is_at_home:
                number = waiting.pop()
                person.fill(f"/contracts/{number}/register", registration_number=number_of(number))
            else:
                person.get("/contracts/inbox" if what == "register" else what)
        except LookupError:
            pass  # a page without that form for this person: seen and counted already
        except OSError as wrong:
            person.measured.note("no answer", 599, 0, f"{what}: {wrong}")
        time.sleep(chance.uniform(*THINKING))


def main() -> None:
    """Run it; exit 1 if anybody met an error."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--url", default="")
    asked.add_argument("--people", type=int, default=100)
    asked.add_argument("--minutes", type=float, default=5)
    asked.add_argument("--contracts", type=int, default=5000)
    asked.add_argument("--workers", type=int, default=1, help="server processes; several with PostgreSQL only")
    given = asked.parse_args()
    office = Office(url=given.url)
    try:
        waiting = office.prepare(given.contracts, waiting=100)
        crowd = [line.split() for line in office.script("crowd", str(-(-given.people // 2))).splitlines()]
        for _ in range(given.workers):
            office.start()
        raise SystemExit(run(office, crowd, waiting, given.people, given.minutes))
    finally:
        office.close()


def run(office: Office, crowd: list[list[str]], waiting: list[int], count: int, minutes: float) -> int:
    """Everybody signs in, then works; how many errors there were."""
    measured, people = Measured(), []
    for at in range(count):  # two sessions an account, more are not allowed
        username, password, role = crowd[at % len(crowd)]
        person = Person(office.workers[at % len(office.workers)].port, measured)
        person.is_at_home = username.startswith("jj-")
        person.fill("/sign-in", username=username, password=password)
        people.append((person, role))
    print(f"{len(people)} people signed in; {Counter(role for _, role in people)}", flush=True)
    signing = measured.times.pop("POST /sign-in")
    measured.times.clear()
    measured.statuses.clear()
    until = time.monotonic() + minutes * 60
    with ThreadPoolExecutor(count) as pool:
        for at, (person, role) in enumerate(people):
            pool.submit(work, person, role, until, random.Random(at), waiting)  # noqa: S311  # which page is next
    everything = sorted(second for seconds in measured.times.values() for second in seconds)
    print(f"sign-in, one after the other: median {statistics.median(signing) * 1000:.0f} ms")
    print(f"{len(everything)} requests in {minutes} min, {len(everything) / minutes / 60:.1f} a second")
    print(f"answers {dict(measured.statuses)}; {_said(everything)}")
    for kind, seconds in sorted(measured.times.items(), key=lambda one: -len(one[1])):
        print(f"  {kind:40} {len(seconds):6}  {_said(sorted(seconds))}")
    print(f"errors: {len(measured.faults)} {measured.faults[:8]}; {office.verify()}")
    return int(bool(measured.faults))


def _said(seconds: list[float]) -> str:
    at = [seconds[min(int(len(seconds) * share), len(seconds) - 1)] * 1000 for share in (0.5, 0.95, 0.99)]
    return "median {:.0f}, 95 % {:.0f}, 99 % {:.0f} ms".format(*at)


if __name__ == "__main__":
    main()
