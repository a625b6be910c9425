"""How long the pages take that managers and clerks open first, on however many contracts the database holds.

    INSTANCE_DIR=/somewhere flask --app wsgi init
    INSTANCE_DIR=/somewhere flask --app wsgi demo --contracts 1000000
    INSTANCE_DIR=/somewhere python -m benchmarks.pages            times, one line a page
    INSTANCE_DIR=/somewhere python -m benchmarks.pages --plans    and the plan of every statement over 10 ms

Server time in this process, without a network; the median of five after one to warm up. Nothing is written.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, text

from contracts_app import create_app
from contracts_app.accounts.models import User
from contracts_app.contracts.models import Contract
from contracts_app.core.db import db

SLOW = 0.010
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
    chosen = options.parse_args()
    app = create_app()
    with app.app_context():
        size = db.session.scalar(text("SELECT count(*) FROM contracts"))
        contract = db.session.scalar(select(Contract.id).where(Contract.unit_code == "350582").limit(1))
        signing_in = db.session.scalars(select(User).where(User.password_hash != ""))
        people = {user.username: user.get_id() for user in signing_in}
    print(f"{size:,} contracts on {app.extensions['engine'].dialect.name}")
    for who, name, address in PAGES:
        if chosen.only in name:
            measure(app, people[who], name, address.format(contract=contract), plans=chosen.plans)


def measure(app: Flask, session_id: str, name: str, address: str, *, plans: bool) -> None:
    """Print the page's median and the slowest statements behind it."""
    client = signed_in(app, session_id)
    client.get(address)
    times = []
    for _ in range(5):
        with watched(app) as seen:
            begun = time.perf_counter()
            answer = client.get(address)
            times.append(time.perf_counter() - begun)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
    statements = seen
    print(f"{statistics.median(times) * 1000:8.1f} ms  {len(statements):3} statements  {name}", flush=True)
    for seconds, statement, parameters in statements:
        if plans and seconds > SLOW:
            print(f"    {seconds * 1000:.1f} ms  {' '.join(statement.split())[:600]}")
            explain(app, statement, parameters)


def signed_in(app: Flask, session_id: str) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = session_id, True
        session["began"] = time.time()
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
