"""What balancers and monitors ask: whether the process lives, whether it can work, and its figures.

None of the three signs anybody in or out, starts a session or sets a cookie.
"""

import hmac
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address

from flask import Blueprint, Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError

from contracts_app.core.database import migrations
from contracts_app.core.database.migrations import Standing
from contracts_app.core.db import db
from contracts_app.core.settings import Settings

from . import metrics
from .serving import is_stopping

bp = Blueprint("health", __name__)
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def quiet(view: Callable[[], Response]) -> Callable[[], Response]:
    """A page for machines: open without signing in, and asked so often that the log does not tell of it."""
    view.is_public = view.is_quiet = True  # type: ignore[attr-defined]
    return view


class _Sessions(SecureCookieSessionInterface):
    """A browser that looks here keeps its cookie as it was: looking is no sign that somebody is at work."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return request.blueprint != bp.name and super().should_set_cookie(app, session)


def init_app(app: Flask) -> None:
    app.session_interface = _Sessions()


@bp.get("/healthz")
@quiet
def alive() -> Response:
    """The process answers. Asks nothing of anybody, so that a database that is away restarts no process."""
    return _words(HTTPStatus.OK, "ok")


@bp.get("/readyz")
@quiet
def ready() -> Response:
    """Whether a balancer may send people here: 503 with a short word where it may not."""
    reason = _not_ready()
    return _words(HTTPStatus.SERVICE_UNAVAILABLE, reason) if reason else _words(HTTPStatus.OK, "ok")


def _not_ready() -> str | None:
    if is_stopping():
        return "stopping"
    try:
        standing = migrations.standing(db.engine)
    except SQLAlchemyError:
        return "database"
    # One that is ahead belongs to a newer release, which answers beside this one; this one writes nothing into it.
    return {Standing.BEHIND: "migrations", Standing.AHEAD: "ahead", Standing.CURRENT: None}[standing]


@bp.get("/metrics")
@quiet
def figures() -> Response:
    """For Prometheus; 404 to everybody who has not been let in by METRICS_TOKEN or METRICS_ALLOW."""
    settings: Settings = current_app.config["SETTINGS"]
    if not (_has_token(settings) or _is_allowed(settings)):
        return _words(HTTPStatus.NOT_FOUND, "not found")
    return Response(metrics.exposed(), content_type=metrics.CONTENT_TYPE)


def _has_token(settings: Settings) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return (
        settings.metrics_token is not None
        and kind.lower() == "bearer"
        and hmac.compare_digest(token.strip().encode(), settings.metrics_token.encode())
    )


def _is_allowed(settings: Settings) -> bool:
    """Whether the caller's own address is let in; that of a proxy nobody told us of is not the caller's."""
    if not settings.trusted_proxies and any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in settings.metrics_allow)


def _words(status: HTTPStatus, word: str) -> Response:
    return Response(f"{word}\n", status, {"Cache-Control": "no-store"}, content_type="text/plain; charset=utf-8")
