"""Fills a new database with demonstration data, whole or not at all."""

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from flask import current_app
from sqlalchemy import func, insert, select, text

from contracts_app.accounts.models import User, UserRole
from contracts_app.accounts.roles import Duty
from contracts_app.codes.models import AttachmentKind
from contracts_app.codes.queries import listed
from contracts_app.contracts.models import Contract, NumberCounter
from contracts_app.contracts.states import State
from contracts_app.core.clock import WorkCalendar, today
from contracts_app.core.db import Base, db
from contracts_app.core.installation import fact, set_fact
from contracts_app.core.keeping.stores import Kept, Store
from contracts_app.core.text import name_key
from contracts_app.enterprises.actions import FOUND_BY
from contracts_app.enterprises.models import Enterprise, recognitions
from contracts_app.enterprises.queries import WORDS
from contracts_app.platforms.models import Platform, PlatformKind
from contracts_app.regions.queries import towns_of, units
from contracts_app.rules.queries import work_calendar

from . import cases, money, office, plan, publications, stories, tasks, words
from .days import WorkDays
from .papers import Writer
from .parties import Founder, Parties
from .pdf import one_page
from .people import CITY, People, give_passwords, settle, write_accounts
from .records import Records

DEFAULT_CONTRACTS, DEFAULT_SEED = 1500, 20260101
FEWEST = plan.FEWEST
ACCOUNTS = "demo-accounts.csv"  # in the instance folder
FIRST_AS_OF = date(2026, 3, 1)  # earlier there would be next to nothing of the last year
WITHOUT_TASK = ("3505T1", 2025)
FILES_OF_THEIR_OWN = 5_000  # up to here each contract has its own text; more would only fill the disk
MANY = 20_000  # from here on it pays to build the indexes at the end

Progress = Callable[[int, int], None]


class RealOffice(Exception):
    """Somebody works here: the sentence says why nothing was loaded."""


@dataclass(frozen=True)
class Report:
    """What was loaded, and where the sign-ins are."""

    contracts: int
    by_state: dict[str, int]
    enterprises: int
    brokers: int
    users: int
    as_of: date
    accounts: Path
    kept_aside: Path | None

    def plain(self) -> dict[str, Any]:
        """The same for machines."""
        facts = asdict(self)
        aside = facts.pop("kept_aside")
        return (
            facts
            | {"as_of": str(self.as_of), "accounts": str(self.accounts)}
            | ({"kept_aside": str(aside)} if aside else {})
        )


def is_loaded() -> bool:
    """Whether this installation already is a demonstration."""
    return fact("mode") == "demonstration"


def is_new() -> bool:
    """Whether nobody has begun to work here: no user, no contract."""
    return not (db.session.scalar(select(User.id).limit(1)) or db.session.scalar(select(Contract.id).limit(1)))


def load(
    contracts: int = DEFAULT_CONTRACTS,
    seed: int = DEFAULT_SEED,
    as_of: date | None = None,
    progress: Progress = lambda done, whole: None,
) -> Report:
    """Generate everything in the current unit of work; the same from the same seed and day, passwords excepted.

    The years that are over are the same from the same seed on whatever day.

    Raises ``RealOffice`` where there are contracts or business users already.
    """
    _refuse_a_real_office()
    as_of = max(as_of or today(), FIRST_AS_OF)
    load = _Load(contracts, seed, as_of, progress)
    settings = current_app.config["SETTINGS"]
    people, counts, enterprises = load.run()
    set_fact("mode", "demonstration")
    set_fact("demonstration", f"{contracts} {seed} {as_of}")
    db.session.flush()
    accounts = settings.instance / ACCOUNTS
    aside = write_accounts(accounts, give_passwords(people))
    db.session.flush()
    return Report(
        contracts=sum(counts.values()),
        by_state={state.value: counts[state] for state in State},
        enterprises=enterprises,
        brokers=sum(len(one) for one in people.brokers.values()),
        users=len(people.by_id),
        as_of=as_of,
        accounts=accounts,
        kept_aside=aside,
    )


def forget_accounts(report: Report) -> None:
    """Take the file of sign-ins back when what it belongs to was not kept after all."""
    report.accounts.unlink(missing_ok=True)
    if report.kept_aside:
        report.kept_aside.rename(report.accounts)


