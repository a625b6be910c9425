"""发布快照: freezing figures as they were published, finding snapshots, and proving that none was tampered with."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from flask import abort
from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased, defer, joinedload

from contracts_app.accounts.models import AT_THE_MACHINE, User
from contracts_app.accounts.permissions import Can, may
from contracts_app.contracts.books import closings
from contracts_app.contracts.books.facets import Caliber
from contracts_app.core.clock import day_edges, now_utc, today, year_edges
from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused
from contracts_app.core.trail import audit
from contracts_app.core.web.pages import Page, page_of
from contracts_app.regions.models import Level, Region, Unit
from contracts_app.regions.queries import units_under
from contracts_app.statistics.periods import Period

from .models import Snapshot
from .snapshot_contents import Content, Tables, canonical, figures_of, hash_of, read


@dataclass(frozen=True)
class Publication:
    """What figures were published as."""

    title: str
    document: str = ""
    published_on: date | None = None


@dataclass(frozen=True)
class Frozen:
    """A snapshot with its content read."""

    snapshot: Snapshot

    @cached_property
    def content(self) -> Content:
        return dict(json.loads(self.snapshot.content))

    @cached_property
    def period(self) -> Period:
        return Period.parse(self.snapshot.period)

    @property
    def until(self) -> date:
        """The last day that was counted."""
        return date.fromisoformat(self.content["until"])

    @property
    def was_running(self) -> bool:
        """Whether the period was not over when it was frozen."""
        return not self.period.is_over(date.fromisoformat(self.content["as_of_day"]))

    @cached_property
    def units(self) -> list[Unit]:
        return units_under(self.snapshot.region)

    @cached_property
    def is_closed(self) -> bool:
        """Whether the books of all its units are closed for the whole period."""
        return closings.are_closed([unit.code for unit in self.units], self.period.last)

    def tables(self, caliber: Caliber) -> Tables:
        """The figures as they were published."""
        return read(self.content["figures"][caliber.value])


# --- reading ----------------------------------------------------------------------------------------------------------


def visible_to(person: User) -> Select[Snapshot]:
    """The snapshots of the person's own region and of what lies under it, without what they hold."""
    wanted = select(Snapshot).join(Region, Region.code == Snapshot.region_code)
    return wanted.where(Region.path.startswith(person.region.path)).options(defer(Snapshot.content))


def one(snapshot_id: int, person: User) -> Frozen:
    """One snapshot; 404 when there is none that this person may see."""
    wanted = visible_to(person).where(Snapshot.id == snapshot_id)
    return Frozen(db.session.scalars(wanted).one_or_none() or abort(404))


def of_year(year: int, region: Region, on: date) -> Sequence[Snapshot]:
    """The newest snapshot of each period of a year and region that was made by the end of a day, the latest period
    first."""
    made_by_then = day_edges(on)[1]
    newer = aliased(Snapshot)
    superseded = exists().where(
        newer.region_code == Snapshot.region_code,
        newer.period == Snapshot.period,
        newer.number > Snapshot.number,
        newer.as_of < made_by_then,
    )
    wanted = (
        select(Snapshot)
        .options(defer(Snapshot.content))
        .where(
            Snapshot.region_code == region.code,
            Snapshot.first_day.between(*year_edges(year)),
            Snapshot.as_of < made_by_then,
            ~superseded,
        )
    )
    return db.session.scalars(wanted.order_by(Snapshot.last_day.desc(), Snapshot.first_day, Snapshot.id)).all()


def all_of(region: Region, period: Period) -> Sequence[Snapshot]:
    """Every snapshot of a region and period, the newest first."""
    same = Snapshot.region_code == region.code, Snapshot.period == period.key
    return db.session.scalars(
        select(Snapshot).where(*same).options(defer(Snapshot.content)).order_by(Snapshot.number.desc())
    ).all()


def page(person: User, year: int | None, number: int, size: int) -> Page[Snapshot]:
    """The snapshots that this person may see, the last made first; of one year if one is asked for."""
    matching = visible_to(person)
    if year is not None:
        matching = matching.where(Snapshot.first_day.between(*year_edges(year)))
    show = select(Snapshot).options(defer(Snapshot.content), joinedload(Snapshot.made_by))
    return page_of(
        db.session(), matching, show=show, key=Snapshot.id, order=[Snapshot.id.desc()], number=number, size=size
    )


