"""What is kept besides: that something was shown or refused, whatever the request itself leaves."""

import pytest
from flask import abort
from sqlalchemy import select

from contracts_app.core.db import db
from contracts_app.core.installation import fact, set_fact
from contracts_app.core.trail import audit


@pytest.fixture
def desk(live):
    """Views that tell of somebody and end in every way a view can end."""

    def telling(end):
        def view():
            set_fact("note", "kept")
            db.session.flush()
            audit.witness("sign_in_failed", "somebody", username="x")
            return end()

        return view

    ends = {"well": lambda: "well", "invalid": lambda: ("wrong", 422), "aborted": lambda: abort(403)}
    for name, end in ends.items():
        live.app.add_url_rule(f"/desk/{name}", f"desk_{name}", telling(end), methods=["GET", "POST"])
    live.app.testing = False  # as on a server: no exception leaves the application
    return live


def told(live):
    with live.app.app_context():
        return fact("note"), len(db.session.scalars(select(audit.AuditEntry)).all())


@pytest.mark.parametrize(
    ("method", "way", "status", "note"),
    [
        ("GET", "well", 200, None),
        ("GET", "aborted", 403, None),
        ("POST", "well", 200, "kept"),
        ("POST", "invalid", 422, None),
        ("POST", "aborted", 403, None),
    ],
)
def test_it_is_told_whatever_the_request_leaves(desk, method, way, status, note):
    assert desk.visitor().open(f"/desk/{way}", method=method).status_code == status
    assert told(desk) == (note, 1)


def test_outside_of_a_request_it_is_told_at_once(live):
    audit.witness("sign_in_failed", "somebody")
    db.session.rollback()
    assert told(live) == (None, 1)
