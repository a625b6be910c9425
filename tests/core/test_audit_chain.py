"""The log is only added to, and whatever is done to it past the triggers is found."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, table, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from contracts_app.core.database import migrations
from contracts_app.core.db import db, make_engine, unit_of_work
from contracts_app.core.trail import audit
from contracts_app.core.trail import checkpoints as audit_checkpoints
from contracts_app.core.trail.audit import ENTRIES, HEAD, AuditEntry
from contracts_app.core.trail.chain import BEGINNING, COLUMNS, hash_of
from contracts_app.core.trail.proving import prove

MANY = 9


@pytest.fixture
def log(app, make):
    """Some entries, of somebody and of names that nobody has."""
    user = make.user()
    for number in range(MANY):
        person = user if number % 2 else "nobody"
        audit.record("move", person, subject="contract", subject_id=number, to=f"状态{number}", fee=0.1 * number)
    db.session.commit()
    return user


def proof(*checkpoints, **more):
    return prove(db.session.connection(), checkpoints, **more)


def checkpoint():
    end = audit.head()
    return audit_checkpoints.now(last_id=end.last_id, hash=end.hash, count=end.count)


def without_triggers():
    """As somebody with the rights of the owner would."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        for table in ("audit_entries", "audit_head"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    found = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'"))
    for name in found.all():
        connection.execute(text(f"DROP TRIGGER {name}"))


@contextmanager
def tampered(*statements):
    """The log after the statements, until the end of the block."""
    with db.session.begin_nested() as meanwhile:
        without_triggers()
        for statement in statements:
            db.session.connection().execute(text(statement) if isinstance(statement, str) else statement)
        yield
        meanwhile.rollback()


def made_anew():
    """Every hash worked out again, and the end set to the last: what nobody can tell from this database alone."""
    last, count, number = BEGINNING, 0, 0
    for row in db.session.connection().execute(select(ENTRIES).order_by(ENTRIES.c.id)).mappings().all():
        number, count, last = row["id"], count + 1, hash_of(last, row)
        db.session.connection().execute(update(ENTRIES).where(ENTRIES.c.id == number).values(hash=last))
    db.session.connection().execute(update(HEAD).values(last_id=number, hash=last, count=count))


def test_the_log_of_honest_work_is_proved(log):
    found = proof(checkpoint())
    assert (found.is_intact, found.entries, found.checkpoints) == (True, MANY, 1)
    assert found.last_id == audit.head().last_id
    assert proof(checkpoint(), newest=4).entries == 4


def test_every_column_is_hashed():
    assert set(COLUMNS) | {"hash"} == set(ENTRIES.columns.keys())


def test_a_change_of_any_column_is_found(log):
    middle = db.session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).all()[4]
    other = {
        "id": "id = id + 1000000",
        "at": "at = '2020-01-01 00:00:00.000000+00'",
        "user_id": f"user_id = {log.id}",
        "username": "username = 'somebody'",
        "action": "action = 'sign_in'",
        "subject": "subject = 'user'",
        "subject_id": "subject_id = NULL",
        "address": "address = '10.0.0.1'",
        "details": """details = '{"to": "x", "fee": 0.4}'""",
        "hash": f"hash = '{BEGINNING}'",
    }
    assert other.keys() == set(ENTRIES.columns.keys())
    for column, change in other.items():
        with tampered(f"UPDATE audit_entries SET {change} WHERE id = {middle}"):
            found = proof()
            assert not found.is_intact, column
            assert found.first_fault in (middle, middle + 1), column
            assert str(found.first_fault) in found.sentences[0]
    assert proof().is_intact


def test_what_cannot_even_be_read_is_found(log):
    last = audit.head().last_id
    if db.engine.dialect.name == "postgresql":
        garbage = ["at = 'infinity'", "at = '0044-03-15 BC'", "details = '[1]'", "details = 'null'"]
    else:
        garbage = [
            *("at = 'once'", "at = x'ff'", "details = 'no json'", "details = x'ff00'"),
            *("username = cast(x'ff' as text)", "address = x'00'", "hash = x'00'", "details = '" + "[" * 9999 + "'"),
        ]
    for change in garbage:
        with tampered(f"UPDATE audit_entries SET {change} WHERE id = {last - 1}"):
            found = proof()
            assert found.first_fault == last - 1, change
            assert found.faults <= 2, change


