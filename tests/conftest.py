"""What every test may ask for.

``app``, ``client``, ``sign_in`` and ``make`` come twice, on SQLite and on PostgreSQL, and leave no trace: each test
runs in one transaction that is rolled back, within which the application's own commits and rollbacks work as usual.
``live`` is the same with a database of its own and real commits, for what needs several connections at once.
"""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from contracts_app import create_app
from contracts_app.accounts.entrance import passwords, second_factor
from contracts_app.core.db import Office, db
from contracts_app.core.settings import Settings
from contracts_app.core.web.limits import limiter
from tests.databases import Databases, Postgresql, Sqlite, postgresql_server, template_on
from tests.factories import Make
from tests.places import World, world_on
from tests.visitors import NO_BROWSER, Visitor, visitor

FOLDER = "CONTRACTS_TEST_FOLDER"  # in the environment, so that parallel workers find it
# Where single tests take long: begun first (see below).
LONG = {"test_routes.py", "test_pages.py", "test_bundle.py"}

# The same examples in every run, however long one takes: a run that failed fails again, and a slow machine is no fault.
hypothesis.settings.register_profile("tests", derandomize=True, deadline=None)
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # An ordinary kill ends the run as Ctrl-C does: the database server and the browser are stopped too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.set_threshold(50_000, 20, 50)  # tests make much that lives long; looking through it less often saves time
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="contracts-test-")
        # What tests write goes with the run; name a folder with --basetemp to keep it.
        config.option.basetemp = config.option.basetemp or Path(os.environ[FOLDER], "tmp")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The long ones first, within what runs on one database: at the end no worker waits for another's last walk.
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(FOLDER))
        if given := os.environ.get("TEST_DATABASE_URL"):
            for note in folder.glob("template-postgresql-*.txt"):
                Postgresql(given).drop(note.read_text())
        shutil.rmtree(folder, ignore_errors=True)
        _say_what_was_skipped(config)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder that goes with the test run."""
    return Path(os.environ[FOLDER])


@pytest.fixture(scope="session", autouse=True)
def _nothing_needs_to_survive_a_power_cut() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_password_that_lives_for_a_test_may_be_cheap_to_guess() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for keeper, name in ((passwords, "hasher"), (second_factor, "code_hasher")):
            patch.setattr(keeper, name, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_template_is_compiled_once_for_all_applications(run_folder: Path) -> Iterator[None]:
    folder = run_folder / "templates"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        options = Office.jinja_options | {"bytecode_cache": FileSystemBytecodeCache(str(folder))}
        patch.setattr(Office, "jinja_options", options)
        yield


@pytest.fixture(scope="session")
def postgresql(run_folder: Path) -> Iterator[Postgresql]:
    with postgresql_server(run_folder) as url:
        yield Postgresql(url)


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest, run_folder: Path) -> Databases:
    """The kind of database this test runs on; a test that asks for it, or for what stands on it, runs once on each."""
    return Sqlite(run_folder) if request.param == "sqlite" else request.getfixturevalue("postgresql")


@pytest.fixture(scope="session")
def template(databases: Databases, run_folder: Path) -> str:
    """The URL of a migrated database with the reference data, to copy from; nobody connects to it."""
    return template_on(databases, run_folder)


@pytest.fixture(scope="session")
def settings(run_folder: Path) -> Settings:
    return Settings(
        instance=run_folder / f"instance-{os.environ.get('PYTEST_XDIST_WORKER', '')}",
        database_url="sqlite://",
        secret_key="for tests only",
    )


@pytest.fixture(scope="session")
def _app_of_all_tests(databases: Databases, template: str, settings: Settings) -> Iterator[Flask]:
    url = databases.copy(template)
    app = _app(replace(settings, database_url=url))
    yield app
    app.extensions["engine"].dispose()
    databases.drop(url)


@pytest.fixture
def app(_app_of_all_tests: Flask) -> Iterator[Flask]:
    """The application, inside an application context, on a database that is as the seeds left it."""
    app = _app_of_all_tests
    limiter.reset()  # what another test has asked does not count here
    real_sessions = app.extensions["sessions"]
    app.extensions.pop("installation", None)  # whether an earlier test made it a demonstration
    with app.extensions["engine"].connect() as connection:
        transaction = connection.begin()
        app.extensions["sessions"] = sessionmaker(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        )
        try:
            with app.app_context():
                yield app
        finally:
            app.extensions["sessions"] = real_sessions
            transaction.rollback()


@pytest.fixture
def session(app: Flask) -> Session:
    """The session of the test, which requests do not share."""
    return db.session()


@pytest.fixture
def make(app: Flask) -> Make:
    return Make()


@pytest.fixture
def client(app: Flask) -> Visitor:
    """Somebody who has not signed in."""
    return visitor(app)


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Any], Visitor]:
    """``sign_in(user)`` is that person at a browser."""
    return lambda user: visitor(app, user)


@dataclass
class Live:
    """An application with a database of its own, on which commits are real and threads may run."""

    app: Flask
    make: Make

    def visitor(self, user: Any = None) -> Visitor:
        return visitor(self.app, user)


@pytest.fixture
def live(databases: Databases, template: str, settings: Settings, tmp_path: Path) -> Iterator[Live]:
    url = databases.copy(template)
    app = _app(replace(settings, database_url=url, instance=tmp_path / "instance"))
    with app.app_context():
        yield Live(app, Make())
    app.extensions["engine"].dispose()
    databases.drop(url)


@pytest.fixture(scope="session")
def _world_of_all_tests(databases: Databases, template: str, settings: Settings) -> Iterator[World]:
    url = databases.copy(template)
    app = _app(replace(settings, database_url=url))
    with app.extensions["engine"].connect() as connection:
        connection.begin()  # never kept: the connection goes with the run
        yield world_on(app, connection)
    app.extensions["engine"].dispose()
    databases.drop(url)


@pytest.fixture
def world(_world_of_all_tests: World) -> Iterator[World]:
    """An example of everything in two counties and somebody of every role in each, for tests that walk many pages."""
    with _world_of_all_tests.app.app_context():
        yield _world_of_all_tests


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """``with count_queries() as queries:`` collects what is asked of the database, savepoints left out."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        queries: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                queries.append(statement)

        engine: Engine = app.extensions["engine"]
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield queries
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting


def _say_what_was_skipped(config: pytest.Config) -> None:
    """Last in the output, so that nobody takes a run without a browser for a whole one."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report for report in reporter.stats.get("skipped", ()) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        reporter.write_line(f"*** {len(skipped)} BROWSER TESTS WERE SKIPPED: {NO_BROWSER} ***", red=True, bold=True)


def _app(settings: Settings) -> Flask:
    app = create_app(settings)
    app.testing = True
    app.test_client_class = Visitor
    return app
