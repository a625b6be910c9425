"""Two releases may serve one database while it is upgraded: the older one shows it and leaves writing to the newer.

Asked wherever a transaction that writes begins: forms, what is kept besides an answer, what is written in passing,
commands.
"""

from collections.abc import Collection

import click
from flask import Flask, has_request_context
from sqlalchemy import Connection, text
from werkzeug.exceptions import HTTPException

VERSION = text("SELECT version_num FROM alembic_version")
_KNOWN = "known migrations"  # in app.extensions


class AheadOfUs(HTTPException):
    """The database was upgraded for a newer release; this one goes on showing it and writes nothing into it."""

    code = 503
    description = "The database belongs to a newer release."
    retry_after = 30  # seconds in which an upgrade has put the newer release into this one's place


def init_app(app: Flask, known: Collection[str]) -> None:
    """``known`` are the numbers of the migrations that this release has."""
    app.extensions[_KNOWN] = frozenset(known)


def is_newer(app: Flask, connection: Connection) -> bool:
    """Whether the database stands where only a newer release has taken it."""
    known: frozenset[str] | None = app.extensions.get(_KNOWN)
    return known is not None and not known.issuperset(connection.scalars(VERSION))


def leave_writing_to_the_newer(app: Flask, connection: Connection) -> None:
    """Raises in a newer release's database: ``AheadOfUs`` in a request, else the sentence with which a command ends."""
    if not is_newer(app, connection):
        return
    if has_request_context():
        raise AheadOfUs
    raise click.ClickException("数据库属于更新的版本，这个版本只能查看，没有写入。换上新版本的程序再运行。")
