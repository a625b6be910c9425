"""Once a year somebody looks at every account: whether the person still needs it, with these roles, in this region."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from contracts_app.accounts import quorum
from contracts_app.accounts.models import Recertification, RoleGrant, User, UserRole
from contracts_app.accounts.permissions import Can, may
from contracts_app.core.clock import local, today, year_edges
from contracts_app.core.db import db
from contracts_app.core.errors import SENTENCES, NotYours, Refused
from contracts_app.core.sheets.writer import As, Cell, Column, Sheet, write_workbook
from contracts_app.core.trail import audit
from contracts_app.core.words import Word
from contracts_app.regions.models import Region

from . import grants

SENTENCES["uq_recertifications_user_id_year"] = "这个账号今年已经由别人复核过，打开列表看结论。"


class Stage(Word):
    """How an account stands in this year's round."""

    OVERDUE = "overdue", "已逾期"
    DUE = "due", "待复核"
    KEPT = "kept", "保留"
    CLOSED = "closed", "已停用"
    LATER = "later", "今年不用复核"


@dataclass(frozen=True)
class Line:
    """An account in the list of a year."""

    user: User
    granted: RoleGrant | None  # None: from before grants were asked for
    last: Recertification | None
    day: date

    @property
    def granted_at(self) -> datetime:
        """When its roles were last granted."""
        return self.granted.decided_at if self.granted and self.granted.decided_at else self.user.created_at

    @property
    def due_on(self) -> date:
        """A year after it was last looked at by a second person: granted or recertified."""
        at = max([self.granted_at, *([self.last.at] if self.last else [])])
        seen = local(at).date()
        leap = (seen.month, seen.day) == (2, 29)
        return seen.replace(year=seen.year + 1, day=28) if leap else seen.replace(year=seen.year + 1)

    @property
    def stage(self) -> Stage:
        if self.last and self.last.year == self.day.year:
            return Stage.KEPT if self.last.is_kept else Stage.CLOSED
        if self.due_on < self.day:
            return Stage.OVERDUE
        return Stage.DUE if self.due_on <= year_edges(self.day.year)[1] else Stage.LATER


@dataclass(frozen=True)
class Progress:
    """How far a round is."""

    done: int
    whole: int
    overdue: int


def lines(region: Region) -> list[Line]:
    """This year's round in a region: active accounts with roles, and those closed in it; by place and username."""
    day = today()
    this_year = select(Recertification.user_id).where(Recertification.year == day.year)
    in_use = User.is_active & User.id.in_(select(UserRole.user_id))
    wanted = select(User).join(Region, Region.code == User.region_code).where(Region.path.startswith(region.path))
    wanted = wanted.where(or_(in_use, User.id.in_(this_year))).order_by(Region.path, User.username, User.id)
    users = db.session.scalars(wanted).all()
    ids = select(User.id).join(Region, Region.code == User.region_code).where(Region.path.startswith(region.path))
    granted, last = grants.latest_confirmed(ids), _latest(ids)
    return [Line(user, granted.get(user.id), last.get(user.id), day) for user in users]


def _latest(ids: grants.Ids) -> dict[int, Recertification]:
    newest = select(func.max(Recertification.id)).where(Recertification.user_id.in_(ids))
    wanted = select(Recertification).where(Recertification.id.in_(newest.group_by(Recertification.user_id)))
    return {one.user_id: one for one in db.session.scalars(wanted.options(joinedload(Recertification.by)))}


def of(user: User) -> Sequence[Recertification]:
    """How the account was found in earlier years and this one, the latest first."""
    wanted = select(Recertification).where(Recertification.user_id == user.id).options(joinedload(Recertification.by))
    return db.session.scalars(wanted.order_by(Recertification.id.desc())).all()


