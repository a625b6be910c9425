"""Pages of statistics ask a standby; who is there, writing and everything else stays with the database itself."""

from collections import namedtuple
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import sessionmaker

from contracts_app import create_app
from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.core.database import replica as replicas
from contracts_app.core.database.replica import Replica, Unfit
from contracts_app.core.db import db, make_engine, reading_from, unit_of_work
from contracts_app.core.trail.audit import AuditEntry
from tests.factories import Make
from tests.visitors import Visitor, visitor

Office = namedtuple("Office", "app make replica")


@pytest.fixture
def office(databases, template, settings, tmp_path):
    """Its standby is a copy in which nothing was registered, so that one sees who was asked."""
    ours, copy = databases.copy(template), databases.copy(template)
    app = create_app(replace(settings, database_url=ours, replica_url=copy, instance=tmp_path / "instance"))
    app.testing, app.test_client_class = True, Visitor
    replica = app.extensions["replica"]
    replica._behind = lambda: 0.0  # as a standby that keeps up would say
    with app.app_context():
        yield Office(app, Make(), replica)
    app.extensions["engine"].dispose()
    replica.engine.dispose()
    databases.drop(ours)
    databases.drop(copy)


@pytest.fixture
def manager(office):
    office.make.contract(state=State.REGISTERED, total_amount=Decimal(98_765_400))
    return visitor(office.app, office.make.user(Role.MANAGER))


def shows_ours(page):
    assert page.status_code == 200
    return "9,876.54" in page.text


def test_the_pages_that_add_up_ask_the_standby(office, manager):
    for path in ("/statistics/", "/statistics/screen"):
        assert not shows_ours(manager.get(path)), path
    for path in ("/statistics/totals/", "/statistics/reports", "/statistics/sentence"):
        assert manager.get(path).status_code == 200
    assert office.replica.answered == {"replica": 5}
    manager.get("/contracts/")
    assert office.replica.answered == {"replica": 5}


def test_while_it_is_away_the_database_itself_is_asked(office, manager):
    assert not shows_ours(manager.get("/statistics/"))

    def away():
        raise Unfit("behind")

    office.replica._behind, office.replica._next_look = away, 0.0
    assert shows_ours(manager.get("/statistics/"))
    office.replica._behind, office.replica._next_look = lambda: 0.5, 0.0
    assert not shows_ours(manager.get("/statistics/"))
    assert office.replica.answered == {"replica": 2, "primary": 1}


def test_one_that_goes_away_in_the_middle_is_not_noticed_by_the_reader(office, manager):
    office.replica.sessions = sessionmaker(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    assert shows_ours(manager.get("/statistics/"))
    assert office.replica.lag is None, "nor is it asked again before somebody has looked"


def test_what_is_written_goes_to_the_database_itself(office, manager):
    page = manager.post("/statistics/totals/file?rows=unit&columns=type&year=2025", data={"format": "csv"})
    assert page.status_code == 200
    assert db.session.query(AuditEntry).filter_by(action="export_totals").count() == 1
    with reading_from(office.replica.sessions), unit_of_work() as work:
        assert work.get_bind() is office.app.extensions["engine"]


def test_nothing_is_written_into_the_standby(office):
    with reading_from(office.replica.sessions), pytest.raises(DBAPIError) as refused:
        db.session.execute(text("DELETE FROM units"))
    assert "read" in str(refused.value)


# --- how far behind: without a server ---------------------------------------------------------------------------------

US = 7001


def looked(monkeypatch, *looks, most_lag=10):
    """What each look found, in seconds or words: (our clock, where we stand, the standby's cluster, whether it is one,
    where it stands)."""
    primary, engine = make_engine("sqlite://"), make_engine("sqlite://")
    engine.dialect.name = "postgresql"
    replica = Replica(engine, primary, most_lag)
    found = []
    for now, ours, cluster, is_standby, theirs in looks:
        monkeypatch.setattr(replicas, "monotonic", lambda now=now: now)
        told = {id(primary): (US, False, ours), id(engine): (cluster, is_standby, theirs)}
        monkeypatch.setattr(replicas, "_ask", lambda asked, told=told: told[id(asked)])
        try:
            found.append(replica._behind())
        except Unfit as unfit:
            found.append(str(unfit))
    return found


def test_a_standby_is_as_old_as_the_newest_place_it_has_reached(monkeypatch):
    found = looked(
        monkeypatch,
        (100, 50, US, True, 50),
        (102, 60, US, True, 55),  # it has reached what was true two seconds ago
        (104, 70, US, True, 55),
        (106, 70, US, True, 70),
        (116, 70, US, True, 70),  # nothing happens: it is not behind for that
        (118, 80, US, True, 70),
        (130, 80, US, True, 70),
    )
    assert found == [0, 2, 4, 0, 0, 2, "behind"]


@pytest.mark.parametrize(
    ("cluster", "is_standby", "at", "word"),
    [(US, True, 40, "behind"), (US, False, 50, "no standby"), (US + 1, True, 50, "of another database")],
)
def test_what_is_no_standby_of_ours_is_not_asked(monkeypatch, cluster, is_standby, at, word):
    assert looked(monkeypatch, (100, 50, cluster, is_standby, at)) == [word]


def test_a_server_that_has_become_a_standby_is_left(postgresql):
    url = postgresql.empty()
    engine = make_engine(url)
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text("CREATE TABLE written (id int)"))
    assert refused.value.connection_invalidated, "its connections are thrown away: the next one looks for the primary"
    engine.dispose()
    postgresql.drop(url)
