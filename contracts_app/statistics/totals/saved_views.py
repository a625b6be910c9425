"""常用视图: a totals page or a contract list that somebody keeps under a name, for themselves or for a role.

Kept is what was asked, as the arguments of its address, never what was found: whoever opens a view sees what their own
region and roles let them see. A view of somebody else's is there for those with its role in its region and below.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import abort, url_for
from sqlalchemy import ForeignKey, Select, String, Text, UniqueConstraint, and_, func, or_, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import READERS, Can, may
from contracts_app.accounts.roles import Role
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import now_utc, today
from contracts_app.core.db import Base, Moment, db, word_type
from contracts_app.core.errors import SENTENCES, NotYours, Refused, Stale
from contracts_app.core.trail import audit
from contracts_app.core.web.pages import Page, page_of
from contracts_app.core.words import Word
from contracts_app.regions.models import Region

from .question import Question

MOST = 100  # of one person
LONGEST_NAME = 60
LONGEST_ADDRESS = 4_000
NAME_TAKEN = "已有同名的常用视图，换一个名称"
SENTENCES["uq_saved_views_owner_id_name"] = f"{NAME_TAKEN}。"


class Kind(Word):
    """Which page a view opens."""

    TOTALS = "totals", "分类统计"
    CONTRACTS = "contracts", "技术合同"


class SavedView(Base):
    """A question that somebody asks again and again."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(word_type(Kind, "kind"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    arguments: Mapped[str] = mapped_column(Text)  # of the page's address, urlencoded
    words: Mapped[str] = mapped_column(Text)  # what is asked, in Chinese, as it was when the view was saved
    follows_year: Mapped[bool] = mapped_column(default=False)  # the year moves on with the calendar
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[Role | None] = mapped_column(word_type(Role, "role"))  # for whom beside the owner
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)  # in which, and below it
    saved_on: Mapped[date]
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now_utc, onupdate=now_utc)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}

    owner: Mapped[User] = relationship()
    region: Mapped[Region] = relationship()

    @property
    def for_whom(self) -> str:
        """自己, or 泉州市及下属地区的登记员."""
        return role_in(self.region, self.role) if self.role else "自己"

    @property
    def address(self) -> str:
        """The page's address: of a view that follows the year, the one of today's year."""
        args = dict(parse_qsl(self.arguments))
        if self.follows_year:
            args |= _in_this_year(args)
        endpoint = "totals.index" if self.kind is Kind.TOTALS else "contracts.index"
        return f"{url_for(endpoint)}?{urlencode(args)}"


def role_in(region: Region, role: Role) -> str:
    """A role in a region and below it, as a view's form and the list of views call it."""
    return f"{region.name}及下属地区的{role.label}"


def _in_this_year(args: Mapping[str, str]) -> dict[str, str]:
    """The arguments that name a year or a day, moved so that the last year is this one: a span keeps its length.

    Of a list that is asked for by days alone, the last day's year counts.
    """
    query = ContractQuery.from_args(args)
    last_day = query.date_to or query.date_from
    last = query.year or (last_day.year if last_day else None)
    if last is None:
        return {}
    years = today().year - last
    days = {name: _later(day, years) for name in ("date_from", "date_to") if (day := getattr(query, name)) is not None}
    moved = replace(
        query,
        year=query.year + years if query.year else None,
        since=query.since + years if query.since else None,
        **days,  # type: ignore[arg-type]
    ).to_args()
    return {name: moved[name] for name in ("year", "since", "date_from", "date_to") if name in moved}


def _later(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + years, 2, 28)
    return day.replace(year=day.year + years)


# --- reading ---------------------------------------------------------------------------------------------------------


def visible_to(person: User) -> Select[SavedView]:
    """A person's own views, and those kept for one of their roles in their region or above it."""
    above = person.region.path.strip("/").split("/")
    shared = and_(SavedView.role.in_(sorted(person.roles & READERS)), SavedView.region_code.in_(above))
    return select(SavedView).where(or_(SavedView.owner_id == person.id, shared))


def one(view_id: int, person: User) -> SavedView:
    """A view the person may open; 404 otherwise."""
    return db.session.scalar(visible_to(person).where(SavedView.id == view_id)) or abort(404)


def page(person: User, number: int, size: int) -> Page[Any]:
    """A page of the views the person may open, their own first."""
    order: list[Any] = [(SavedView.owner_id == person.id).desc(), SavedView.kind, SavedView.name, SavedView.id]
    return page_of(
        db.session(),
        visible_to(person),
        show=select(SavedView).options(joinedload(SavedView.owner), joinedload(SavedView.region)),
        key=SavedView.id,
        order=order,
        number=number,
        size=size,
    )