def years(person: User) -> list[int]:
    """The years of which there is a snapshot, the latest first."""
    days = db.session.scalars(visible_to(person).with_only_columns(Snapshot.first_day).distinct())
    return sorted({day.year for day in days}, reverse=True)


def is_intact(snapshot: Snapshot) -> bool:
    """Whether the content is what the hash was taken over; ``verdicts`` proves more."""
    return hash_of(snapshot.content) == snapshot.content_hash


def closed_days(frozen: Frozen) -> dict[str, date]:
    """Up to when the books of the snapshot's units are closed already, by unit."""
    return closings.closed_until([unit.code for unit in frozen.units])


# --- freezing ---------------------------------------------------------------------------------------------------------


def why_not_freeze(region: Region, period: Period, person: User | None) -> str | None:
    """Why the figures of a region and period cannot be frozen by this person, or by the command line; None if so."""
    if person is not None and not may(person, Can.PUBLISH_FIGURES):
        return f"“{Can.PUBLISH_FIGURES.label}”由局领导办理，你的岗位不能办理。"
    if person is not None and not person.region.covers(region):
        return "只能发布本地区的数。"
    if region.level is Level.TOWN or not units_under(region):
        return f"发布数按考核单元统计，{region.name}不是考核单元。"
    if not period.has_begun(today()):
        return f"{period.name}还没有开始，没有数可以发布。"
    return None


def freeze(region: Region, period: Period, publication: Publication, person: User | None) -> Snapshot:
    """Freeze the figures as they stand now. Whatever is being counted at this moment is waited for.

    Raises ``NotYours`` or ``Refused`` where ``why_not_freeze`` has a sentence.
    """
    if sentence := why_not_freeze(region, period, person):
        raise (NotYours if person is not None and not may(person, Can.PUBLISH_FIGURES) else Refused)(sentence)
    hold(region)
    before = _last_of(region)
    number = _next_number(region, period)
    as_of = now_utc()
    content = figures_of(region, period, today()) | {
        "number": number,
        "as_of": as_of.astimezone(UTC).isoformat(timespec="seconds"),
        "as_of_day": str(today()),
        "published": {
            "title": publication.title,
            "document": publication.document,
            "on": str(publication.published_on) if publication.published_on else None,
        },
        "made_by": {"username": person.username, "name": person.name} if person else {"name": AT_THE_MACHINE},
        "follows": before.content_hash if before else None,
    }
    text = canonical(content)
    snapshot = Snapshot(
        region=region,
        period=period.key,
        number=number,
        first_day=period.first,
        last_day=period.last,
        as_of=as_of.replace(microsecond=0),
        title=publication.title,
        document=publication.document,
        published_on=publication.published_on,
        content=text,
        content_hash=hash_of(text),
        made_by_id=person.id if person else None,
    )
    db.session.add(snapshot)
    db.session.flush()
    _log("freeze_figures", snapshot, person, hash=snapshot.content_hash)
    return snapshot


def hold(region: Region) -> None:
    """Wait for whatever is being counted in a region and hold off what is new until this transaction ends."""
    closings.hold([unit.code for unit in units_under(region)])


def why_not_close(frozen: Frozen, person: User | None) -> str | None:
    """Why the period of a snapshot cannot be closed; None if it can."""
    snapshot = frozen.snapshot
    if sentence := why_not_freeze(snapshot.region, frozen.period, person):
        return sentence
    if not frozen.period.is_over(today()):
        return f"{frozen.period.name}还没有过完，过完以后才能封账。"
    if frozen.was_running:
        return f"这份快照取数时{frozen.period.name}还没有过完：先重新发布一份全期的快照，再封账。"
    return f"{frozen.period.name}已经封账。" if frozen.is_closed else None


def close(frozen: Frozen, person: User | None) -> list[str]:
    """Close the books of the snapshot's units to the end of its period; the codes of those that were still open.

    Cannot be undone. Raises ``Refused`` where ``why_not_close`` has a sentence.
    """
    if sentence := why_not_close(frozen, person):
        raise Refused(sentence)
    snapshot = frozen.snapshot
    closed = closings.close(frozen.units, frozen.period.last, snapshot.title, person)
    _log("close_period", snapshot, person, units=closed, closed_until=str(frozen.period.last))
    frozen.__dict__.pop("is_closed", None)
    return closed