def test_what_is_taken_out_moved_or_put_in_is_found(log):
    first, *_, last = db.session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).all()
    middle = first + 4
    copied = "user_id, username, action, subject, subject_id, address, details, hash FROM audit_entries"
    columns = "(id, at, user_id, username, action, subject, subject_id, address, details, hash)"
    ways = {
        "first": [f"DELETE FROM audit_entries WHERE id = {first}"],
        "middle": [f"DELETE FROM audit_entries WHERE id = {middle}"],
        "last": [f"DELETE FROM audit_entries WHERE id = {last}"],
        "all": ["DELETE FROM audit_entries"],
        "swapped": [
            f"UPDATE audit_entries SET id = -1 WHERE id = {middle}",
            f"UPDATE audit_entries SET id = {middle} WHERE id = {middle + 1}",
            f"UPDATE audit_entries SET id = {middle + 1} WHERE id = -1",
        ],
        "before": [f"INSERT INTO audit_entries {columns} SELECT -5, at, {copied} WHERE id = {middle}"],
        "behind": [f"INSERT INTO audit_entries {columns} SELECT {last + 1}, at, {copied} WHERE id = {last}"],
        "end": [f"UPDATE audit_head SET hash = '{BEGINNING}'"],
        "end's number": ["UPDATE audit_head SET last_id = last_id + 1"],
        "end's count": ["UPDATE audit_head SET count = count - 1"],
        "no end": ["DELETE FROM audit_head"],
    }
    for way, statements in ways.items():
        with tampered(*statements):
            assert not proof().is_intact, way
    assert proof().is_intact


def test_what_looks_whole_does_not_fit_a_checkpoint(log):
    kept, last = checkpoint(), audit.head().last_id
    cut_off = update(HEAD).values(
        last_id=last - 1,
        count=MANY - 1,
        hash=select(ENTRIES.c.hash).where(ENTRIES.c.id == last - 1).scalar_subquery(),
    )
    with tampered(cut_off, f"DELETE FROM audit_entries WHERE id = {last}"):
        assert proof().is_intact
        assert proof(kept).faults == 1
        assert not proof(kept, newest=3).is_intact
    with tampered("UPDATE audit_entries SET username = 'another' WHERE subject_id = 2"):
        made_anew()
        assert proof().is_intact
        assert f"第 {last} 条" in proof(kept).sentences[0]


def test_the_database_refuses_to_change_the_log(log):
    statements = [
        "UPDATE audit_entries SET username = 'x'",
        "DELETE FROM audit_entries WHERE id = 1 OR id > 0",
        "UPDATE audit_head SET last_id = last_id - 1, count = count - 1",
        "UPDATE audit_head SET hash = ''",
        "DELETE FROM audit_head",
    ]
    if db.engine.dialect.name == "postgresql":
        statements += ["TRUNCATE audit_entries", "TRUNCATE audit_head"]
    else:
        columns = ", ".join(name for name in (*COLUMNS, "hash") if name not in ("id", "username"))
        statements += [
            f"REPLACE INTO audit_entries (id, username, {columns}) SELECT id, 'x', {columns} FROM audit_entries",
            f"INSERT INTO audit_entries (username, {columns}) SELECT 'as before', {columns} FROM audit_entries LIMIT 1",
            "REPLACE INTO audit_head SELECT id, 0, hash, 0 FROM audit_head",
        ]
    for statement in statements:
        with pytest.raises(DBAPIError, match=r"only added to|only goes on"), db.session.begin_nested():
            db.session.connection().execute(text(statement))
    assert proof().is_intact