def progress(of: Sequence[Line]) -> Progress:
    """Done, to be done this year altogether, and overdue."""
    stages = [line.stage for line in of]
    done = sum(stage in (Stage.KEPT, Stage.CLOSED) for stage in stages)
    overdue = stages.count(Stage.OVERDUE)
    return Progress(done, done + overdue + stages.count(Stage.DUE), overdue)


def recertification_due() -> int:
    """How many accounts of this installation should have been looked at by now."""
    every = select(Region).where(Region.parent_code.is_(None))
    return sum(progress(lines(region)).overdue for region in db.session.scalars(every))


def why_not(person: User, user: User) -> str | None:
    """Why this person may not say that the account is still needed."""
    if not may(person, Can.RECERTIFY):
        return "由系统管理员或安全管理员复核"
    return "自己的账号由另一位管理员复核" if person.id == user.id else None


def decide(person: User, user: User, *, is_kept: bool) -> Recertification:
    """Keep the account for another year, or close it at once.

    Raises ``NotYours`` for whoever may not, ``Refused`` when it was decided this year already, or when it is the last
    of the three.
    """
    if reason := why_not(person, user):
        raise NotYours(f"{reason}。")
    if not person.region.covers(user.region):
        raise NotYours(f"{user.region.name}不在你管理的地区（{person.region.name}）之内。")
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    year = today().year
    there = select(Recertification).where(Recertification.user_id == user.id, Recertification.year == year)
    if found := db.session.scalar(there):
        raise Refused(f"{user.name}的账号今年已由{found.by.name}复核，结论是“{'保留' if found.is_kept else '停用'}”。")
    if not user.is_active:
        raise Refused("账号已停用，不用复核。")
    if not is_kept:
        quorum.keep(user)
        grants.withdraw_standing(user, person)
        user.is_active = False
    looked_at = {"roles": user.own_roles, "region_code": user.region_code}
    made = Recertification(user=user, year=year, is_kept=is_kept, by=person, **looked_at)
    db.session.add(made)
    db.session.flush()
    words = {"roles": grants.words(user.own_roles), "region": user.region.name, "decision": _word(is_kept)}
    audit.record("recertify", person, subject="user", subject_id=user.id, year=year, **words)
    if not is_kept:
        grants.tell(user)
    return made


def workbook(person: User) -> bytes:
    """The list of this year's round as a workbook, for signing and for the file."""
    listed, day = lines(person.region), today()
    sheet = Sheet(
        "账号年度复核",
        COLUMNS,
        [_cells(line) for line in listed],
        title=f"{day.year}年账号复核表（{person.region.name}及下属地区）",
        notes=(f"截至 {day}，共 {len(listed)} 个账号。到期日是上次授权或复核满一年的那天。",),
        frozen=2,
    )
    content = io.BytesIO()
    write_workbook(content, [sheet])
    return content.getvalue()


COLUMNS = (
    Column("地区", width=16),
    Column("姓名", width=12),
    Column("用户名", width=18),
    Column("角色", width=22),
    Column("最近登录", As.MOMENT, 18),
    Column("授权时间", As.MOMENT, 18),
    Column("提出人", width=12),
    Column("复核授权人", width=12),
    Column("上次年度复核", As.MOMENT, 18),
    Column("年度复核人", width=12),
    Column("到期日", As.DAY, 12),
    Column("今年结论", width=14),
    Column("签字", width=14),
)


def _cells(line: Line) -> list[Cell]:
    user, granted, last = line.user, line.granted, line.last
    return [
        user.region.name,
        user.name,
        user.username,
        grants.words(user.own_roles),
        user.last_seen_at,
        line.granted_at,
        by_words(granted.proposed_by) if granted else "",
        by_words(granted.decided_by) if granted else "",
        last.at if last else None,
        last.by.name if last else "",
        line.due_on,
        line.stage.label,
        "",
    ]


def by_words(who: User | None) -> str:
    """Who asked or decided; nobody by name: it was done at the machine."""
    return who.name if who else "命令行"


def _word(is_kept: bool) -> str:
    return "保留" if is_kept else "停用"
