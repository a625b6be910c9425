"""Backups: taken while people work, checked, brought back to an empty place and proved; what is touched is named."""

import errno
import json
import os
import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from contracts_app import create_app
from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.contracts.states import State
from contracts_app.core.clock import as_if, now_utc
from contracts_app.core.database import migrations
from contracts_app.core.db import db, make_engine
from contracts_app.core.keeping.stores import FolderStore
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.enterprises.models import Enterprise
from contracts_app.operations import backup as backups
from contracts_app.operations import backup_restore
from contracts_app.operations import vault as vaults
from contracts_app.operations.backup_restore import Place, Restoring, standing_on
from contracts_app.operations.rotation import Keep
from contracts_app.operations.vault import Vault, vault_of
from tests.databases import Sqlite, template_on
from tests.factories import PDF, Make


def run(app, *words):
    db.session.remove()
    return app.test_cli_runner().invoke(args=["backup", *map(str, words)])


@pytest.fixture(autouse=True)
def _nothing_needs_to_survive_a_power_cut(monkeypatch):
    monkeypatch.setattr(vaults, "flush", lambda folder: None)
    monkeypatch.setattr(backup_restore, "flush", lambda folder: None)


@pytest.fixture
def make():
    return Make()


@pytest.fixture
def office(run_folder, settings, tmp_path, make):
    """An installation on SQLite with a few contracts, each with files of its own."""
    sqlite = Sqlite(run_folder)
    url = sqlite.copy(template_on(sqlite, run_folder))
    app = create_app(replace(settings, database_url=url, instance=tmp_path / "instance"))
    with app.app_context():
        for number in range(2):
            make.attachment(make.contract(state=State.REGISTERED), content=PDF + f"% {number}".encode())
        db.session.commit()
        yield app
    app.extensions["engine"].dispose()
    sqlite.drop(url)


@pytest.fixture
def vault(office):
    return vault_of(office.config["SETTINGS"])


def objects(vault):
    return sorted(place for place in vault.folder.glob("objects/??/??/*") if place.is_file())


def files_in(vault):
    """Where the contracts' files lie. Objects have secret names: which of all comes first is another at each run."""
    hashes = db.session.scalars(select(Attachment.sha256).order_by(Attachment.id))
    return [vault.place(vault.keys.newest.name(bytes.fromhex(sha256))) for sha256 in hashes]


# --- the whole way, on both databases -------------------------------------------------------------------


def test_what_was_saved_while_people_registered_comes_back_and_is_proved(live, databases, tmp_path):
    contracts = [live.make.contract(state=State.REVIEWED) for _ in range(6)]
    reviewer = live.visitor(live.make.user(Role.REVIEWER))
    asked = [(one.id, one.version, str(one.accepted_on)) for one in contracts]
    db.session.commit()
    registered, begun = [], threading.Event()

    def register():
        for number, (contract_id, version, day) in enumerate(asked):
            form = {"version": version, "registration_number": f"202635050000000{number}", "registered_on": day}
            registered.append(reviewer.post(f"/contracts/{contract_id}/register", data=form).status_code)
            begun.set()

    db.session.remove()
    writer = threading.Thread(target=register)
    writer.start()
    begun.wait(60)
    made = run(live.app, "create")
    writer.join()
    assert (made.exit_code, made.stderr.count("密钥")) == (0, 1), made.output
    assert registered == [302] * 6  # nobody was held up

    url = databases.empty() if live.app.config["SETTINGS"].database_url.startswith("postgresql") else None
    folder = tmp_path / "restored"
    words = (
        "restore",
        made.stdout.strip(),
        "--into",
        folder,
        *(("--database", url) if url else ()),
        "--format",
        "json",
    )
    restored = run(live.app, *words)
    assert restored.exit_code == 0, restored.output
    told = json.loads(restored.stdout)
    assert told["faults"] == 0
    place = Place(folder, url or f"sqlite:///{folder / 'contracts.db'}")
    engine = make_engine(place.url)
    assert migrations.differences(engine) == []
    engine.dispose()

    # An office can go on there: numbers go on, and what may not be changed still may not.
    with standing_on(place):
        last = db.session.scalar(select(func.max(Enterprise.id)))
        assert live.make.enterprise().id == last + 1
        db.session.commit()
        with pytest.raises(DBAPIError):
            db.session.execute(text("UPDATE audit_entries SET username = 'nobody'"))
        db.session.rollback()

    # Whatever is not as it was put away is found.
    with standing_on(place):
        db.session.execute(text("UPDATE ledger_entries SET total_amount = total_amount + 1 WHERE contracts = 1"))
        store = FolderStore(folder / "files")
        sha256 = db.session.scalars(select(Attachment.sha256).limit(1)).one()
        place_of_file = store.root / sha256[:2] / sha256[2:4] / sha256
        place_of_file.write_bytes(b"another")
        db.session.commit()
    again = Restoring(backups.one(vault_of(live.app.config["SETTINGS"]), "latest"), place).proof()
    wrong = {one.what for one in again if one.faults}
    assert wrong == {
        *("附件（SHA-256）", "各表行数", "登记合计（年度×考核单元）", "台账、到账、核定、汇总重新计数", "操作记录链")
    }
    if url:
        assert "不是空的" in run(live.app, *words[:4], "--into", tmp_path / "other", *words[4:6]).stderr
        databases.drop(url)


