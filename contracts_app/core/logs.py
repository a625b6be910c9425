"""What the running system tells: one line an event, as JSON for machines or as text on a terminal.

A line says which request it belongs to, whose (a number, never a name) and where, never what was typed: no values of
an address's query, no forms, no parameters of SQL, no one-time links. The id of a request is in its answer's header,
in each of its lines and on the page of an error, so that each finds the other.
"""

import json
import logging
import re
import secrets
import sqlite3
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import IO, Any

from flask import Flask, Response, current_app, g, has_request_context, request
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from .settings import Settings

HEADER = "X-Request-ID"
log = logging.getLogger("contracts_app.requests")

_ID, _BEGAN = "contracts.request_id", "contracts.began"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SECRET_PARTS = ("token",)  # variables of addresses that let somebody in
_LONG_PART = re.compile(r"[A-Za-z0-9_-]{40,}")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONG_NUMBER = re.compile(r"[0-9Xx]{9,}")  # identity numbers, telephones, codes of firms
_DATA_EXCEPTION = "22"  # SQLSTATE class whose messages repeat the value


def init_app(app: Flask) -> None:
    """Before everything else that looks at requests: then it begins first and tells last."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.log_exception = _log_exception  # type: ignore[assignment, method-assign]  # Flask's own tells the whole address


def configure(settings: Settings, stream: IO[str] | None = None) -> None:
    """Send every line to ``stream`` (standard error). For the process that serves; commands speak for themselves."""
    stream = stream or sys.stderr
    form = settings.log_format or ("text" if stream.isatty() else "json")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    logging.getLogger("waitress").setLevel(logging.WARNING)  # below that it tells whole addresses


# --- the request ------------------------------------------------------------------------------------------------------


def request_id() -> str:
    """The id of the current request: a trusted proxy's if it gave one, else one of our own."""
    environ = request.environ
    if _ID not in environ:
        environ[_ID] = _given() or secrets.token_hex(8)
    found: str = environ[_ID]
    return found


def _given() -> str | None:
    """What a proxy wrote that we are told to trust; anybody else could make lines look like those of another."""
    settings: Settings = current_app.config["SETTINGS"]
    came_by_proxy = settings.trusted_proxies and "X-Forwarded-For" in request.headers
    asked = request.headers.get(HEADER, "")
    return asked if came_by_proxy and _WELL_FORMED.fullmatch(asked) else None


def path() -> str:
    """The path of the current request, without what in it would open a door."""
    told = request.path
    if request.url_rule is None:  # no page of ours, as a one-time link with a sign too many
        told = _LONG_PART.sub("…", told)
    for name in _SECRET_PARTS:
        if (request.view_args or {}).get(name):
            told = told.replace(str(request.view_args[name]), "…")  # type: ignore[index]
    return told


def seconds() -> float:
    """How long ago the current request began; 0 where it failed before it had begun."""
    began: float = request.environ.get(_BEGAN, perf_counter())
    return perf_counter() - began


def _begin() -> None:
    request.environ.setdefault(_BEGAN, perf_counter())
    request_id()


def _answered(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    view = current_app.view_functions.get(request.endpoint or "")
    is_quiet = (request.endpoint or "").endswith("static") or getattr(view, "is_quiet", False)
    level = logging.DEBUG if is_quiet and response.status_code < 400 else logging.INFO
    facts = {"status": response.status_code, "ms": round(seconds() * 1000, 1)}
    log.log(level, "request", extra={"facts": facts})
    return response


def _log_exception(info: Any) -> None:
    """What even the error page could not answer."""
    log.error("no answer to %s %s", request.method, path(), exc_info=info)


def _context() -> dict[str, Any]:
    """Of the request in which a line is told; nothing is asked of the database."""
    if not has_request_context():
        return {}
    return {
        "request_id": request_id(),
        "user_id": _user_id(),
        "method": request.method,
        "path": path(),
        "address": request.remote_addr,
    }


def _user_id() -> int | None:
    """The number of who is signed in, as far as anybody has asked already."""
    person = inspect(g.get("_login_user"), raiseerr=False)  # where Flask-Login keeps it
    identity = getattr(person, "identity", None)
    return identity[0] if identity else None


# --- the line ---------------------------------------------------------------------------------------------------------


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return _without_breaks(json.dumps(_facts(record), ensure_ascii=False, default=str))


class TextLines(logging.Formatter):
    """For eyes: time, level, message and facts on one line; a stack stands below it, further in."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        stack = facts.pop("stack", "")
        time, level, _, message = (facts.pop(name) for name in ("time", "level", "logger", "message"))
        known = " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
        line = _without_breaks(f"{time} {level:7} {message}  {known}".rstrip())
        return "\n".join([line, *(f"    {_without_breaks(part)}" for part in stack.splitlines())])


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _masked(record.getMessage()) if record.exc_info else record.getMessage(),
        **_context(),
        **getattr(record, "facts", {}),
    }
    if record.exc_info and record.exc_info[1]:
        facts["stack"] = stack_of(record.exc_info[1])
    return facts


def _without_breaks(line: str) -> str:
    """Nobody makes a line of their own by a name or an address with a break in it."""
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def stack_of(error: BaseException) -> str:
    """Where an exception came from and what led to it, the first cause first; of messages what tells of no person."""
    return "\n".join(
        f"{''.join(traceback.format_tb(one.__traceback__))}{type(one).__qualname__}: {_message(one)}"
        for one in reversed(list(_causes(error)))
    )


def told(error: BaseException) -> str:
    """An exception on one line, without what tells of a person."""
    return _without_breaks(f"{type(error).__qualname__}: {_message(error)}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and not any(error is one for one in seen):
        seen.append(error)
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _message(error: BaseException) -> str:
    if isinstance(error, DBAPIError):
        return f"{_of_database(error.orig)} [SQL: {error.statement}]"
    if isinstance(error, sqlite3.Error) or hasattr(error, "sqlstate"):
        return _of_database(error)
    return _masked(str(error))


def _of_database(error: BaseException | None) -> str:
    """Its first line: the others of PostgreSQL repeat the row that failed. Of an ill-formed value only the number."""
    state = getattr(error, "sqlstate", None) or ""
    first = "" if state.startswith(_DATA_EXCEPTION) else _masked(str(error).partition("\n")[0])
    return f"{state} {first}".strip()


def _masked(message: str) -> str:
    """A message without what was typed in this request, and without long numbers."""
    if has_request_context() and "form" in vars(request._get_current_object()):  # type: ignore[attr-defined]
        for value in sorted({*request.form.values(), *request.args.values()}, key=len, reverse=True):
            if len(value) > 1:
                for written in (value, repr(value)[1:-1]):
                    message = message.replace(written, "…")
    return _LONG_NUMBER.sub("…", message)
