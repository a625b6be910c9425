"""Reading the log of who did what: the auditor's page, its files, and the command line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, or_, select

from contracts_app.accounts.models import Reader, User
from contracts_app.accounts.queries import users_under
from contracts_app.core.clock import DayError, day_edges, parse_day
from contracts_app.core.db import LARGEST_ID, db
from contracts_app.core.trail import audit
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.core.web.pages import Page, page_of
from contracts_app.regions.queries import home_path

MOST_COUNTED = 10_000  # entries; nobody turns pages beyond them, and counting millions takes long
NEWEST_READ = 200_000  # entries in which words are looked for where no first day is given
_FEW = 1_000  # rows read at a time


@dataclass(frozen=True)
class AuditFilter:
    """What the auditor looks for. Days are those of Asia/Shanghai, both included."""

    who: str = ""
    action: str = ""
    subject: str = ""
    subject_id: int | None = None
    first: date | None = None
    last: date | None = None
    words: str = ""
    faults: dict[str, str] = field(default_factory=dict, compare=False)  # sentence for each argument nobody can read

    @classmethod
    def from_args(cls, args: Mapping[str, str]) -> "AuditFilter":
        """What an address asks for."""
        faults: dict[str, str] = {}
        number = args.get("number", "").strip()
        if number and not (number.isascii() and number.isdigit() and int(number) <= LARGEST_ID):
            faults["number"] = "对象序号填数字"
        return cls(
            who=args.get("who", "").strip(),
            action=args.get("action", ""),
            subject=args.get("subject", ""),
            subject_id=int(number) if number and "number" not in faults else None,
            first=_day(args, "from", faults),
            last=_day(args, "to", faults),
            words=args.get("words", "").strip(),
            faults=faults,
        )

    def to_args(self) -> dict[str, str]:
        """The same as arguments of an address."""
        told = {
            "who": self.who,
            "action": self.action,
            "subject": self.subject,
            "number": self.subject_id,
            "from": self.first,
            "to": self.last,
            "words": self.words,
        }
        return {name: str(value) for name, value in told.items() if value not in ("", None)}

    def sentence(self) -> str:
        """The same in words; 全部 when nothing narrows it."""
        about = " ".join(filter(None, [audit.SUBJECTS.get(self.subject, self.subject), str(self.subject_id or "")]))
        parts = {
            "人员": self.who,
            "操作": audit.ACTIONS.get(self.action, self.action),
            "对象": about,
            "自": self.first,
            "至": self.last,
            "内容": self.words,
        }
        return "，".join(f"{name} {value}" for name, value in parts.items() if value) or "全部"

    @property
    def reads_newest_only(self) -> bool:
        """Whether words are looked for in the newest entries only."""
        return bool(self.words) and self.first is None


def _day(args: Mapping[str, str], name: str, faults: dict[str, str]) -> date | None:
    written = args.get(name, "").strip()
    if not written:
        return None
    try:
        return parse_day(written)
    except DayError as error:
        faults[name] = str(error)
        return None


def audit_entries(auditor: Reader, looked_for: AuditFilter) -> Select[AuditEntry]:
    """The log of the people of the auditor's region, and of names that nobody has."""
    wanted = select(AuditEntry)
    if not home_path().startswith(auditor.region.path):  # whoever reads everything need not be asked about each
        of_region = users_under(auditor.region).with_only_columns(User.username)
        nobodys = and_(AuditEntry.user_id.is_(None), AuditEntry.username.not_in(select(User.username)))
        wanted = wanted.where(or_(AuditEntry.username.in_(of_region), nobodys))
    if looked_for.who:
        wanted = wanted.where(_by(looked_for.who))
    if looked_for.action:
        wanted = wanted.where(AuditEntry.action == looked_for.action)
    if looked_for.subject:
        wanted = wanted.where(AuditEntry.subject == looked_for.subject)
    if looked_for.subject_id is not None:
        wanted = wanted.where(AuditEntry.subject_id == looked_for.subject_id)
    if looked_for.first:
        wanted = wanted.where(AuditEntry.at >= day_edges(looked_for.first)[0])
    if looked_for.last:
        wanted = wanted.where(AuditEntry.at < day_edges(looked_for.last)[1])
    for word in looked_for.words.split():
        told = cast(AuditEntry.details, Text).icontains(json.dumps(word)[1:-1], autoescape=True)
        wanted = wanted.where(or_(told, AuditEntry.address.icontains(word, autoescape=True)))
    if looked_for.reads_newest_only:
        wanted = wanted.where(AuditEntry.id > audit.head().last_id - NEWEST_READ)
    return wanted


def _by(who: str) -> Any:
    """Entries of the people of that name or username, and of names typed by nobody we know."""
    named = or_(User.name.contains(who, autoescape=True), User.username.contains(who.lower(), autoescape=True))
    usernames = db.session.scalars(select(User.username).where(named)).all()
    typed = and_(AuditEntry.user_id.is_(None), AuditEntry.username.contains(who.lower(), autoescape=True))
    return or_(AuditEntry.username.in_(usernames), typed)


def audit_page(matching: Select[AuditEntry], number: int, size: int) -> Page[Any]:
    """One page of the log, the latest first, each entry with the person's name; the first ``MOST_COUNTED`` of them."""
    counted = matching.with_only_columns(AuditEntry.id).order_by(None).limit(MOST_COUNTED)
    return page_of(
        db.session(),
        matching,
        show=_named(),
        key=AuditEntry.id,
        order=_LATEST_FIRST,
        number=number,
        size=size,
        total=db.session.scalar(select(func.count()).select_from(counted.subquery())) or 0,
    )


def audit_rows(matching: Select[AuditEntry], most: int) -> Iterator[tuple[AuditEntry, str | None]]:
    """The entries with the people's names, the latest first, a few at a time from the database."""
    ids = matching.with_only_columns(AuditEntry.id).order_by(*_LATEST_FIRST).limit(most).subquery()
    statement = _named().join(ids, ids.c.id == AuditEntry.id).order_by(*_LATEST_FIRST)
    return ((entry, name) for entry, name in db.session.execute(statement.execution_options(yield_per=_FEW)))


def how_many(matching: Select[AuditEntry]) -> int:
    """All that match, counted."""
    ids = matching.with_only_columns(AuditEntry.id).order_by(None)
    return db.session.scalar(select(func.count()).select_from(ids.subquery())) or 0


_LATEST_FIRST: list[Any] = [AuditEntry.at.desc(), AuditEntry.id.desc()]


def _named() -> Any:
    return select(AuditEntry, User.name).outerjoin(User, User.username == AuditEntry.username)


def last_of(*actions: str) -> AuditEntry | None:
    """The newest entry of these actions."""
    found = [
        db.session.scalar(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.at.desc()).limit(1))
        for action in actions
    ]
    return max((one for one in found if one), key=lambda one: one.id, default=None)


def facts_of(entry: AuditEntry) -> list[tuple[str, str]]:
    """What an entry tells besides, in words: name and value of each fact."""
    return [(audit.FACTS.get(key, key), _said(key, value)) for key, value in entry.details.items()]


def _said(key: str, value: Any) -> str:
    if key == "fields":
        return "、".join(audit.FACTS.get(name, name) for name in value)
    if isinstance(value, dict):
        return "、".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, bool):
        return "是" if value else "否"
    if not isinstance(value, list):
        return str(value)
    if len(value) == 2:
        before, after = value
        return f"{before or '空'} → {after or '空'}"
    return "、".join(map(str, value))
