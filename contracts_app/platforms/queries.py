"""Reading the platforms."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from contracts_app.codes.models import Document
from contracts_app.core.db import db
from contracts_app.core.web.pages import Page, Sort, ordered, page_of
from contracts_app.regions.models import Region

from .models import Platform, PlatformKind, PlatformLevel

COLUMNS = {"kind": Platform.kind, "name": Platform.name, "region": Platform.region_code, "opened": Platform.opened}


def one(platform_id: int) -> Platform | None:
    return db.session.get(Platform, platform_id)


def platforms(kind: PlatformKind | None = None, words: str = "") -> Select[Platform]:
    """Platforms of a kind whose name, short name or host holds the words; by kind, then name."""
    wanted = select(Platform).options(joinedload(Platform.region))
    if kind:
        wanted = wanted.where(Platform.kind == kind)
    for word in words.split():
        wanted = wanted.where(
            Platform.name.contains(word, autoescape=True)
            | Platform.short_name.contains(word, autoescape=True)
            | Platform.host.contains(word, autoescape=True)
        )
    return wanted.order_by(Platform.kind, Platform.name, Platform.id)


def platforms_of(region: Region) -> Sequence[Platform]:
    """The platforms of a region and of what lies under it, by kind, then name."""
    wanted = platforms().join(Region, Region.code == Platform.region_code).where(Region.path.startswith(region.path))
    return db.session.scalars(wanted).all()


def choices() -> list[tuple[str, str]]:
    """Open platforms as pairs of id (as text) and words for a select field, grouped by kind through the order."""
    wanted = platforms().where(Platform.closed_on.is_(None))
    return [(str(platform.id), f"{platform.kind.label} · {platform.name}") for platform in db.session.scalars(wanted)]


def matching(
    words: str, *, kind: PlatformKind | None, level: PlatformLevel | None, region_code: str
) -> Select[Platform]:
    """Platforms that fit; a region stands for itself and all under it."""
    wanted = platforms(kind, words)
    if level:
        wanted = wanted.where(Platform.level == level)
    if region_code:
        under = select(Region.code).where(Region.path.contains(f"{region_code}/", autoescape=True))
        wanted = wanted.where(Platform.region_code.in_(under))
    return wanted


def listed(found: Select[Platform], sort: Sort, number: int, size: int) -> Page[Platform]:
    """A page of the register."""
    show = select(Platform).options(joinedload(Platform.region))
    order = ordered(sort, COLUMNS, Platform.id)
    return page_of(db.session(), found, show=show, key=Platform.id, order=order, number=number, size=size)


def regions_with_platforms() -> list[tuple[str, str]]:
    """The regions that have a platform, as pairs of code and words."""
    wanted = select(Region).where(Region.code.in_(select(Platform.region_code))).order_by(Region.path)
    return [(region.code, region.name) for region in db.session.scalars(wanted)]


def document_of(platform: Platform) -> Document | None:
    """The document a platform was taken from, where it is one of the stored ones."""
    return db.session.get(Document, platform.source)
