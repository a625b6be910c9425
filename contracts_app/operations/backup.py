"""Backups: what one holds, making, listing, checking and rotating them. How they lie encrypted is the vault's.

The database is held still first, then the contents it names are copied. They are named by their hashes and never
changed, so that database and contents belong together although people work on, and a backup writes only what no earlier
one has. It counts from the moment its manifest is there, which is written last.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from flask import current_app
from sqlalchemy import Connection, column, func, inspect, select, table

from contracts_app.accounts.models import AT_THE_MACHINE
from contracts_app.contracts.books.ledger import LedgerEntry
from contracts_app.contracts.models import Attachment
from contracts_app.core import releases
from contracts_app.core.clock import now_utc, today
from contracts_app.core.database import migrations
from contracts_app.core.db import db, unit_of_work
from contracts_app.core.edition import VERSION
from contracts_app.core.errors import Refused
from contracts_app.core.keeping.stores import Store
from contracts_app.core.settings import Settings
from contracts_app.core.trail import audit, checkpoints

from .backup_databases import held_still, tables_of
from .rotation import Keep
from .vault import Damaged, Key, Part, Vault, vault_of

DATA_KEYS = "data-keys"
KEYS = (DATA_KEYS, "secret-key")  # without the first, what lies sealed in the database is lost
CHECKPOINTS = "checkpoints"
_FILES = "files"  # the part that lists the contents the database names
_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Manifest:
    """What one backup holds, and what was counted in it when it was made."""

    name: str
    at: datetime  # the moment of which it tells
    seconds: float
    version: str  # of the program
    migration: str
    database: str  # sqlite or postgresql
    parts: list[Part]
    facts: dict[str, dict[str, Any]]  # of each part, what is needed to put it back
    sequences: dict[str, int]
    files: Part  # lines of hash and size
    count: int
    size: int  # bytes of the contents
    gone: list[str]  # contents that were taken away, with the rows that named them, while the backup was made
    missing: list[str]  # contents that rows name and nobody has: damage of the installation
    rows: dict[str, int]
    sums: (
        dict[str, list[int]] | None
    )  # year and unit: contracts, total and technology amount in 分; None if not current
    log: dict[str, Any] | None  # where the chain of the log ended: last_id, hash, count; None if not current
    papers: dict[str, str]  # small files of the installation's folder: its keys, the checkpoints of the log
    added: int  # bytes that had to be written for it

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def read(cls, plain: dict[str, Any]) -> "Manifest":
        parts = [Part(**{**one, "blocks": tuple(one["blocks"])}) for one in (*plain["parts"], plain["files"])]
        at = datetime.fromisoformat(plain["at"])
        return cls(**{**plain, "at": at, "parts": parts[:-1], "files": parts[-1]})

    @property
    def database_size(self) -> int:
        return sum(part.size for part in self.parts)


@dataclass
class Backup:
    """One backup in the vault: its manifest, the key it was sealed with, and what the last check of it found."""

    vault: Vault
    name: str

    @cached_property
    def _read(self) -> tuple[Manifest, Key]:
        plain, key = self.vault.read(self.name, "manifest")
        return Manifest.read(plain), key

    @property
    def manifest(self) -> Manifest:
        """Raises ``Damaged``."""
        return self._read[0]

    @property
    def key(self) -> Key:
        return self._read[1]

    @property
    def at(self) -> datetime:
        """When it was made, as its name says it: needs no key."""
        return moment_of(self.name)

    @property
    def checked(self) -> "Checked | None":
        """What the last check found; None where there was none, or what it noted cannot be read."""
        try:
            noted, _ = self.vault.read(self.name, "verified")
        except (FileNotFoundError, Damaged):
            return None
        return Checked(datetime.fromisoformat(noted["at"]), noted["faults"])

    def contents(self) -> Iterator[tuple[str, int]]:
        """Hash and size of every content that must be here. Raises ``Damaged``."""
        absent = {*self.manifest.gone, *self.manifest.missing}
        for sha256, size in _listed(self.vault, self.manifest.files, self.key):
            if sha256 not in absent:
                yield sha256, size

    def needs(self) -> Iterator[str]:
        """The names of all objects that it stands on. Raises ``Damaged``."""
        for part in (*self.manifest.parts, self.manifest.files):
            yield from (self.key.name(bytes.fromhex(digest)) for digest in part.blocks)
        yield from (self.key.name(bytes.fromhex(sha256)) for sha256, _ in self.contents())


@dataclass(frozen=True)
class Checked:
    """When a backup was checked, and how many faults were found."""

    at: datetime
    faults: int


@dataclass(frozen=True)
class Latest:
    """The newest backup, for whoever watches over the installation."""

    name: str
    at: datetime
    verified_at: datetime | None  # of the newest backup that was checked and found whole, whichever it is


def moment_of(name: str) -> datetime:
    """When the backup of that name was made. ``ValueError`` for what is no name of a backup."""
    return datetime.strptime(f"{name}+0000", f"{_STAMP}%z")


def backups(vault: Vault) -> list[Backup]:
    """All that are there whole, oldest first."""
    return [Backup(vault, name) for name in vault.names()]


def one(vault: Vault, name: str) -> Backup:
    """The backup of that name, or the ``latest``. Raises ``Refused``."""
    names = vault.names()
    if not names:
        raise Refused(f"{vault.folder} 里没有备份。用 backup create 建一份，或用 BACKUP_DIR 指明备份在哪里。")
    if name != "latest" and name not in names:
        raise Refused(f"没有名称为 {name} 的备份。用 backup list 查看。")
    return Backup(vault, names[-1] if name == "latest" else name)


def latest_backup() -> Latest | None:
    """The newest backup of this installation and when one was last found whole; None where there is none."""
    found = backups(vault_of(current_app.config["SETTINGS"]))
    if not found:
        return None
    checks = [check.at for backup in found if (check := backup.checked) and not check.faults]
    return Latest(found[-1].name, found[-1].at, max(checks, default=None))


# --- making one -------------------------------------------------------------------------------------------------------


def create() -> Manifest:
    """Make a backup of this installation and rotate the older ones. Raises ``Refused``.

    The first one makes the key. What is missing in the store of files is in the manifest; the backup holds the rest.
    """
    settings: Settings = current_app.config["SETTINGS"]
    vault = vault_of(settings)
    with vault.writing():
        if not vault.keys.are_there:
            if vault.names():
                raise Refused(
                    f"{vault.folder} 里有备份，密钥文件 {vault.keys.file} 却不在：把保存的密钥放回去。",
                    "密钥确已丢失的，用 backup key --new 换一把；已有的备份从此打不开。",
                )
            vault.keys.add()
        manifest = _made(vault, settings)
        vault.write(manifest.name, manifest.plain())
        with unit_of_work():
            audit.record(
                "create_backup",
                AT_THE_MACHINE,
                subject="backup",
                name=manifest.name,
                rows=sum(manifest.rows.values()),
                files=manifest.count,
            )
        rotate(vault, Keep(*settings.backup_keep))
    return manifest


def _made(vault: Vault, settings: Settings) -> Manifest:
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = now_utc()
    name, papers = _free_name(vault, begun), _papers(settings)  # a checkpoint made later would be ahead of the log
    with held_still(db.engine, settings.instance) as snapshot:
        if not inspect(snapshot.connection).has_table("alembic_version"):
            raise Refused("数据库还没有建立，没有可备份的。先运行 init，或核对 DATABASE_URL 和 INSTANCE_DIR。")
        releases.leave_writing_to_the_newer(current_app, snapshot.connection)  # the log could not tell of it
        migration = snapshot.connection.scalar(select(column("version_num")).select_from(table("alembic_version")))
        facts, parts = {}, []
        for stream in snapshot.streams():
            parts.append(vault.keep_part(stream.name, stream.blocks))
            facts[stream.name] = stream.facts
        rows, sums, log = rows_of(snapshot.connection), None, None
        if migrations.is_current(snapshot.connection.engine):
            sums, log = sums_of(snapshot.connection), end_of_log(snapshot.connection)
        files = vault.keep_part(_FILES, _in_blocks(_named(snapshot.connection)))
    vault.settle()
    copied = _copy_files(vault, files)
    return Manifest(
        name=name,
        at=begun,
        seconds=(now_utc() - begun).total_seconds(),
        version=VERSION,
        migration=str(migration),
        database=db.engine.dialect.name,
        parts=parts,
        facts=facts,
        sequences=dict(snapshot.sequences),
        files=files,
        **asdict(copied),
        rows=rows,
        sums=sums,
        log=log,
        papers=papers,
        added=vault.added,
    )


def _free_name(vault: Vault, begun: datetime) -> str:
    taken = set(vault.names())
    while (name := f"{begun:{_STAMP}}") in taken:
        begun += timedelta(seconds=1)
    return name


def _papers(settings: Settings) -> dict[str, str]:
    """By the names they have in the installation's folder where nothing else is said. The backup's own key is not."""
    places = {name: settings.instance / name for name in KEYS}
    if settings.data_keys_file:
        places[DATA_KEYS] = settings.data_keys_file
    places |= {f"{CHECKPOINTS}/{place.name}": place for place in checkpoints.folder().glob("*.json")}
    return {name: place.read_text(encoding="utf-8") for name, place in places.items() if place.is_file()}


def _named(connection: Connection) -> Iterator[bytes]:
    """A line for each content that the database names, in the order in which they came: later ones are at the end."""
    asked = select(Attachment.sha256, func.max(Attachment.size)).group_by(Attachment.sha256)
    rows = connection.execute(asked.order_by(func.min(Attachment.id)).execution_options(yield_per=10_000))
    yield from (f"{sha256} {size}\n".encode() for sha256, size in rows)


def _in_blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= 1024 * 1024:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _listed(vault: Vault, files: Part, key: Key) -> Iterator[tuple[str, int]]:
    for block in vault.part(files, key):
        for line in block.decode().splitlines():
            sha256, _, size = line.partition(" ")
            yield sha256, int(size)


@dataclass
class _Copied:
    count: int = 0
    size: int = 0
    gone: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def _copy_files(vault: Vault, files: Part) -> _Copied:
    store: Store = current_app.extensions["files"]
    copied = _Copied()
    for sha256, size in _listed(vault, files, vault.keys.newest):
        if not vault.holds_file(sha256, size):
            try:
                with closing(store.open(sha256)) as stream:
                    vault.keep_file(sha256, stream)
            except (FileNotFoundError, Damaged):
                (copied.missing if _is_named(sha256) else copied.gone).append(sha256)
                continue
        copied.count += 1
        copied.size += size
    return copied


def _is_named(sha256: str) -> bool:
    """Whether a row names that content still: a contract may have been turned away since the database was held."""
    with unit_of_work() as work:
        return work.scalar(select(Attachment.id).where(Attachment.sha256 == sha256).limit(1)) is not None


# --- what is counted, then and again ----------------------------------------------------------------------------------


def rows_of(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {
        name: int(connection.scalar(select(func.count()).select_from(table(name))) or 0)
        for name in tables_of(connection)
    }


def sums_of(connection: Connection) -> dict[str, list[int]]:
    """What the ledger adds up to by year and unit: contracts, total and technology amount in 分."""
    year = LedgerEntry.month // 100
    asked = (
        select(
            year,
            LedgerEntry.unit_code,
            func.sum(LedgerEntry.contracts),
            func.sum(LedgerEntry.total_amount),
            func.sum(LedgerEntry.technology_amount),
        )
        .group_by(year, LedgerEntry.unit_code)
        .order_by(year, LedgerEntry.unit_code)
    )
    return {
        f"{year} {unit}": [int(contracts), int(total * 100), int(technology * 100)]
        for year, unit, contracts, total, technology in connection.execute(asked)
    }


def end_of_log(connection: Connection) -> dict[str, Any]:
    """Where the chain of the log ends."""
    end = connection.execute(select(audit.HEAD)).mappings().one()
    return {name: end[name] for name in ("last_id", "hash", "count")}


# --- rotating ---------------------------------------------------------------------------------------------------------


def kept_until(found: list[Backup], keep: Keep) -> dict[str, date]:
    """The last day on which each of these backups is kept."""
    ends = keep.until(backup.at for backup in found)
    return {backup.name: ends[backup.at] for backup in found}


def rotate(vault: Vault, keep: Keep) -> list[str]:
    """Let backups go whose time is over; their names. The newest stays, and the newest that was found whole.

    The caller is the vault's one writer. Objects go only when no backup that is left stands on them; if one of those
    cannot be read, nothing is swept away.
    """
    found = backups(vault)
    ends, now = kept_until(found, keep), today()
    whole = [backup.name for backup in found if (check := backup.checked) and not check.faults]
    stay = {backup.name for backup in found[-1:]} | set(whole[-1:])
    over = [backup.name for backup in found if ends[backup.name] < now and backup.name not in stay]
    for name in over:
        vault.forget(name)
    sweep(vault)
    return over


def remove(vault: Vault, name: str) -> None:
    """Let one backup go before its time, with everything that no other one stands on. Raises ``Refused``."""
    backup = one(vault, name)
    with vault.writing():
        vault.forget(backup.name)
        sweep(vault)
        with unit_of_work():
            audit.record("remove_backup", AT_THE_MACHINE, subject="backup", name=backup.name)


def sweep(vault: Vault) -> None:
    """Remove what no backup stands on."""
    try:
        vault.sweep(lambda: {name for backup in backups(vault) for name in backup.needs()})
    except Damaged:
        return  # which of them a damaged backup needs cannot be known, so all stay until it is gone
