"""Migrations make exactly the tables that the models describe, whole or not at all, keep the rows, can be undone."""

from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import Column, Integer, event, inspect, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from contracts_app.core.database import migrations
from contracts_app.core.db import make_engine
from contracts_app.core.keeping.sealing import KeyRing


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


def left_behind(engine):
    """Every table, index, sequence and type that is not the database's own."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            asked = "SELECT type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        else:
            asked = (
                "SELECT CAST(relkind AS text) || ' ' || relname FROM pg_class"
                " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
                " WHERE nspname = 'public'"
                " UNION SELECT 'type ' || typname FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace"
                " WHERE nspname = 'public' AND typtype = 'e'"
            )
        return {name for name in connection.execute(text(asked)).scalars() if "alembic_version" not in name}


def test_migrations_and_models_agree(engine):
    assert migrations.is_current(engine)
    assert migrations.differences(engine) == []


def test_a_new_database_is_not_current(empty):
    assert not migrations.is_current(empty)
    assert migrations.differences(empty) != []


def test_upgrading_twice_changes_nothing(engine):
    migrations.upgrade(engine)
    assert migrations.differences(engine) == []


def test_from_empty_to_the_models_and_back_leaves_nothing(empty):
    migrations.upgrade(empty)
    assert migrations.is_current(empty)
    assert migrations.differences(empty) == []
    made = left_behind(empty)
    migrations.downgrade(empty, "base")
    assert left_behind(empty) == set()
    assert not migrations.is_current(empty)
    migrations.upgrade(empty)
    assert left_behind(empty) == made


def test_a_database_with_rows_can_be_undone(engine):
    migrations.downgrade(engine, "base")
    assert left_behind(engine) == set()


@pytest.mark.parametrize("table", ["users", "contracts", "contract_search"])
def test_a_migration_that_fails_changes_nothing(empty, table):
    def fail(connection, cursor, statement, *rest):
        if f"TABLE {table}" in statement.replace("VIRTUAL ", ""):
            raise SQLAlchemyError("the power has gone")

    event.listen(empty, "before_cursor_execute", fail)
    with pytest.raises(SQLAlchemyError, match="power"):
        migrations.upgrade(empty)
    event.remove(empty, "before_cursor_execute", fail)
    assert left_behind(empty) == set()
    migrations.upgrade(empty)
    assert migrations.differences(empty) == []


def rebuild(engine, table):
    """What a later migration does: on SQLite the table is made anew and the old one dropped."""

    def act(config):
        context = MigrationContext.configure(config.attributes["connection"])
        with Operations(context).batch_alter_table(table, recreate="auto") as batch:
            batch.alter_column("note", server_default="")
            batch.add_column(Column("extra", Integer))

    migrations._run(engine, act)


def test_a_table_to_which_others_point_can_be_changed_without_losing_a_row(engine):
    with engine.connect() as connection:
        before = connection.execute(text("SELECT count(*) FROM regions")).scalar_one()
        units = connection.execute(text("SELECT count(*) FROM units")).scalar_one()
    assert units
    rebuild(engine, "regions")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM regions")).scalar_one() == before
        assert connection.execute(text("SELECT count(*) FROM units")).scalar_one() == units
    assert "extra" in {column["name"] for column in inspect(engine).get_columns("regions")}
    assert {key["name"] for key in inspect(engine).get_foreign_keys("units")} == {"fk_units_region_code_regions"}


def test_foreign_keys_hold_again_after_a_migration(engine):
    rebuild(engine, "regions")
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE units SET region_code = 'nowhere', code = 'nowhere'"))


def test_a_migration_that_leaves_rows_pointing_nowhere_is_undone(engine):
    def act(config):
        config.attributes["connection"].execute(text("DELETE FROM regions WHERE code = '350582'"))

    with pytest.raises((RuntimeError, IntegrityError)):
        migrations._run(engine, act)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM regions WHERE code = '350582'")).scalar_one() == 1


def test_the_search_indexes_are_not_taken_for_strangers(engine):
    """They are made by hand; a comparison must neither miss them nor propose to drop them."""
    assert set(migrations.BY_HAND) <= set(inspect(engine).get_table_names())
    assert migrations.differences(engine) == []


def test_what_is_there_is_sealed_and_can_be_opened_again(engine, tmp_path):
    """And on SQLite nothing of it is left in the file."""
    asked = text("SELECT phone FROM brokers ORDER BY id")
    app = Flask("of the migration")
    app.extensions["key_ring"] = ring = KeyRing(tmp_path / "data-keys")
    with app.app_context():
        migrations.downgrade(engine, "0010")
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO brokers (name, pinyin, initials, phone, region_code, is_active, version)"
                    " VALUES (:name, '', '', :phone, '350582', true, 1)"
                ),
                [{"name": "甲", "phone": "13812345678"}, {"name": "乙", "phone": ""}],
            )
        migrations.upgrade(engine)
        with engine.connect() as connection:
            sealed, empty = connection.scalars(asked)
        assert (ring.open(sealed, "brokers.phone"), empty) == ("13812345678", "")
        assert migrations.differences(engine) == []
        if engine.dialect.name == "sqlite":
            engine.dispose()  # the last to close writes the log into the file
            files = Path(engine.url.database).parent.glob(f"{Path(engine.url.database).name}*")
            assert b"13812345678" not in b"".join(file.read_bytes() for file in files)
        migrations.downgrade(engine, "0010")
        with engine.connect() as connection:
            assert connection.scalars(asked).all() == ["13812345678", ""]