def at_hand(person: User, kind: Kind, most: int = 8) -> list[SavedView]:
    """The few views that a page offers above itself, the person's own first, what was saved last before."""
    own = (SavedView.owner_id == person.id).desc()
    wanted = visible_to(person).where(SavedView.kind == kind).order_by(own, SavedView.id.desc()).limit(most)
    return list(db.session.scalars(wanted))


# --- what is asked ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a view is to keep: its arguments in order and in words. ``faults`` tell of what could not be read."""

    arguments: str
    words: str
    year: int | None
    faults: tuple[str, ...] = ()


def asked(kind: Kind, arguments: str, person: User) -> Asked:
    """Arguments put in order; what cannot be read is left out and told of."""
    given = dict(parse_qsl(arguments[:LONGEST_ADDRESS]))
    if kind is Kind.TOTALS:
        question = Question.from_args(given, person)
        words = f"{question.title} · {question.query.sentence()}"
        faults = tuple(sentence for sentences in question.faults.values() for sentence in sentences)
        return Asked(urlencode(question.to_args()), words, question.query.year, faults)
    query = ContractQuery.from_args(given).known(person)
    kept = {name: given[name] for name in ("sort", "size") if name in given}
    faults = tuple(sentence for _, sentence in query.faults)
    return Asked(urlencode(query.to_args() | kept), query.sentence(), query.year, faults)


# --- changing --------------------------------------------------------------------------------------------------------


def roles_offered(person: User) -> list[Role]:
    """For whom this person may keep a view beside themselves."""
    return [role for role in Role if role in READERS] if may(person, Can.SHARE_VIEWS) else []


def why_not_edit(view: SavedView, person: User) -> str | None:
    """Why this person may not change a view they can open: its owner may, and whoever shares views in its region."""
    if view.owner_id == person.id:
        return None
    if view.role and may(person, Can.SHARE_VIEWS) and person.region.covers(view.region):
        return None
    return f"这个视图由{view.owner.name}维护；打开后可以另存为自己的视图。"


def create(person: User, *, kind: Kind, arguments: str, name: str, role: Role | None, follows_year: bool) -> SavedView:
    """Keep a view. Raises ``Refused`` where the person has very many already."""
    count = db.session.scalar(select(func.count()).where(SavedView.owner_id == person.id)) or 0
    if count >= MOST:
        raise Refused(f"每人最多保存 {MOST} 个常用视图，先删除不用的。")
    kept = asked(kind, arguments, person)
    view = SavedView(
        kind=kind,
        name=name,
        arguments=kept.arguments,
        words=kept.words,
        follows_year=follows_year,
        owner_id=person.id,
        region_code=person.region_code,
        saved_on=today(),
        role=_allowed(role, person),
    )
    db.session.add(view)
    db.session.flush()
    audit.record("create_view", person, subject="saved_view", subject_id=view.id, name=name, **_for_role(view))
    return view


def revise(
    view: SavedView, person: User, *, name: str, role: Role | None, follows_year: bool, version: int | None
) -> None:
    """Rename a view or keep it for somebody else. Raises ``NotYours``, and ``Stale`` when somebody was quicker."""
    _may_edit(view, person)
    if version != view.version:
        raise Stale("你打开之后，别的窗口已经改过这个视图。你填的内容都还在下面，核对后再保存一次。")
    view.name, view.follows_year = name, follows_year
    if role is not view.role:
        view.role = _allowed(role, person)
    db.session.flush()
    audit.record("revise_view", person, subject="saved_view", subject_id=view.id, name=name, **_for_role(view))


def delete(view: SavedView, person: User, version: int | None) -> None:
    """Take a view away. Raises ``NotYours``, and ``Stale`` when somebody changed it meanwhile."""
    _may_edit(view, person)
    if version != view.version:
        raise Stale("你打开之后，别的窗口已经改过这个视图。看过现在的样子，再决定要不要删除。")
    audit.record("delete_view", person, subject="saved_view", subject_id=view.id, name=view.name)
    db.session.delete(view)
    db.session.flush()


def is_taken(name: str, owner_id: int, but: int | None = None) -> bool:
    """Whether the owner has another view of that name."""
    wanted = select(SavedView.id).where(SavedView.owner_id == owner_id, SavedView.name == name, SavedView.id != but)
    return db.session.scalar(wanted) is not None


def _may_edit(view: SavedView, person: User) -> None:
    if sentence := why_not_edit(view, person):
        raise NotYours(sentence)


def _allowed(role: Role | None, person: User) -> Role | None:
    if role is not None and role not in roles_offered(person):
        raise NotYours("共享给别的岗位由局领导办理；保存给自己即可。")
    return role


def _for_role(view: SavedView) -> dict[str, str]:
    return {"roles": view.role.label} if view.role else {}
