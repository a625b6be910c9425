"""Who granted the roles of the demonstration, what waits for the security administrator, and this year's round."""

from datetime import UTC, date, datetime, timedelta

from contracts_app.accounts.models import GrantStage, Recertification, RoleGrant, User
from contracts_app.accounts.roles import THREE, Role
from contracts_app.core.clock import day_edges
from contracts_app.core.db import db

from .people import SECURITY, People
from .plan import JINJIANG

LEFT = 4  # accounts of 晋江 that nobody has looked at yet this year
WAITING = (
    ("jj-registrar-2", Role.REVIEWER, "审核科人手不足，晋科〔2026〕18号任命为审核员。"),
    ("jj-reviewer-2", Role.MANAGER, "晋委组〔2026〕7号任命为副局长。"),
)


def grant(people: People, at: datetime, as_of: date) -> None:
    """Every account was granted by two people, those of 晋江 when the office began; two more requests wait."""
    by_name = {user.username: user for user in people.by_id.values()}
    admin, keeper = by_name["jj-admin"], by_name[SECURITY[0]]
    year = as_of.year - ((as_of.month, as_of.day) < (3, 1))
    before, looked = (datetime(one, 2, 24, 2, tzinfo=UTC) for one in (year - 1, year))
    at_home = [user for user in people.by_id.values() if user.region_code == JINJIANG]
    db.session.add_all(_granted(user, admin, keeper, at) for user in at_home)
    elsewhere = [user for user in people.by_id.values() if user.region_code != JINJIANG]
    db.session.add_all(_granted(user, None, None, looked) for user in elsewhere)
    for moment, looked_at in ((before, at_home), (looked, at_home[:-LEFT])):
        db.session.add_all(_kept(user, admin if user is keeper else keeper, moment) for user in looked_at)
    yesterday = day_edges(as_of)[0] - timedelta(hours=8)
    db.session.add_all(_asked(by_name[name], admin, role, reason, yesterday) for name, role, reason in WAITING)
    db.session.flush()


def _granted(user: User, admin: User | None, keeper: User | None, at: datetime) -> RoleGrant:
    first = bool(user.own_roles & set(THREE))  # by whoever owns the machine
    return RoleGrant(
        user=user,
        stage=GrantStage.CONFIRMED,
        roles_before=frozenset(),
        roles_after=user.own_roles,
        region_before_code=user.region_code,
        region_after_code=user.region_code,
        reason="系统启用时建立",
        proposed_by=None if first else admin,
        proposed_at=at,
        decided_by=None if first else keeper,
        decided_at=at,
    )


def _kept(user: User, by: User, at: datetime) -> Recertification:
    return Recertification(
        user=user, year=at.year, is_kept=True, roles=user.own_roles, region_code=user.region_code, by=by, at=at
    )


def _asked(user: User, admin: User, role: Role, reason: str, at: datetime) -> RoleGrant:
    return RoleGrant(
        user=user,
        roles_before=user.own_roles,
        roles_after=user.own_roles | {role},
        region_before_code=user.region_code,
        region_after_code=user.region_code,
        reason=reason,
        proposed_by=admin,
        proposed_at=at,
    )
