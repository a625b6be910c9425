"""Reading the region tree and the assessment units."""

from flask import Blueprint, render_template
from flask_login import login_required

from . import queries

bp = Blueprint("regions", __name__, url_prefix="/codes")
bp.add_app_template_global(queries.office_of)


@bp.get("/regions")
@login_required
def index() -> str:
    """The whole tree."""
    return render_template("codes/regions.html", regions=queries.tree())


@bp.get("/units")
@login_required
def units() -> str:
    """The units that tasks are assigned to."""
    return render_template("codes/units.html", units=queries.units())
