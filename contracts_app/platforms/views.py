"""The register of platforms and organisations that the documents name."""

from typing import Any

from flask import Blueprint, abort, render_template, request

from contracts_app.accounts.permissions import Can, needs
from contracts_app.core.web.pages import number_from, sort_from

from . import queries
from .models import PlatformKind, PlatformLevel

bp = Blueprint("platforms", __name__, url_prefix="/platforms")


@bp.get("/")
@needs(Can.READ_REGISTERS)
def index() -> str:
    """All platforms, narrowed by words, kind, level and region. It is public knowledge: no region is hidden."""
    words, place = (request.args.get(name, "").strip()[:100] for name in ("q", "region"))
    kind, level = _word(PlatformKind, "kind"), _word(PlatformLevel, "level")
    sort = sort_from(request.args.get("sort"), queries.COLUMNS, "kind")
    return render_template(
        "platforms/index.html",
        page=queries.listed(
            queries.matching(words, kind=kind, level=level, region_code=place), sort, *number_from(request.args)
        ),
        sort=sort,
        words=words,
        kind=kind,
        level=level,
        place=place,
        kinds=PlatformKind,
        levels=PlatformLevel,
        regions=queries.regions_with_platforms(),
    )


@bp.get("/<int:platform_id>")
@needs(Can.READ_REGISTERS)
def show(platform_id: int) -> str:
    """One platform, with the document it was taken from."""
    platform = queries.one(platform_id) or abort(404)
    return render_template("platforms/show.html", platform=platform, document=queries.document_of(platform))


def _word(words: Any, name: str) -> Any:
    return next((one for one in words if one.value == request.args.get(name)), None)