def test_moments_of_any_zone_are_hashed_alike():
    entry = dict.fromkeys(COLUMNS, 1) | {"details": {"b": 1, "a": "字"}, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    elsewhere = timezone(timedelta(hours=8))
    shown = entry | {"details": {"a": "字", "b": 1}, "at": datetime(2026, 1, 1, 8, tzinfo=elsewhere)}
    assert hash_of(BEGINNING, entry) == hash_of(BEGINNING, shown) != hash_of(hash_of(BEGINNING, entry), entry)


# --- how entries come into the chain ----------------------------------------------------------------------------------


def told():
    return db.session.connection().scalars(select(ENTRIES.c.action).order_by(ENTRIES.c.id)).all()


def test_what_is_taken_back_leaves_no_entry(app):
    audit.record("one", "x")
    with db.session.begin_nested():
        audit.record("two", "x")
        with db.session.begin_nested() as inner:
            audit.record("lost", "x")
            inner.rollback()
    with db.session.begin_nested() as outer:
        with db.session.begin_nested():
            audit.record("lost with what is around it", "x")
        outer.rollback()
    db.session.commit()
    audit.record("lost too", "x")
    db.session.rollback()
    audit.record("three", "x")
    db.session.begin_nested()
    audit.record("four", "x")
    db.session.commit()  # of the savepoint too
    assert told() == ["one", "two", "three", "four"]
    assert proof().is_intact


def test_who_reads_the_log_finds_what_was_just_recorded(app):
    audit.record("one", "x")
    assert db.session.scalars(select(AuditEntry.action)).all() == ["one"]
    db.session.rollback()
    assert db.session.scalars(select(AuditEntry.action)).all() == []


def test_the_lock_at_the_end_is_the_last_one(app, make, session):
    statements = []

    def note(connection, cursor, statement, *rest):
        statements.append(statement)

    user = session.merge(make.user())
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        audit.record("one", "x")
        user.name = "改名"
        db.session.commit()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    ours = [number for number, one in enumerate(statements) if "audit_" in one]
    assert ours == list(range(ours[0], ours[0] + 3))
    assert not any(word in one for one in statements[ours[-1] + 1 :] for word in ("INSERT", "UPDATE"))


def test_whoever_locks_an_account_lets_entries_name_it():
    """An entry refers to its person while the chain is locked; who has locked that person waits for the chain."""
    for file in Path(audit.__file__).parents[2].rglob("*.py"):
        assert not re.search(r"select\(User\b.*\.with_for_update\(\)", file.read_text(encoding="utf-8")), file


def test_many_are_linked_at_once_behind_what_was_recorded_before(app, monkeypatch):
    monkeypatch.setattr(audit, "AT_ONCE", 7)
    audit.record("before", "x")
    row = {"at": datetime(2026, 1, 1, tzinfo=UTC), "user_id": None, "username": "x", "action": "many"}
    row |= {"subject": "", "subject_id": None, "address": "", "details": {"to": "已登记"}}
    audit.add_many([row] * 20)
    audit.record("after", "x")
    db.session.commit()
    assert told() == ["before", *["many"] * 20, "after"]
    assert proof().entries == proof().last_id == 22
    assert proof().is_intact


def test_many_who_write_at_once_make_one_chain(live):
    def work(name):
        with live.app.app_context():
            for number in range(6):
                with unit_of_work():
                    audit.record("move", name, subject_id=number)
                    if number % 2:
                        audit.record("move", name, subject_id=-number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abcd"))
    assert len(told()) == 4 * 9
    assert proof().is_intact


# --- an installation that has a log already ---------------------------------------------------------------------------


def test_what_was_told_before_there_was_a_chain_is_linked(databases, template):
    engine = make_engine(databases.copy(template))
    migrations.downgrade(engine, "0007")
    old = [column for column in ENTRIES.c if column.name != "hash"]
    rows = [
        {"id": number, "at": datetime(2026, 1, 1, 0, 0, number, number, tzinfo=UTC), "user_id": None, "username": "林",
         "action": "move", "subject": "contract", "subject_id": number, "address": "",
         "details": {"to": "登记", "a": 1.1}}
        for number in (2, 3, 7, 8)  # numbers were left out where something was taken back
    ]  # fmt: skip
    rows[2] |= {"action": "revise_broker", "details": {"phone": ["", "13812345678"]}}
    with engine.begin() as connection:
        connection.execute(insert(table("audit_entries", *(column._copy() for column in old))), rows)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        found = prove(connection)
        assert (found.sentences, found.entries, found.last_id) == ([], 4, 8)
        assert connection.scalar(select(ENTRIES.c.details).where(ENTRIES.c.id == 7)) == {"phone": ["", "138****5678"]}
        with Session(connection) as session:
            audit._link(session, [{**rows[0], "at": datetime(2026, 2, 1, tzinfo=UTC)}])
            session.flush()
        assert prove(connection).entries == 5
    migrations.downgrade(engine, "0007")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit_entries")) == 5
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert prove(connection).is_intact
    engine.dispose()
    databases.drop(str(engine.url.render_as_string(hide_password=False)))
