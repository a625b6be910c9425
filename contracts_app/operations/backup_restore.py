"""A backup brought back to an empty place, and the proof that it is what was put away.

The proof stands on the restored place, not on this installation: an application without pages is made there, so that
totals, snapshots, log and files are read with the restored database, keys and contents.
"""

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from flask import Flask, current_app
from sqlalchemy import Engine, Text, inspect, make_url, select, type_coerce
from sqlalchemy.exc import OperationalError

from contracts_app.accounts.models import AT_THE_MACHINE
from contracts_app.contracts.books import ledger
from contracts_app.contracts.counting import summaries
from contracts_app.contracts.models import Attachment
from contracts_app.core import db as database
from contracts_app.core.database import migrations
from contracts_app.core.db import Base, db, make_engine, unit_of_work
from contracts_app.core.edition import VERSION
from contracts_app.core.errors import Refused
from contracts_app.core.keeping import sealing
from contracts_app.core.keeping.files import size_label
from contracts_app.core.keeping.sealing import Sealed, Unopened, key_ring
from contracts_app.core.keeping.stores import FolderStore, Store
from contracts_app.core.settings import Settings
from contracts_app.core.trail import audit
from contracts_app.core.trail.checkpoints import Checkpoint, NoCheckpoint, all_in, folder
from contracts_app.core.trail.proving import prove
from contracts_app.statistics.publishing import snapshots
from contracts_app.tracking import queries as money

from .backup import KEYS, Backup, Manifest, rows_of, sums_of
from .backup_databases import Kept, digests_of_tables, faults_of_sqlite, restore_postgresql, restore_sqlite
from .vault import Damaged, flush

_CHUNK = 1024 * 1024
# What lies in a new installation's folder before anything was done there: every command makes the key of its sessions,
# which gives way to that of the backup; backups and their key lie there unless told otherwise.
_MADE_BY_A_COMMAND = frozenset({"secret-key"})
_NOT_IN_THE_WAY = _MADE_BY_A_COMMAND | {"backups", "backup-key"}
Outcome = tuple[str, str, list[str]]  # what the backup says, what is there, every difference
Step = Callable[[], Outcome]


@dataclass(frozen=True)
class Place:
    """Where a backup is restored to: a folder, which becomes an installation's, and a database."""

    folder: Path
    url: str


@dataclass(frozen=True)
class Compared:
    """One thing that was compared: what the backup says of it, what is there, and every difference as a sentence."""

    what: str
    then: str
    now: str
    faults: list[str]
    seconds: float