def _refuse_a_real_office() -> None:
    if db.session.scalar(select(Contract.id).limit(1)):
        raise RealOffice("这里已有真实合同，演示数据只能载入新的数据库。换一个 INSTANCE_DIR 或 DATABASE_URL 后重试。")
    business = select(UserRole.user_id).where(UserRole.duty == Duty.BUSINESS).limit(1)
    if db.session.scalar(business):
        raise RealOffice("这里已有业务用户，演示数据只能载入新的数据库。换一个 INSTANCE_DIR 或 DATABASE_URL 后重试。")
    # A demonstration signs in with a password alone: nobody who has one already is to lose the second factor by it.
    if db.session.scalar(select(User.id).where(User.password_hash != "").limit(1)):
        raise RealOffice("这里已有人设了密码，演示数据只能载入新的数据库。换一个 INSTANCE_DIR 或 DATABASE_URL 后重试。")


class _Load:
    """One run: everything that its steps share."""

    def __init__(self, contracts: int, seed: int, as_of: date, progress: Progress) -> None:
        self.seed, self.as_of, self.progress = seed, as_of, progress
        self.rng = Random(seed)  # noqa: S311  (made-up data are to be the same each time)
        self.words = words.read()
        self.units = list(units())
        self.calendar: WorkCalendar = work_calendar()
        self.days = WorkDays(self.calendar, date(2023, 9, 1), as_of)
        self.lives = cases.Lives(seed, self.words, self.days, as_of)
        self.last_day = self.days.days[self.lives.last]
        self.bad = self._badly_ended(contracts)
        waiting = self._waiting()
        registered = contracts - sum(self.bad.values()) - waiting
        self.cells = plan.cells(self.rng, registered, self.days.share_by(plan.YEARS[-1], self.last_day))
        self.contracts = contracts
        self.begins_at = self.days.moment(0, 9 * 60)
        self.told: list[tuple[int, str, stories.Story]] = []

    def _badly_ended(self, contracts: int) -> dict[str, int]:
        whole = round(contracts * cases.ENDED_BADLY)
        weights = [4.0 if unit.code == plan.JINJIANG else 1.0 for unit in self.units]
        return dict(zip((unit.code for unit in self.units), plan.shared_out(whole, weights), strict=True))

    def _waiting(self) -> int:
        at_home = sum(map(len, cases.WAITING_JINJIANG.values())) + cases.DRAFTS_JINJIANG + 2  # the two that ended badly
        elsewhere = sum(map(len, cases.WAITING.values())) + cases.DRAFTS
        told = sum(len(stories.begun_by(unit.code, plan.JINJIANG)) for unit in self.units)
        return at_home + elsewhere * (len(self.units) - 1) + told

    def run(self) -> tuple[People, dict[State, int], int]:
        """Write everything; the people, the counts by state and the number of enterprises are returned."""
        parties = self._found()
        people = settle(self.rng, self.words, self.units, parties.agencies, self.begins_at)
        office.grant(people, self.begins_at, self.as_of)
        self._set_tasks()
        as_of_moment = self.days.moment(self.lives.last, 18 * 60)
        kinds = {kind.code: kind for kind in listed(AttachmentKind)}
        own_texts = current_app.extensions["files"] if self.contracts <= FILES_OF_THEIR_OWN else None
        records = Records(self.rng, self.words, people, self.calendar, _keep_files(), kinds, as_of_moment, own_texts)
        writer = Writer(self.rng, self.words, parties, self._platforms(), self.last_day)
        indexes = _Indexes() if self.contracts >= MANY else None
        self._write(writer, records)
        if indexes:
            indexes.build()
        _continue_ids(Enterprise, Contract)
        publications.publish(people, self.days, records.write_log)
        self.told += publications.later([key for key, _, _ in self.told])
        teller = stories.Teller(self.seed, people, self.days, self.lives.last, current_app.extensions["files"])
        for begun, ended in teller.tell(self.told, records.write_log):
            records.counts[begun] -= 1
            records.counts[ended] += 1
        money.tell(people, self.days, self.lives.last, records.write_log)
        records.write_log()
        return people, records.counts, len(parties.rows)

    def _found(self) -> Parties:
        contracts: dict[str, int] = defaultdict(int)
        for cell in self.cells:
            contracts[cell.unit_code] += cell.contracts
        taken = {name_key(name) for name in db.session.scalars(select(Platform.name))}
        taken |= set(db.session.scalars(select(Enterprise.name_key)))
        towns = [(town.code, 1 + place % 5) for place, town in enumerate(towns_of(plan.JINJIANG))]
        founder = Founder(self.rng, self.words, taken, _first_id(Enterprise), self.begins_at, towns)
        short_names = {unit.code: unit.region.short_name for unit in self.units}
        parties = founder.found(short_names, contracts)
        table = Base.metadata.tables[Enterprise.__tablename__]
        for start in range(0, len(parties.rows), 2000):
            some = parties.rows[start : start + 2000]
            db.session.connection().execute(insert(table), some)
            WORDS.put((row["id"], [row[name] or "" for name in FOUND_BY]) for row in some)
        for start in range(0, len(parties.attributes), 5000):
            db.session.connection().execute(insert(recognitions), parties.attributes[start : start + 5000])
        return parties

    def _platforms(self) -> dict[str, list[Platform]]:
        not_places_of_deals = (PlatformKind.ASSOCIATION, PlatformKind.PARK, PlatformKind.DIGITAL_PLATFORM)
        wanted = select(Platform).where(Platform.kind.not_in(not_places_of_deals)).order_by(Platform.code)
        by_region = defaultdict(list)
        for platform in db.session.scalars(wanted):
            by_region[platform.region_code].append(platform)
        return {unit.code: by_region[unit.code] or by_region[CITY] for unit in self.units}

    def _set_tasks(self) -> None:
        """Yearly tasks that nobody set, so that completion spreads from 70 to 115 %; one unit lacks one."""
        amounts = []
        for cell in self.cells:
            if (cell.unit_code, cell.year) == WITHOUT_TASK:
                continue
            whole = cell.amount
            if cell.year == plan.YEARS[-1]:  # a task is for the whole year
                whole /= Decimal(str(max(self.days.share_by(cell.year, self.last_day), 0.05)))
            reached = Decimal(str(round(self.rng.uniform(0.74, 1.13), 3)))
            if cell.unit_code == plan.JINJIANG:
                reached = Decimal("1.093") if cell.year == 2025 else Decimal("1.042")
            million = Decimal(1_000_000)
            value = max(million, (whole / reached / million).to_integral_value() * million)
            amounts.append(tasks.task(cell.unit_code, cell.year, "total_amount", value))
        towns = towns_of(plan.JINJIANG)
        db.session.add_all([*amounts, *tasks.more_tasks(amounts, self.cells, CITY, towns)])
        db.session.flush()

    def _write(self, writer: Writer, records: Records) -> None:
        key = first = _first_id(Contract)
        for unit in self.units:
            cells = [cell for cell in self.cells if cell.unit_code == unit.code]
            of_unit = self.lives.of_unit(unit.code, cells, self.bad[unit.code])
            for year, last in cases.number(of_unit, unit.number_prefix, unit.position).items():
                db.session.add(NumberCounter(unit_code=unit.code, year=year, last=last))
            for case in of_unit:
                writer.rng = records.rng = Random(f"{self.seed} {key}")  # noqa: S311
                records.add(writer.write(key, case, unit.code), unit)
                if case.story:
                    self.told.append((key, unit.code, case.story))
                key += 1
                if not (key - first) % 500:
                    self.progress(key - first, self.contracts)
        records.flush()
        self.progress(self.contracts, self.contracts)


