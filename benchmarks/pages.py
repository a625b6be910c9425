"""How long the pages take that managers and clerks open first, on however many contracts the database holds.

    INSTANCE_DIR=/somewhere flask --app wsgi init
    INSTANCE_DIR=/somewhere flask --app wsgi demo --contracts 1000000
    INSTANCE_DIR=/somewhere python -m benchmarks.pages            times, one line a page
    INSTANCE_DIR=/somewhere python -m benchmarks.pages --plans    and the plan of every statement over 10 ms
    INSTANCE_DIR=/somewhere python -m benchmarks.pages --pairs    every table of two dimensions, the slowest 20 told

Server time in this process, without a network: median and least of five after one to warm up. The tables of two
dimensions are those of every pair, by every caliber, of six periods; each is tried twice, and the slowest then
measured like the others. Nothing is written but who comes in.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from urllib.parse import urlencode

from flask import Flask, session
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text

from contracts_app import create_app
from contracts_app.accounts.entrance import sessions
from contracts_app.accounts.models import User
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.models import Contract
from contracts_app.core.db import db
from contracts_app.operations.serving import set_aside_what_is_loaded
from contracts_app.statistics.publishing.models import Snapshot

SLOW = 0.010
GOAL = 0.100  # seconds of server time that a page may take
TOLD = 20
PERIODS = {
    "a whole year": {"year": "2025"},
    "three years": {"since": "2024", "year": "2026"},
    "the running year": {"year": "2026"},
    "as of a day in the middle": {"year": "2025", "date_to": "2025-06-17"},
    "one month": {"year": "2025", "date_from": "2025-12-01", "date_to": "2025-12-31"},
    "one county": {"year": "2025", "unit": "350582"},
}
PAGES = (
    ("qz-manager", "overview 2025", "/statistics/?year=2025"),
    ("qz-manager", "overview this year", "/statistics/"),
    ("qz-manager", "overview as of a day", "/statistics/?year=2025&on=2025-05-17"),
    ("jj-manager", "overview, one county", "/statistics/"),
    ("qz-manager", "big screen", "/statistics/screen"),
    ("qz-manager", "totals, unit by type", "/statistics/totals/?year=2025&rows=unit&columns=type"),
    (
        "qz-manager",
        "totals, type by month, growth",
        "/statistics/totals/?year=2025&rows=type&columns=month&show=growth",
    ),
    (
        "qz-manager",
        "totals, field by band, all years",
        "/statistics/totals/?since=2024&year=2026&rows=field&columns=band",
    ),
    ("qz-manager", "totals, broker by platform", "/statistics/totals/?year=2025&rows=broker&columns=platform"),
    (
        "qz-manager",
        "totals, seller by buyer kind, output",
        "/statistics/totals/?year=2025&rows=seller_kind&columns=buyer_kind&caliber=output",
    ),
    (
        "qz-manager",
        "totals, town by field, half a year",
        "/statistics/totals/?year=2025&rows=town&columns=field&date_to=2025-06-17",
    ),
    ("jj-manager", "totals, one county, type by flow", "/statistics/totals/?year=2026&rows=type&columns=flow"),
    ("qz-manager", "drill-down, unit and type", "/contracts/?year=2025&unit=350582&type=KF"),
    ("qz-manager", "drill-down, field and band", "/contracts/?year=2025&field=02&band=from_100"),
    ("qz-manager", "drill-down, platform and kind", "/contracts/?year=2025&platform=3&seller_kind=020"),
    (
        "qz-manager",
        "drill-down, month and flow",
        "/contracts/?year=2025&flow=out&date_from=2025-03-01&date_to=2025-03-31",
    ),
    ("qz-manager", "sentence", "/statistics/sentence?year=2025"),
    ("qz-manager", "snapshots", "/statistics/snapshots/"),
    ("qz-manager", "snapshot, the newest", "/statistics/snapshots/{snapshot}"),
    ("qz-manager", "snapshot, before it is frozen", "/statistics/snapshots/new?period=2025"),
    ("qz-manager", "list, all", "/contracts/"),
    ("qz-manager", "list, all, by amount", "/contracts/?sort=-amount"),
    ("qz-manager", "list, one unit and year", "/contracts/?year=2025&unit=350582"),
    ("qz-manager", "list, one type", "/contracts/?type=KF"),
    ("qz-manager", "list, page 1,000", "/contracts/?page=1000"),
    ("qz-manager", "search, rare words", "/contracts/?q=半导体级石英"),
    ("qz-manager", "search, two frequent characters", "/contracts/?q=技术"),
    ("qz-manager", "search, number", "/contracts/?q=2025350510000001"),
    ("jj-registrar", "list, own county", "/contracts/"),
    ("jj-registrar", "inbox", "/contracts/inbox"),
    ("jj-registrar", "done", "/contracts/done"),
    ("jj-broker", "own contracts", "/contracts/mine"),
    ("jj-registrar", "one contract", "/contracts/{contract}"),
    ("jj-broker", "party search", "/enterprises/search?q=晋江"),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--plans", action="store_true", help="print slow statements with their plans")
    options.add_argument("--only", default="", help="only pages whose name holds this")
    options.add_argument("--pairs", action="store_true", help="every table of two dimensions instead")
    chosen = options.parse_args()
    app = create_app()
    with app.app_context():
        size = db.session.scalar(text("SELECT count(*) FROM contracts"))
        contract = db.session.scalar(select(Contract.id).where(Contract.unit_code == "350582").limit(1))
        snapshot = db.session.scalar(select(func.max(Snapshot.id)))
        signing_in = db.session.scalars(select(User).where(User.password_hash != ""))
        people = {user.username: user.id for user in signing_in}
    set_aside_what_is_loaded()  # as the server does
    print(f"{size:,} contracts on {app.extensions['engine'].dialect.name}")
    if chosen.pairs:
        measure_pairs(app, people["qz-manager"], chosen.only)
        return
    for who, name, address in PAGES:
        if chosen.only in name and (snapshot or "{snapshot}" not in address):
            address = address.format(contract=contract, snapshot=snapshot)
            measure(app, people[who], name, address, plans=chosen.plans)


def measure(app: Flask, user_id: int, name: str, address: str, *, plans: bool) -> None:
    """Print the page's median and the slowest statements behind it."""
    client = signed_in(app, user_id)
    times = timed(client, address, 5)
    with watched(app) as statements:
        client.get(address)
    median, least = statistics.median(times) * 1000, min(times) * 1000
    print(f"{median:8.1f} ms, least {least:6.1f} ms  {len(statements):3} statements  {name}", flush=True)
    for seconds, statement, parameters in statements:
        if plans and seconds > SLOW:
            print(f"    {seconds * 1000:.1f} ms  {' '.join(statement.split())[:600]}")
            explain(app, statement, parameters)