# --- what was touched is named --------------------------------------------------------------------------


def test_whatever_is_touched_in_the_vault_is_named(office, vault):
    assert run(office, "create").exit_code == 0
    assert run(office, "verify").exit_code == 0
    manifest = next(vault.folder.glob("backups/*.manifest"))
    one, other = files_in(vault)[:2]
    of_the_database = max(objects(vault), key=lambda place: place.stat().st_size)
    assert of_the_database not in files_in(vault)

    def named(place, change):
        was = {path: path.read_bytes() for path in (one, other, of_the_database, manifest)}
        change()
        found = run(office, "verify")
        for path, content in was.items():
            path.write_bytes(content)
        assert found.exit_code == 1
        assert place.name in found.stdout, found.output
        return found.stdout

    def flipped(place, at):
        raw = bytearray(place.read_bytes())
        raw[at] ^= 1
        place.write_bytes(raw)

    for place in (one, manifest):
        for at in (0, 5, 20, 40, -1):  # kind, key, salt, content, tag
            named(place, lambda place=place, at=at: flipped(place, at))
        named(place, lambda place=place: place.write_bytes(place.read_bytes()[:-20]))
    named(of_the_database, lambda: flipped(of_the_database, 40))
    assert "不见了" in named(one, one.unlink)
    exchanged = named(
        one, lambda: [content := one.read_bytes(), one.write_bytes(other.read_bytes()), other.write_bytes(content)]
    )
    assert other.name in exchanged

    # A manifest under another's name is none.
    manifest.rename(manifest.with_stem("20200101-000000"))
    assert run(office, "verify", "20200101-000000").exit_code == 1


def test_a_damaged_object_is_written_anew_by_the_next_backup(office, vault):
    run(office, "create")
    files_in(vault)[0].write_bytes(b"")  # the database is another by then
    assert run(office, "verify", "--set-aside").exit_code == 1
    assert run(office, "create").exit_code == 0
    assert run(office, "verify", "--all").exit_code == 0
    lines = json.loads(run(office, "list", "--format", "json").stdout)
    assert [line["faults"] for line in lines] == [0, 0]
    assert lines[0]["added"] < lines[1]["added"]  # what is there is not written again
    with office.app_context():
        latest = backups.latest_backup()
    assert (latest.name, latest.verified_at is not None) == (lines[0]["name"], True)


# --- made whole or not at all ---------------------------------------------------------------------------


