"""Somebody at a browser, as the tests without a browser see them."""

import contextvars
from typing import Any

from flask import Flask, g, has_app_context, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from contracts_app.accounts.entrance import sessions
from contracts_app.core.db import db

NO_BROWSER = "no browser (`make browser` says what to do)"


class Visitor(FlaskClient):
    """A test client whose requests share nothing with the test but the database, as on a server.

    What the test has made is kept before each request, and read anew after it. CSRF protection is on; a visitor made by
    ``visitor`` sends the token that pages carry in their head, ``forget_token`` stops that.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if has_app_context():
            db.session.commit()
        # Read to the end and closed, as a browser would: a download left half read keeps its file open.
        response = contextvars.Context().run(super().open, *args, **{"buffered": True} | kwargs)
        if has_app_context():
            db.session.expire_all()
        return response

    def forget_token(self) -> None:
        self.environ_base.pop("HTTP_X_CSRFTOKEN", None)


def visitor(app: Flask, user: Any = None) -> Visitor:
    """A visitor with a CSRF token, signed in as ``user`` if one is given."""
    client = app.test_client()
    with app.test_request_context(environ_base=client.environ_base):
        if user is not None:
            sessions.start(user, with_second_factor=True)
            db.session.commit()
        token = generate_csrf()
        kept = dict(session)
    for left_behind in ("_login_user", "sign_in_session", "csrf_token"):
        g.pop(left_behind, None)
    with client.session_transaction() as cookie:
        cookie.update(kept)
    client.environ_base["HTTP_X_CSRFTOKEN"] = token
    return client
