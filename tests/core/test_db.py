"""The commit rule and the column types: what a request keeps, what it leaves, and how amounts and moments come back."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import time_machine
from flask import abort, redirect
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from contracts_app.accounts.models import SignInFailure
from contracts_app.accounts.roles import Role
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import day_edges, today
from contracts_app.core.db import Base, Money, constraint_of, db, make_engine, unit_of_work
from contracts_app.core.installation import InstallationFact, fact, set_fact
from tests.visitors import visitor


@pytest.fixture
def desk(live):
    """An application with a few views that write and then end in every way a view can end."""
    app = live.app
    views = {
        "kept": lambda: (set_fact("note", "kept"), "well")[1],
        "redirected": lambda: (set_fact("note", "kept"), redirect("/"))[1],
        "invalid": lambda: (set_fact("note", "no"), db.session.flush(), ("wrong", 422))[2],
        "aborted": lambda: (set_fact("note", "no"), db.session.flush(), abort(400))[2],
        "raised": lambda: (set_fact("note", "no"), db.session.flush(), 1 / 0)[2],
        "late": lambda: (set_fact("note", "no"), set_fact("other", None), "well")[2],  # refused at the commit
    }
    for name, view in views.items():
        app.add_url_rule(f"/desk/{name}", f"desk_{name}", view, methods=["GET", "POST", "PUT", "DELETE"])
    return live


def note(live):
    with live.app.app_context():
        return fact("note")


@pytest.mark.parametrize(
    ("way", "status", "kept"),
    [
        ("kept", 200, "kept"),
        ("redirected", 302, "kept"),
        ("invalid", 422, None),
        ("aborted", 400, None),
        ("raised", 500, None),
        ("late", 500, None),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_a_write_that_answers_well_is_kept(desk, way, status, kept, method):
    desk.app.testing = False  # as on a server: no exception leaves the application
    assert desk.visitor().open(f"/desk/{way}", method=method).status_code == status
    assert note(desk) == kept


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_read_keeps_nothing(desk, method):
    desk.visitor().open("/desk/kept", method=method)
    assert note(desk) is None


def test_requests_do_not_see_each_others_session(desk):
    desk.app.testing = False
    somebody = desk.visitor()
    assert somebody.post("/desk/raised").status_code == 500
    assert somebody.post("/desk/redirected").status_code == 302
    assert note(desk) == "kept"


def test_a_command_that_fails_leaves_nothing(live):
    def half_done():
        with unit_of_work():
            set_fact("note", "no")
            db.session.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_done()
    assert note(live) is None
    with unit_of_work():
        set_fact("note", "kept")
    assert note(live) == "kept"


# --- names of what was broken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE contracts SET technology_amount = total_amount + 1", "ck_contracts_technology_within_total"),
        ("UPDATE contracts SET acceptance_number = 'JJ-1'", "uq_contracts_acceptance_number"),
        ("UPDATE planned_payments SET contract_id = {first}, position = 1", "uq_planned_payments_contract_id_position"),
        ("UPDATE contracts SET id = {first} WHERE id = {second}", "pk_contracts"),
    ],
)
def test_both_databases_say_which_constraint_was_broken(make, session, statement, name):
    first, second = make.contract(), make.contract()
    with pytest.raises(IntegrityError) as broken:
        session.execute(text(statement.format(first=first.id, second=second.id)))
    assert constraint_of(broken.value) == name


def test_what_was_sent_stays_out_of_the_message(make, session):
    make.contract(acceptance_number="JJ-1")
    with pytest.raises(IntegrityError) as broken:
        session.execute(text("UPDATE contracts SET total_amount = :secret - 10000000000"), {"secret": 8472615039})
    assert "8472615039" not in str(broken.value)


# --- money -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [Decimal("0.001"), Decimal("1.005"), "0.009", 0.1 + 0.2, Decimal("NaN"), Decimal("1e-3")]
)
def test_no_fraction_of_a_fen_is_taken(make, session, value):
    contract = make.contract()
    contract.total_amount = value
    with pytest.raises(StatementError, match=r"more than two decimals|NaN"):
        session.flush()
    session.rollback()


amounts = st.lists(st.integers(0, 10**15 - 1), min_size=1, max_size=6)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fen=amounts)
def test_amounts_come_back_and_add_up_exactly(make, session, fen):
    filer = make.somebody(Role.BROKER).id
    with session.begin_nested() as nested:
        session.execute(
            Contract.__table__.insert(),
            [
                {"version": 1, "filed_by_id": filer, "title": "钱", "content": "", "payment_note": "",
                 "undertaking": False, "total_amount": Decimal(one).scaleb(-2), "technology_amount": Decimal(0),
                 "state": State.DRAFT}
                for one in fen
            ],
        )  # fmt: skip
        kept = session.scalars(select(Contract.total_amount).where(Contract.title == "钱")).all()
        total = session.scalar(select(func.sum(Contract.total_amount)).where(Contract.title == "钱"))
        raw = session.scalar(text("SELECT sum(total_amount) FROM contracts WHERE title = '钱'"))
        nested.rollback()
    assert sorted(kept) == sorted(Decimal(one).scaleb(-2) for one in fen)
    assert isinstance(total, Decimal)
    assert total == Decimal(sum(fen)).scaleb(-2)
    assert int(raw) == sum(fen)


def test_the_sum_of_nothing_is_nothing(make):
    total = sums(ContractQuery(q="没有这份合同"), make.user())
    assert (total.contracts, total.total_amount) == (0, Decimal(0))


def test_amounts_are_compared_as_yuan(make, session):
    make.contract("小", amount=Decimal("999999.99"))
    make.contract("大", amount=Decimal(1_000_000))
    assert session.scalars(select(Contract.title).where(Contract.total_amount >= Decimal(1_000_000))).all() == ["大"]


def test_every_amount_column_is_money():
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if column.name.endswith("amount"):
                assert isinstance(column.type, Money), column


# --- moments and days ------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moment=st.datetimes(
        datetime(1990, 1, 1),  # noqa: DTZ001  (the zone is drawn below)
        datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-11, minutes=-30))]),
    )
)
def test_a_moment_comes_back_as_the_same_moment_in_utc(session, moment):
    failure = SignInFailure(username="x", address="", at=moment)
    with session.begin_nested() as nested:
        session.add(failure)
        session.flush()
        session.expire(failure)
        kept = failure.at
        counted = session.scalar(select(func.count()).select_from(SignInFailure).where(SignInFailure.at >= moment))
        nested.rollback()
    assert kept == moment
    assert kept.utcoffset() == timedelta(0)
    assert counted == 1


def test_a_moment_without_a_zone_is_refused(session):
    session.add(SignInFailure(username="x", address="", at=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(StatementError, match="time zone"):
        session.flush()
    session.rollback()


@pytest.mark.parametrize("day", [date.min, date.max, date(2026, 1, 1)])
def test_every_day_has_edges(day):
    first, last = day_edges(day)
    assert first < last


NEW_YEAR = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)  # 00:30 on 1 January 2026 in Shanghai


@pytest.mark.parametrize(
    ("at", "day"),
    [(NEW_YEAR - timedelta(hours=1), date(2025, 12, 31)), (NEW_YEAR, date(2026, 1, 1))],
)
def test_the_day_of_registration_is_the_day_in_shanghai(app, make, at, day):
    contract = make.contract(state=State.REVIEWED, submitted_on=date(2025, 12, 1))
    with time_machine.travel(at, tick=False), app.test_request_context("/"):
        form = CONTRACT.offer("register", contract, make.user(Role.REVIEWER)).form()
        assert form.registered_on.data == day == today()


@pytest.mark.parametrize(("day", "year"), [(date(2025, 12, 31), 2025), (date(2026, 1, 1), 2026)])
def test_a_contract_counts_for_the_year_of_its_registration_day(make, day, year):
    contract = make.contract(state=State.REGISTERED, registered_on=day)
    person = contract.decided_by
    assert sums(ContractQuery(year=year), person).contracts == 1
    assert sums(ContractQuery(year=4051 - year), person).contracts == 0


def test_what_is_accepted_after_midnight_in_shanghai_has_the_new_years_number(make):
    contract = make.contract(state=State.SUBMITTED, submitted_on=date(2025, 12, 31))
    with time_machine.travel(NEW_YEAR, tick=False):
        CONTRACT.offer("accept", contract, make.user()).make({"complete_papers": True})
    assert contract.acceptance_number == "JJ-JSHT-2026-00001"
    assert contract.accepted_on == date(2025, 12, 31)  # the day the papers were complete


# --- the handle ------------------------------------------------------------------------------------------------------


def test_sqlite_obeys_foreign_keys_and_waits_for_its_turn(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        for pragma, value in (("foreign_keys", 1), ("journal_mode", "wal"), ("busy_timeout", 15000)):
            assert connection.exec_driver_sql(f"pragma {pragma}").scalar() == value
    engine.dispose()


def test_a_writer_on_sqlite_holds_the_lock_from_its_first_word(tmp_path):
    """Two that read first and write later would otherwise both fail; now the second waits."""
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    begun = []
    event.listen(engine, "before_cursor_execute", lambda *args: begun.append(args[2]))
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert begun[0] == "BEGIN IMMEDIATE"
    engine.dispose()


def test_an_installation_fact_is_kept_once(session):
    set_fact("mode", "demonstration")
    set_fact("mode", "office")
    session.flush()
    assert session.scalars(select(InstallationFact.value)).all() == ["office"]


def test_visitors_keep_what_the_test_made(app, make):
    user = make.user()
    assert visitor(app, user).get("/nowhere").status_code == 404