def _keep_files() -> dict[str, Kept]:
    """The papers that all demonstration contracts share."""
    store: Store = current_app.extensions["files"]
    notice = ("演示文件，内容是生成的。", "This file was generated for demonstration.")
    papers = {"contract": "技术合同文本", "authorization": "授权委托书", "import_certificate": "技术进口合同登记证书"}
    return {
        code: store.keep(io.BytesIO(one_page((title, *notice))), current_app.config["UPLOAD_LIMIT"])
        for code, title in papers.items()
    }


def _first_id(model: type[Base]) -> int:
    return (db.session.scalar(select(func.max(model.id))) or 0) + 1  # type: ignore[attr-defined]


def _continue_ids(*models: type[Base]) -> None:
    """PostgreSQL counts ids on its own; what was given here is behind its back."""
    if db.engine.dialect.name == "sqlite":
        return
    for model in models:
        name = model.__tablename__
        db.session.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}"))  # noqa: S608


class _Indexes:
    """The plain indexes of the large tables, taken off for the load and built again at the end of it."""

    def __init__(self) -> None:
        db.session.flush()
        self.connection = db.session.connection()
        tables = (table for table in Base.metadata.tables.values() if table.name in _LARGE)
        self.indexes = sorted((index for table in tables for index in table.indexes), key=lambda index: str(index.name))
        for index in self.indexes:
            index.drop(self.connection)

    def build(self) -> None:
        db.session.flush()
        for index in self.indexes:
            index.create(self.connection)


_LARGE = {
    "contracts",
    "contract_history",
    "planned_payments",
    "attachments",
    "correction_items",
    "ledger_entries",
    "receipts",
}
