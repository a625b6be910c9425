"""One answer for each way a request can fail. Raise what went wrong; the page is made here."""

import errno
import logging
import sqlite3
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from time import time

from flask import Flask, Response, abort, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from . import logs
from .db import constraint_of, db
from .installation import known_demonstration
from .keeping.files import FileRefused
from .keeping.sealing import Unopened
from .web.limits import limiter

log = logging.getLogger(__name__)

MOST_FIELDS = 2_000  # the form of yearly tasks has the most: every unit's figures and what was shown of each
A_MINUTE = 60
RETRY_AFTER = 30  # seconds in which a database has started again, or a standby was promoted
_UNKNOWN_HOST = "这个域名不属于本系统，换用单位公布的网址。系统管理员要启用它的，写进设置 TRUSTED_HOSTS 后重新启动。"
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_POSTGRESQL_AWAY = {"08", "53", "57"}  # classes of SQLSTATE: connection, resources, operator intervention


class Refused(Exception):
    """What was asked is not possible now. Carries sentences for the person who asked."""

    status = HTTPStatus.CONFLICT
    heading = "现在不能这样办理"

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons: Sequence[str] = reasons


class NotYours(Refused):
    """The person's role does not allow it, whatever the state of the record."""

    status = HTTPStatus.FORBIDDEN
    heading = "没有办理权限"


class Stale(Refused):
    """Somebody else changed the record after this person opened it."""

    heading = "这份记录刚被别人改过"

    def __init__(self, *reasons: str) -> None:
        super().__init__(
            *(reasons or ("你打开之后，别人已经保存了新内容。没有覆盖任何人的修改：重新打开看过最新内容，再办理。",))
        )


# Constraint name -> the sentence a person understands. The rule itself is checked earlier, with a better place to show
# it; this is the answer when two people do the same thing in the same second.
SENTENCES: dict[str, str] = {}

