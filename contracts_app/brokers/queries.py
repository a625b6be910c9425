"""Reading the register of technology brokers."""

from collections.abc import Sequence

from flask import abort
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from contracts_app.accounts.models import User, UserRole
from contracts_app.accounts.queries import users_under
from contracts_app.accounts.roles import Role
from contracts_app.core.db import db
from contracts_app.core.text import search_key
from contracts_app.core.web.pages import Page, Sort, ordered, page_of
from contracts_app.enterprises.models import Enterprise
from contracts_app.regions.models import Region

from .models import Broker, Grade

COLUMNS = {"name": Broker.pinyin, "grade": Broker.grade, "region": Broker.region_code}


def visible_to(person: User) -> Select[Broker]:
    """The brokers of the person's region and of what lies under it."""
    return (
        select(Broker).join(Region, Region.code == Broker.region_code).where(Region.path.startswith(person.region.path))
    )


def matching(
    person: User,
    *,
    words: str = "",
    grade: Grade | None = None,
    employer: str = "",
    place: Region | None = None,
    is_active: bool | None = None,
) -> Select[Broker]:
    """Brokers that fit: part of the name, pinyin, initials or certificate number; grade, employer's name, place."""
    wanted = visible_to(person)
    for word in words.split():
        key = search_key(word)
        wanted = wanted.where(
            or_(
                Broker.name.contains(word, autoescape=True),
                Broker.certificate_number.contains(word, autoescape=True),
                *([Broker.pinyin.contains(key, autoescape=True)] if key else []),
                *([Broker.initials.contains(key, autoescape=True)] if key else []),
            )
        )
    if grade:
        wanted = wanted.where(Broker.grade == grade)
    if employer:
        of_name = select(Enterprise.id).where(Enterprise.name.contains(employer, autoescape=True))
        wanted = wanted.where(Broker.employer_id.in_(of_name))
    if place:
        wanted = wanted.where(Region.path.startswith(place.path))
    if is_active is not None:
        wanted = wanted.where(Broker.is_active == is_active)
    return wanted


def listed(found: Select[Broker], sort: Sort, number: int, size: int) -> Page[Broker]:
    """A page of the register."""
    show = select(Broker).options(joinedload(Broker.employer).lazyload("*"), joinedload(Broker.region))
    order = ordered(sort, COLUMNS, Broker.id)
    return page_of(db.session(), found, show=show, key=Broker.id, order=order, number=number, size=size)


def one(broker_id: int, person: User) -> Broker:
    """One broker of the person's region; 404 for any other."""
    wanted = visible_to(person).where(Broker.id == broker_id)
    wanted = wanted.options(joinedload(Broker.employer), joinedload(Broker.region))
    return db.session.scalars(wanted).unique().one_or_none() or abort(404)


def of_certificate(number: str | None) -> Broker | None:
    """The broker with this certificate, wherever they are."""
    return db.session.scalar(select(Broker).where(Broker.certificate_number == number)) if number else None


def of_user(user: User) -> Broker | None:
    """The broker who signs in with this account."""
    return db.session.scalar(select(Broker).where(Broker.user_id == user.id))


def without_account(name: str, region: Region) -> Sequence[Broker]:
    """Brokers of that name in a region and under it who have no account yet."""
    under = select(Region.code).where(Region.path.startswith(region.path))
    wanted = select(Broker).where(Broker.name == name, Broker.user_id.is_(None), Broker.region_code.in_(under))
    return db.session.scalars(wanted.order_by(Broker.id)).all()


def accounts_for(broker: Broker | None, person: User) -> Sequence[User]:
    """Accounts of the person's region that a broker may be tied to: theirs, and broker accounts that nobody has."""
    taken = select(Broker.user_id).where(Broker.user_id.is_not(None))
    if broker:
        taken = taken.where(Broker.id != broker.id)
    brokers = select(UserRole.user_id).where(UserRole.role == Role.BROKER)
    wanted = users_under(person.region).where(User.id.in_(brokers), User.id.not_in(taken))
    return db.session.scalars(wanted.order_by(User.name, User.id)).all()