@dataclass
class Restoring:
    """One restoring, from looking whether the place is empty to the last comparison."""

    backup: Backup
    place: Place
    migrates: bool = False
    told: Callable[[str], None] = lambda step: None
    _unknown: list[str] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        return self.backup.manifest

    @property
    def is_sqlite(self) -> bool:
        return self.manifest.database == "sqlite"

    @property
    def _is_here(self) -> bool:
        """Whether the place is to be this very installation."""
        here: Settings = current_app.config["SETTINGS"]
        return self.place.folder == here.instance and make_url(self.place.url) == make_url(here.database_url)

    def run(self) -> list[Compared]:
        """Restore and compare. Raises ``Refused`` where nothing was done; ``Damaged`` where it stopped half way."""
        engine = make_engine(self.place.url)
        try:
            self._must_be_possible(engine)
            with self.backup.vault.reading():
                compared = [self._compared("恢复数据库", lambda: self._restore_database(engine))]
                compared.append(self._compared("数据库内容（SHA-256）", lambda: self._same_bytes(engine)))
                compared.append(self._compared("恢复附件和密钥", self._restore_files))
            if self.migrates:
                migrations.upgrade(engine)
        finally:
            engine.dispose()
        compared += self.proof()
        with standing_on(self.place):
            if migrations.is_current(db.engine):
                self._note(compared)
        if _works_here() and not self._is_here:
            self._note(compared)
        return compared

    def proof(self) -> list[Compared]:
        """Count and hash everything on the restored place again, and hold it against the backup."""
        with standing_on(self.place):
            return [self._compared(*step) for step in self._steps()]

    def _note(self, compared: list[Compared]) -> None:
        """In the log: of the restored place, that it comes from a backup; of this one, that its backup was tried."""
        faults = sum(len(one.faults) for one in compared)
        name, to = self.backup.name, self.place.folder.name
        with unit_of_work():
            audit.record("restore_backup", AT_THE_MACHINE, subject="backup", name=name, to=to, faults=faults)

    # --- before -----------------------------------------------------------------------------------------------------

    def _must_be_possible(self, engine: Engine) -> None:
        if engine.dialect.name != self.manifest.database:
            kind = "SQLite，恢复时不要加 --database" if self.is_sqlite else "PostgreSQL，用 --database 指明一个空库"
            raise Refused(f"备份 {self.backup.name} 的数据库是 {kind}。")
        if self.manifest.migration not in migrations.known():
            raise Refused(
                f"备份由 {self.manifest.version} 版程序建立（数据库迁移 {self.manifest.migration}），比这里的程序新："
                "装同版或更新的程序后重试。"
            )
        if there := _in_the_way(self.place.folder):
            raise Refused(f"文件夹 {self.place.folder} 不是空的（有 {'、'.join(there[:3])}），换一个空的或不存在的。")
        if not self.is_sqlite and (tables := inspect(engine).get_table_names()):
            raise Refused(f"数据库不是空的（有 {len(tables)} 张表），用 createdb 建一个空库。")

    # --- restoring --------------------------------------------------------------------------------------------------

    def _restore_database(self, engine: Engine) -> Outcome:
        manifest, backup = self.manifest, self.backup
        self.place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = (
            Kept(part.name, manifest.facts[part.name], partial(backup.vault.part, part, backup.key))
            for part in manifest.parts
        )
        if self.is_sqlite:
            restore_sqlite(Path(str(engine.url.database)), next(kept))
        else:
            self._unknown = restore_postgresql(engine, manifest.migration, kept, manifest.sequences)
        faults = [f"表 {name} 不是本系统的，没有恢复" for name in self._unknown]
        return size_label(manifest.database_size), f"迁移 {manifest.migration}", faults

    def _same_bytes(self, engine: Engine) -> Outcome:
        kept = {part.name: part.sha256 for part in self.manifest.parts if part.name not in self._unknown}
        if self.is_sqlite:
            with Path(str(engine.url.database)).open("rb") as file:
                found = {"database": _digest(file)}
        else:
            found = digests_of_tables(engine, {name: self.manifest.facts[name]["columns"] for name in kept})
        faults = [f"{name} 与备份时的内容不同" for name, digest in kept.items() if found.get(name) != digest]
        return f"{len(kept)} 部分", f"{len(kept) - len(faults)} 部分相同", faults

    def _restore_files(self) -> Outcome:
        store, faults, count = FolderStore(self.place.folder / "files"), [], 0
        try:
            for sha256, _ in self.backup.contents():
                try:
                    content = b"".join(self.backup.vault.file(sha256, self.backup.key))
                    store.keep(io.BytesIO(content), len(content), is_precious=False)
                    count += 1
                except Damaged as damage:
                    faults.append(f"附件 {sha256}：{damage}")
        except Damaged as damage:
            faults.append(str(damage))
        for name, text in self.manifest.papers.items():
            place = self.place.folder / name
            place.parent.mkdir(mode=0o700, exist_ok=True)
            if name in _MADE_BY_A_COMMAND:
                place.unlink(missing_ok=True)
            with os.fdopen(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        flush(self.place.folder)
        papers = "、".join(name for name in self.manifest.papers if name in KEYS)
        return f"{self.manifest.count} 个附件，{size_label(self.manifest.size)}", f"{count} 个附件，{papers}", faults

    # --- the proof ----------------------------------------------------------------------------------------------------

    def _steps(self) -> Iterator[tuple[str, Step]]:
        is_current = migrations.is_current(db.engine)  # before a step holds the database
        if self.is_sqlite:
            yield "数据库文件自检", self._sound
        yield "附件（SHA-256）", self._files
        if not self.migrates:
            yield "各表行数", self._rows
        if not is_current:
            yield "合计、快照、操作记录、加密的列", self._not_compared
            return
        yield "登记合计（年度×考核单元）", self._sums
        yield "台账、到账、核定、汇总重新计数", self._counted_again
        yield "发布快照", self._snapshots
        yield "操作记录链", self._log
        yield "加密的列", self._sealed

    def _not_compared(self) -> Outcome:
        remedy = f"没有核对：数据库是旧版（迁移 {self.manifest.migration}），加 --migrate 重新恢复后核对"
        return "", "没有核对", [remedy]

    def _compared(self, what: str, step: Step) -> Compared:
        self.told(what)
        begun = time.monotonic()
        then, now, faults = step()
        return Compared(what, then, now, faults, time.monotonic() - begun)

    def _sound(self) -> Outcome:
        faults = faults_of_sqlite(db.session.connection())
        return "", "完好" if not faults else "有错", faults

    def _rows(self) -> Outcome:
        return _differences(
            self.manifest.rows, rows_of(db.session.connection()), "表 {}：备份时 {} 行，恢复后 {} 行", sum
        )

    def _sums(self) -> Outcome:
        if self.manifest.sums is None:
            return "建立备份时没有计", "", []
        found = sums_of(db.session.connection())
        return _differences(self.manifest.sums, found, "{}：备份时 {}，恢复后 {}（项、成交额分、技术交易额分）", _said)

    def _counted_again(self) -> Outcome:
        faults = [str(one) for one in (*ledger.verify(), *money.verify(), *summaries.verify())]
        return "", "一致" if not faults else f"{len(faults)} 处不一致", faults

    def _snapshots(self) -> Outcome:
        verdicts = list(snapshots.verdicts())
        faults = [f"{one.snapshot.title}：{'；'.join(one.faults)}" for one in verdicts if not one.is_intact]
        faults += [f"{title}：操作记录里有它，快照已被取走" for title in snapshots.taken_away()]
        return "", f"{len(verdicts)} 份", faults

    def _log(self) -> Outcome:
        """The whole chain again, against the checkpoints and against where it ended when the backup was made."""
        checkpoints, faults, then = [], [], self.manifest.log
        try:
            checkpoints = all_in(sorted(folder().glob("*.json")))
        except NoCheckpoint as unread:
            faults.append(str(unread))
        if then:
            checkpoints.append(Checkpoint(then["last_id"], then["hash"], then["count"], self.backup.name, VERSION))
        proof = prove(db.session.connection(), checkpoints)
        faults += proof.sentences
        if then and not self.migrates and (then["last_id"], then["hash"]) != (proof.last_id, proof.hash):
            faults.append(f"备份时到第 {then['last_id']} 条，恢复后到第 {proof.last_id} 条或校验值不同")
        said = f"到第 {then['last_id']} 条" if then else "建立备份时没有计"
        return said, f"到第 {proof.last_id} 条，检查点 {proof.checkpoints} 个", faults

    def _files(self) -> Outcome:
        """Every content that a row names, hashed once more from where it lies now."""
        store: Store = current_app.extensions["files"]
        absent = {*self.manifest.gone, *self.manifest.missing}
        faults = [f"附件 {sha256}：建立备份时就缺失或损坏" for sha256 in self.manifest.missing]
        count = 0
        for sha256 in db.session.scalars(select(Attachment.sha256).distinct().execution_options(yield_per=10_000)):
            if sha256 in absent:
                continue
            count += 1
            try:
                with closing(store.open(sha256)) as stream:
                    if _digest(stream) != sha256:
                        faults.append(f"附件 {sha256}：内容与校验值不符")
            except FileNotFoundError:
                faults.append(f"附件 {sha256}：没有恢复")
        gone = f"，另有 {len(self.manifest.gone)} 个在备份时已按规定删除" if self.manifest.gone else ""
        return f"{self.manifest.count} 个", f"{count} 个{gone}", faults

    def _sealed(self) -> Outcome:
        """Whether the restored keys open every value that lies sealed."""
        count, faults = 0, []
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if not isinstance(column.type, Sealed):
                    continue
                raw = type_coerce(column, Text)
                for value in db.session.scalars(select(raw).where(raw != "").execution_options(yield_per=10_000)):
                    count += 1
                    try:
                        key_ring().open(value, column.type.purpose)
                    except Unopened:
                        faults.append(f"{column.type.purpose} 有一个值打不开")
        return "", f"{count} 个值能打开", faults


def _in_the_way(folder: Path) -> list[str]:
    """What of a folder must not be mixed with a backup: a database, files, keys of data."""
    return sorted(one.name for one in folder.iterdir() if one.name not in _NOT_IN_THE_WAY) if folder.exists() else []


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _differences(then: dict[str, Any], now: dict[str, Any], sentence: str, told: Callable[[Any], Any]) -> Outcome:
    faults = [
        sentence.format(name, then.get(name, "没有"), now.get(name, "没有"))
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    return str(told(then.values())), str(told(now.values())), faults


def _said(cells: Iterable[list[int]]) -> str:
    contracts, total, technology = map(sum, zip([0, 0, 0], *cells, strict=True))
    return f"{contracts} 项，{total / 100:.2f} 元，{technology / 100:.2f} 元"


def _works_here() -> bool:
    """Whether this installation has a database of its own, which may be just what is lost."""
    url = db.engine.url
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return False
    try:
        return migrations.is_current(db.engine)
    except OperationalError:
        return False


@contextmanager
def standing_on(place: Place) -> Iterator[None]:
    """Let what reads and counts do so there: an application without pages, with the place's own database and keys."""
    settings: Settings = current_app.config["SETTINGS"]
    app = Flask(__name__)
    app.config.from_mapping(current_app.config)
    app.config["SETTINGS"] = replace(
        settings,
        instance=place.folder,
        database_url=place.url,
        data_keys_file=None,
        checkpoint_dir=None,
        replica_url=None,
    )
    database.init_app(app, place.url)
    app.extensions["files"] = FolderStore(place.folder / "files")
    sealing.init_app(app, app.config["SETTINGS"])
    try:
        with app.app_context():
            yield
    finally:
        app.extensions["engine"].dispose()
