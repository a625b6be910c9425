"""The database is stopped and started while people register; or its primary is lost and a standby takes over.

    python -m benchmarks.faults.database_away               stopped and started again, three times
    python -m benchmarks.faults.database_away --failover    primary killed, standby promoted

While it is away every request is answered with 503 and a sentence, none hangs; afterwards the same processes go on by
themselves. Nothing that was answered may be missing then. The standby is kept up synchronously: what was answered is
on both.
"""

import argparse
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from .killed import PEOPLE, Tally, number_of, register
from .office import Office
from .postgres import NAME, Server


def main() -> None:
    """Run it and print what was lost; exit 1 if anything was."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--failover", action="store_true")
    asked.add_argument("--contracts", type=int, default=150)
    given = asked.parse_args()
    primary = Server().create(
        *(("synchronous_standby_names = 'standby'", "synchronous_commit = local") * given.failover)
    )
    servers = [primary]
    url = primary.url
    if given.failover:
        servers.append(primary.standby())
        primary.say("alter system set synchronous_commit = on")
        primary.say("select pg_reload_conf()")
        hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in servers)
        url = f"postgresql+psycopg://{NAME}@/{NAME}?{hosts}&target_session_attrs=read-write"
    office = Office(url=url)
    try:
        raise SystemExit(run(office, servers, given.contracts))
    finally:
        office.close()
        for server in servers:
            server.close()


def run(office: Office, servers: list[Server], contracts: int) -> int:
    """The whole trial; how many things are wrong."""
    waiting = office.prepare(waiting=contracts)
    office.start()
    people = [office.sign_in("jj-reviewer") for _ in range(2)]
    onlooker = office.sign_in("qz-manager")
    tally, over, seen, slowest = Tally(), threading.Event(), Counter[int](), [0.0]

    def look() -> None:
        while not over.is_set():
            began = time.monotonic()
            seen[onlooker.get("/statistics/").status] += 1
            slowest[0] = max(slowest[0], time.monotonic() - began)
            time.sleep(0.1)

    def harm() -> None:
        time.sleep(2)
        if len(servers) == 2:
            servers[0].stop("immediate")
            time.sleep(3)
            servers[1].promote()
            return
        for _ in range(3):
            servers[0].stop("immediate")
            time.sleep(3)
            servers[0].start()
            time.sleep(3)

    threads = [threading.Thread(target=look), threading.Thread(target=harm)]
    for thread in threads:
        thread.start()
    with ThreadPoolExecutor(PEOPLE) as pool:
        done = [pool.submit(register, people[at % 2], number, tally) for at, number in enumerate(waiting)]
    threads[1].join()
    time.sleep(1)
    over.set()
    threads[0].join()
    for one in done:
        one.result()

    reader = office.sign_in("jj-auditor")
    lost = [one for one in tally.answered if number_of(one) not in reader.get(f"/contracts/{one}").text]
    held = office.verify()
    print(f"contracts {len(waiting)}, registered {len(tally.answered)}; an onlooker's answers {dict(seen)}")
    print(
        f"the slowest of them {slowest[0]:.1f} s; answered and lost: {len(lost)}; strange: {tally.strange[:5]}; {held}"
    )
    wrong = lost or tally.strange or not all(held.values()) or len(tally.answered) != len(waiting)
    return int(bool(wrong or set(seen) - {200, 503}))


if __name__ == "__main__":
    main()
