"""The migrations make exactly the tables that the models describe, and each of them can be undone."""

import pytest
from sqlalchemy import inspect

from contracts_app.core import migrations
from contracts_app.core.db import make_engine


@pytest.fixture
def engine(databases, template):
    """A migrated database with the reference data in it."""
    url = databases.copy(template)
    engine = make_engine(url)
    yield engine
    engine.dispose()
    databases.drop(url)


@pytest.fixture
def empty(databases):
    url = databases.empty()
    engine = make_engine(url)
    yield engine
    engine.dispose()
    databases.drop(url)


def test_migrations_and_models_agree(engine):
    assert migrations.is_current(engine)
    assert migrations.differences(engine) == []


def test_a_new_database_is_not_current(empty):
    assert not migrations.is_current(empty)
    assert migrations.differences(empty) != []


def test_everything_can_be_undone_and_done_again(engine):
    tables = set(inspect(engine).get_table_names())
    migrations.downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    migrations.upgrade(engine)
    assert set(inspect(engine).get_table_names()) == tables


def test_upgrading_twice_changes_nothing(engine):
    migrations.upgrade(engine)
    assert migrations.differences(engine) == []