def timed(client: FlaskClient, address: str, times: int) -> list[float]:
    """The seconds of some readings after one to warm up."""
    seconds = []
    for place in range(times + 1):
        begun = time.perf_counter()
        answer = client.get(address)
        if place:
            seconds.append(time.perf_counter() - begun)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
    return seconds


def measure_pairs(app: Flask, user_id: int, only: str) -> None:
    """Try every table of two dimensions; print how many meet the goal, and the slowest with their statements."""
    client = signed_in(app, user_id)
    tried = []
    for period, asked in PERIODS.items():
        for caliber in Caliber:
            for rows, columns in combinations(DIMENSIONS, 2):
                name = f"{rows} by {columns}, {caliber.value}, {period}"
                if only in name:
                    query = {**asked, "rows": rows, "columns": columns, "caliber": caliber.value}
                    address = f"/statistics/totals/?{urlencode(query)}"
                    tried.append((timed(client, address, 1), name, address))
    for period in PERIODS:
        of = sorted(min(times) for times, name, _ in tried if name.endswith(period))
        if of:
            within = sum(seconds < GOAL for seconds in of)
            middle, worst = of[len(of) // 2] * 1000, of[-1] * 1000
            print(f"{period}: {within} of {len(of)} within the goal; half in {middle:.0f} ms, all in {worst:.0f} ms")
    slowest = sorted(tried, key=lambda one: min(one[0]), reverse=True)[:TOLD]
    for _, name, address in slowest:
        measure(app, user_id, name, address, plans=True)


def signed_in(app: Flask, user_id: int) -> FlaskClient:
    client = app.test_client()
    with app.test_request_context():
        sessions.start(db.session.get_one(User, user_id), with_second_factor=True)
        db.session.commit()
        begun = dict(session)
    with client.session_transaction() as cookie:
        cookie.update(begun)
    return client


@contextmanager
def watched(app: Flask) -> Iterator[list[tuple[float, str, object]]]:
    """The statements executed meanwhile, with their seconds."""
    seen: list[tuple[float, str, object]] = []
    begun: list[float] = []

    def before(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        begun.append(time.perf_counter())

    def after(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        seen.append((time.perf_counter() - begun.pop(), statement, parameters))

    engine = app.extensions["engine"]
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def explain(app: Flask, statement: str, parameters: object) -> None:
    engine = app.extensions["engine"]
    word = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        for row in connection.exec_driver_sql(word + statement, parameters):
            print("       ", row[-1])


if __name__ == "__main__":
    main()