PAGES: dict[int, tuple[str, str]] = {
    400: ("没有看懂这次提交", "页面可能放得太久，或者提交的内容不完整。返回上一页，刷新后再提交。"),
    401: ("还没有登录", "登录后就能打开这一页。"),
    403: ("没有权限打开这一页", "这一页不属于你的岗位。"),
    404: ("没有找到这一页", "可能是网址不对、内容已不在，或者它不属于你的地区。从菜单重新进入。"),
    405: ("不能这样打开", "这个网址只接受页面上的按钮提交。返回上一页，用页面上的按钮办理。"),
    413: ("文件太大", "单个文件不能超过 {limit} MB。压缩扫描件（300 dpi、黑白）或拆成几个文件后重新选择。"),
    422: ("没有收下", "提交的内容有要改的地方。返回上一页，改好后再提交。"),
    503: ("系统正在升级", "正在换成新版本，现在可以看，暂时不能保存。半分钟后返回上一页，再保存一次。"),
    429: ("操作太频繁", "短时间里次数太多，{wait}后再试。"),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(StaleDataError, lambda error: _refused(Stale()))
    app.register_error_handler(IntegrityError, _broken_constraint)
    app.register_error_handler(FileRefused, lambda refused: page(422, "文件没有收下", [str(refused)]))
    app.register_error_handler(Unopened, _unopened)
    for away in (OperationalError, InterfaceError, PoolTimeout, OSError):
        app.register_error_handler(away, _away)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
    app.before_request(_refuse_unreadable)
    app.before_request(_refuse_floods)
    app.before_request(_refuse_nul)


def _refuse_unreadable() -> Response | None:
    """A name that is not ours, or a query that is no text (browsers write such bytes as %ED).

    Answered first and without a page: a page of ours has links under our name, and reads the query again.
    """
    if isinstance(request.routing_exception, SecurityError):
        return Response(f"400 {_UNKNOWN_HOST}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        return Response("400 网址里有不是文字的内容。\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")
    return None


def _refuse_floods() -> None:
    """No form of ours has more fields or is longer, and nothing of ours sends JSON."""
    if request.is_json:
        abort(415)
    # Of forms with files the parser sees to it, field by field.
    is_plain = request.mimetype == "application/x-www-form-urlencoded"
    if is_plain and (request.content_length or 0) > current_app.config["MAX_FORM_MEMORY_SIZE"]:
        abort(413)
    if len(request.form) > MOST_FIELDS or len(request.args) > MOST_FIELDS:
        abort(400)


def _refuse_nul() -> None:
    """No page of ours sends the character NUL, and PostgreSQL keeps none."""
    texts = [*(request.view_args or {}).values(), *(text for _, text in request.values.items(multi=True))]
    if any("\0" in text for text in texts if isinstance(text, str)):
        abort(400)


def page(status: int, heading: str, reasons: Sequence[str], retry_after: int | None = None) -> ResponseReturnValue:
    """The error page. Rolls back first: the page itself reads, and what failed must leave no trace."""
    db.session.rollback()
    if _is_script():
        return _for_script(heading, reasons), status, _headers(retry_after)
    html = render_template("errors/page.html", status=status, heading=heading, reasons=reasons)
    return html, status, _headers(retry_after)


def page_of_a_failure(
    status: int,
    heading: str,
    reasons: Sequence[str],
    retry_after: int | None = None,
    *,
    error_id: str | None = None,
) -> ResponseReturnValue:
    """The error page when the system itself failed: asks nothing of the database, which may be what failed."""
    _let_go()
    if _is_script():
        return _for_script(heading, reasons, error_id), status, _headers(retry_after)
    template = current_app.jinja_env.get_template("errors/page.html")  # without who is signed in, which is a query
    words = {"status": status, "heading": heading, "reasons": reasons, "error_id": error_id}
    return template.render(words, demo_mode=known_demonstration()), status, _headers(retry_after)


def _is_script() -> bool:
    """Whether a script of a page asked, which reads JSON, and not a person."""
    return request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"


def _for_script(heading: str, reasons: Sequence[str], error_id: str | None = None) -> Response:
    told = {"heading": heading, "message": " ".join(reasons)}
    return jsonify(told | ({"error_id": error_id} if error_id else {}))


def _headers(retry_after: int | None) -> dict[str, str]:
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


def _let_go() -> None:
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()  # a connection that cannot even roll back is not used again


def _refused(error: Refused) -> ResponseReturnValue:
    return page(error.status, error.heading, error.reasons)


def sentence_of(error: IntegrityError) -> str | None:
    """What a broken constraint means to people; None where nobody has said."""
    constraint = constraint_of(error) or ""
    return next((sentence for name, sentence in SENTENCES.items() if constraint.endswith(name)), None)


def _broken_constraint(error: IntegrityError) -> ResponseReturnValue:
    sentence = sentence_of(error)
    return page(HTTPStatus.CONFLICT, Refused.heading, [sentence]) if sentence else _unexpected(error)


def _http(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, SecurityError):  # a name we do not answer to: no page of ours has an address under it
        return Response(f"400 {_UNKNOWN_HOST}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")
    if error.response is not None or (error.code or 500) < 400:
        return error  # a redirect raised as an exception
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _unexpected(error.original_exception)  # an error page failed
    code = error.code or 500
    heading, sentence = PAGES.get(code, ("没有办成", "返回上一页再试；仍然不行时，把时间和所做操作告诉系统管理员。"))
    limit = current_app.config.get("UPLOAD_LIMIT", 0) // (1024 * 1024)
    answer = page if code < 500 else page_of_a_failure
    seconds = _seconds_to_wait(error)
    return answer(code, heading, [sentence.format(limit=limit, wait=_wait(seconds))], seconds)


def _seconds_to_wait(error: HTTPException) -> int | None:
    """After how long the same may be asked again; None where nobody knows."""
    if error.code == HTTPStatus.TOO_MANY_REQUESTS:
        limit = limiter.current_limit
        return max(1, int(limit.reset_at - time())) if limit else A_MINUTE
    after = getattr(error, "retry_after", None)
    return after if isinstance(after, int) else None


def _wait(seconds: int | None) -> str:
    return f"{ceil((seconds or A_MINUTE) / A_MINUTE)} 分钟"


def _away(error: OperationalError | InterfaceError | PoolTimeout | OSError) -> ResponseReturnValue:
    """The database cannot be reached or the disk is full: passes by itself or by the administrator, and is said so."""
    if _has_no_room(error):
        heading = "磁盘满了"
        sentence = "服务器的磁盘满了，刚才的内容没有保存，已有数据没有改动。告诉系统管理员，有空间后再办。"
    elif isinstance(error, OSError) or not _is_away(error):
        return _unexpected(error)
    else:
        heading = "数据库暂时连不上"
        sentence = "稍等一会儿再打开。刚才正在保存的，恢复后先看记录，没有保存的再办一次。"
    return page_of_a_failure(503, heading, [sentence], RETRY_AFTER, error_id=_told(error))


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether the database cannot work now, rather than that it was asked something wrong."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY
    state = getattr(cause, "sqlstate", None)
    return state is None or state[:2] in _POSTGRESQL_AWAY


def _has_no_room(error: BaseException) -> bool:
    cause = getattr(error, "orig", None)
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", "") == "53100"


def _unopened(error: Unopened) -> ResponseReturnValue:
    sentences = [
        "电话、地址和没有填完的草稿是加密保存的，用现在的密钥文件打不开；其他内容照常使用。",
        "数据没有丢。告诉系统管理员：换回原来的密钥文件就能打开。",
    ]
    return page_of_a_failure(500, "加密的内容打不开", sentences, error_id=_told(error))


def _told(error: BaseException) -> str:
    """The id under which the log has it."""
    error_id = logs.request_id()
    log.error("error %s at %s %r", error_id, request.method, logs.path(), exc_info=error)
    return error_id


def _unexpected(error: BaseException) -> ResponseReturnValue:
    """The last resort: says nothing about the inside, gives the request's id, which finds the lines in the log."""
    sentence = "刚才的操作没有生效，已有数据没有改动。把下面的编号告诉系统管理员。"
    return page_of_a_failure(500, "系统出错了", [sentence], error_id=_told(error))
