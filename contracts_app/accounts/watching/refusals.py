"""Refused access is written down: pages of other roles, records that are not there for whoever asks."""

import re
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

from flask import Flask, Response, request
from flask_login import current_user

from contracts_app.core.db import look_at_answers
from contracts_app.core.trail import audit

REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
ONCE_IN = timedelta(minutes=1)  # for one person and one address, so that nobody floods the log by asking again
MOST = 30  # different addresses of one person in that time: as many lines say enough
_FREE = re.compile(r"<(?:[a-z_]+|(?:path|string)\b.*?:[a-z_]+)>")


def init_app(app: Flask) -> None:
    look_at_answers(app, _look)


def _look(answer: Response) -> None:
    if answer.status_code not in REFUSED or request.url_rule is None:
        return
    has_number = any(isinstance(value, int) for value in (request.view_args or {}).values())
    if (has_number or answer.status_code == HTTPStatus.FORBIDDEN) and current_user.is_authenticated:
        _tell(answer.status_code)


def _tell(status: int) -> None:
    if audit.told_lately(ONCE_IN, "refuse_access", current_user) >= MOST:
        return
    subject, number = next(_subjects(), ("", None))
    audit.witness_once(
        ONCE_IN,
        "refuse_access",
        current_user,
        subject=subject,
        subject_id=number,
        page=address_told(),
        method=request.method,
        status=status,
    )


def address_told() -> str:
    """The address of this request; only its pattern where free text stands in it, which may be a secret."""
    rule = str(request.url_rule or "")
    return rule if _FREE.search(rule) else request.path


def _subjects() -> Iterator[tuple[str, int]]:
    """What the address is about, where the log has a name for it."""
    for name, value in (request.view_args or {}).items():
        if name.endswith("_id") and name[:-3] in audit.SUBJECTS and isinstance(value, int):
            yield name[:-3], value
