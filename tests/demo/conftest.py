"""The demonstration, generated once on each database and then only read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from contracts_app import create_app
from contracts_app.core.db import unit_of_work
from contracts_app.core.settings import Settings
from contracts_app.demo import loading
from tests.databases import Databases, Sqlite, template_on
from tests.visitors import Visitor

AS_OF = date(2026, 11, 20)


@dataclass
class Demonstration:
    """An installation that holds demonstration data, and what the load said."""

    app: Flask
    report: loading.Report


@pytest.fixture(scope="session")
def _demonstration(
    databases: Databases, template: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demonstration]:
    url = databases.copy(template)
    app = create_app(replace(settings, database_url=url, instance=tmp_path_factory.mktemp("demonstration")))
    app.testing = True
    app.test_client_class = Visitor
    with app.app_context(), unit_of_work():
        report = loading.load(as_of=AS_OF)
    yield Demonstration(app, report)
    app.extensions["engine"].dispose()
    databases.drop(url)


@pytest.fixture
def demonstration(_demonstration: Demonstration) -> Iterator[Demonstration]:
    with _demonstration.app.app_context():
        yield _demonstration


@pytest.fixture
def new_office(databases: Databases, template: str, settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """An application with a database of its own, as the seeds left it."""
    yield from _new_office(databases, template, replace(settings, instance=tmp_path / "instance"))


@pytest.fixture
def sqlite_office(run_folder: Path, settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """The same on SQLite only, for what need not be tried on each kind of database."""
    databases = Sqlite(run_folder)
    template = template_on(databases, run_folder)
    yield from _new_office(databases, template, replace(settings, instance=tmp_path / "instance"))


def _new_office(databases: Databases, template: str, settings: Settings) -> Iterator[Flask]:
    url = databases.copy(template)
    app = create_app(replace(settings, database_url=url))
    yield app
    app.extensions["engine"].dispose()
    databases.drop(url)