def _last_of(region: Region) -> Snapshot | None:
    wanted = select(Snapshot).where(Snapshot.region_code == region.code).options(defer(Snapshot.content))
    return db.session.scalars(wanted.order_by(Snapshot.id.desc()).limit(1)).one_or_none()


def _next_number(region: Region, period: Period) -> int:
    wanted = select(func.max(Snapshot.number)).where(Snapshot.region_code == region.code, Snapshot.period == period.key)
    return (db.session.scalar(wanted) or 0) + 1


def _log(action: str, snapshot: Snapshot, person: User | None, **facts: Any) -> None:
    audit.record(
        action,
        person or AT_THE_MACHINE,
        subject="snapshot",
        subject_id=snapshot.id,
        title=snapshot.title,
        region=snapshot.region.name,
        period=Period.parse(snapshot.period).name,
        number=str(snapshot.number),
        **facts,
    )


# --- proving ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What the proof of one snapshot found. ``faults`` are sentences; none: it is what was frozen."""

    snapshot: Snapshot
    faults: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        return not self.faults


def verdicts(snapshot_id: int | None = None) -> Iterator[Verdict]:
    """Prove all snapshots, or one: hash, columns and the chain in which each names the one before it.

    A snapshot that was taken away is found by the next of its region, and by the log (``taken_away``). Where only one
    is asked for, its place in the chain is proved too.
    """
    before: dict[str, str] = {}
    for snapshot in db.session.scalars(select(Snapshot).order_by(Snapshot.id)):
        if snapshot_id in (None, snapshot.id):
            yield Verdict(snapshot, tuple(_faults(snapshot, before.get(snapshot.region_code))))
        before[snapshot.region_code] = snapshot.content_hash


def taken_away() -> list[str]:
    """Titles of the snapshots that the log tells of and that are there no more: the last of a region too."""
    freezing = (
        select(audit.AuditEntry.details)
        .outerjoin(Snapshot, Snapshot.id == audit.AuditEntry.subject_id)
        .where(audit.AuditEntry.subject == "snapshot", audit.AuditEntry.action == "freeze_figures")
        .where(Snapshot.id.is_(None))
    )
    return [f"{told['title']}（第 {told['number']} 版）" for told in db.session.scalars(freezing)]


def _faults(snapshot: Snapshot, follows: str | None) -> Iterator[str]:
    if hash_of(snapshot.content) != snapshot.content_hash:
        yield "内容与封存时的校验值不符，被改动过"
    try:
        content = json.loads(snapshot.content)
        maker = content["made_by"].get("username")
        if canonical(content) != snapshot.content:
            yield "内容不是封存时的写法"
        kept = _columns_of(content)
        follows_said = content["follows"]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "内容读不出来"
        return
    wrong = [name for name, value in kept.items() if getattr(snapshot, name) != value]
    if maker != (snapshot.made_by.username if snapshot.made_by else None):
        wrong.append("made_by_id")
    if wrong:
        yield f"列表上的 {'、'.join(wrong)} 与封存的内容不符"
    if follows_said != follows:
        yield "与上一份快照接不上：中间有快照被改动或取走"
    logged = _logged_hash(snapshot)
    if logged != snapshot.content_hash:
        yield "校验值与操作记录里的不符" if logged else "操作记录里没有它的校验值"


def _columns_of(content: Content) -> dict[str, Any]:
    published = content["published"]
    return {
        "region_code": content["region"]["code"],
        "period": content["period"]["key"],
        "number": content["number"],
        "first_day": date.fromisoformat(content["period"]["first"]),
        "last_day": date.fromisoformat(content["period"]["last"]),
        "as_of": datetime.fromisoformat(content["as_of"]),
        "title": published["title"],
        "document": published["document"],
        "published_on": date.fromisoformat(published["on"]) if published["on"] else None,
    }


def _logged_hash(snapshot: Snapshot) -> str | None:
    wanted = select(audit.AuditEntry.details).where(
        audit.AuditEntry.subject == "snapshot",
        audit.AuditEntry.subject_id == snapshot.id,
        audit.AuditEntry.action == "freeze_figures",
    )
    details = db.session.scalars(wanted.order_by(audit.AuditEntry.id).limit(1)).first()
    return str(details["hash"]) if details and "hash" in details else None
