"""Reading the platforms."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from contracts_app.core.db import db
from contracts_app.regions.models import Region

from .models import Platform, PlatformKind


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