def test_one_that_was_broken_off_does_not_count_and_two_do_not_meet(office, vault, make, monkeypatch):
    first = run(office, "create").stdout.strip()
    make.attachment(db.session.scalars(select(Contract)).first(), content=PDF + b"% more")
    db.session.commit()
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        run(office, "create")
    assert vault.names() == [first]

    def full(folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    left = len(objects(vault))
    with monkeypatch.context() as patch:
        patch.setattr(vaults, "flush", full)
        refused = run(office, "create")
    assert (refused.exit_code, "磁盘已满" in refused.stderr) == (1, True)
    assert (vault.names(), len(objects(vault))) == ([first], left)
    with vault.writing():
        assert "另一个备份正在进行" in run(office, "create").stderr
    assert run(office, "create").exit_code == 0
    assert run(office, "verify", "--all").exit_code == 0


def test_rotating_leaves_the_newest_whole_and_nothing_that_nobody_needs(office, vault, make):
    first = run(office, "create").stdout.strip()
    gone = make.attachment(db.session.scalars(select(Contract)).first(), content=PDF + b"% not for long")
    db.session.commit()
    second = run(office, "create").stdout.strip()
    db.session.delete(db.session.merge(gone))
    db.session.commit()
    third = run(office, "create").stdout.strip()
    before = objects(vault)
    assert run(office, "remove", second).exit_code == 0
    assert vault.names() == [first, third]
    assert not vault.place(vault.keys.newest.name(bytes.fromhex(gone.sha256))).exists()
    with as_if(now_utc().replace(year=now_utc().year + 3)), vault.writing():
        assert backups.rotate(vault, Keep(2, 30, 12)) == [first]
    assert len(objects(vault)) < len(before)
    assert run(office, "verify", "--all").exit_code == 0


def test_a_file_that_is_lost_is_told_and_one_taken_away_meanwhile_is_not(office, vault, monkeypatch):
    lost, gone = db.session.scalars(select(Attachment).order_by(Attachment.id.desc()).limit(2))
    store = office.extensions["files"]
    for one in (lost, gone):
        store.remove(one.sha256, now_utc().replace(year=2100))
    named = backups._is_named
    monkeypatch.setattr(backups, "_is_named", lambda sha256: sha256 != gone.sha256 and named(sha256))
    made = run(office, "create")
    assert made.exit_code == 1
    assert lost.sha256 in made.stderr
    assert gone.sha256 not in made.stderr
    assert lost.sha256 in run(office, "verify").stdout
    restored = run(office, "restore", "--into", vault.folder.parent / "restored")
    assert restored.exit_code == 1
    assert lost.sha256 in restored.stdout, restored.output
    assert "1 个在备份时已按规定删除" in restored.stdout


# --- what is refused ------------------------------------------------------------------------------------


def test_what_cannot_be_done_says_what_to_do(office, vault, tmp_path):
    assert "没有备份" in run(office, "verify").stderr
    assert "没有备份密钥" in run(office, "key").stderr
    name = run(office, "create").stdout.strip()
    assert run(office, "key").stdout.split() == vault.keys.written
    assert db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()[-1] == "print_backup_keys"
    data_keys = office.config["SETTINGS"].instance / "data-keys"
    data_keys.rename(tmp_path / "away")
    without = run(office, "create")
    assert without.exit_code == 1
    assert "备份里没有数据密钥" in without.stderr
    (tmp_path / "away").rename(data_keys)
    full = tmp_path / "full"
    full.mkdir()
    for name_there in ("contracts.db", "files", "data-keys"):
        (full / name_there).touch()
        assert f"不是空的（有 {name_there}）" in run(office, "restore", "--into", full).stderr
        (full / name_there).unlink()
    # A new installation's folder, in which a command has just made a key: the backup's takes its place.
    (full / "secret-key").write_text("made by the command")
    own = office.config["SETTINGS"].instance / "secret-key"
    own.write_text("of the office")
    name = run(office, "create").stdout.strip()
    assert run(office, "restore", name, "--into", full).exit_code == 0
    assert (full / "secret-key").read_text() == "of the office"
    url = "postgresql+psycopg://office@127.0.0.1:1/nothing"
    assert "SQLite" in run(office, "restore", "--into", tmp_path / "new", "--database", url).stderr
    assert "没有名称为" in run(office, "verify", "20200101-000000").stderr

    # A lost key: nothing is overwritten, and no new one is taken without being told to.
    vault.keys.file.unlink()
    for words in (("create",), ("restore", name, "--into", tmp_path / "new")):
        refused = run(office, *words)
        assert refused.exit_code == 1
        assert "密钥" in refused.stderr
    assert run(office, "key", "--new").exit_code == 0
    assert run(office, "create").exit_code == 0
    assert run(office, "verify").exit_code == 0
    assert "另一把密钥" in run(office, "verify", name).stdout
    assert "读不出来" in run(office, "list").stdout
