"""One answer for each way a request can fail. Raise what went wrong; the page is made here."""

import logging
from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError

from . import logs
from .db import constraint_of, db
from .installation import known_demonstration

log = logging.getLogger(__name__)


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
    403: ("没有权限打开这一页", "这一页不属于你的岗位。需要使用时，找本单位系统管理员开通相应角色。"),
    404: ("没有找到这一页", "可能是网址不对、内容已不在，或者它不属于你的地区。从左侧菜单或搜索重新进入。"),
    405: ("不能这样打开", "这个网址只接受页面上的按钮提交。返回上一页，用页面上的按钮办理。"),
    413: ("文件太大", "单个文件不能超过 {limit} MB。压缩扫描件（300 dpi、黑白）或拆成几个文件后重新选择。"),
    429: ("操作太频繁", "稍等一分钟再试。"),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(StaleDataError, lambda error: _refused(Stale()))
    app.register_error_handler(IntegrityError, _broken_constraint)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """No page of ours sends the character NUL, and PostgreSQL keeps none."""
    texts = [*(request.view_args or {}).values(), *(text for _, text in request.values.items(multi=True))]
    if any("\0" in text for text in texts if isinstance(text, str)):
        abort(400)


def page(status: int, heading: str, reasons: Sequence[str]) -> tuple[str, int]:
    """The error page. Rolls back first: the page itself reads, and what failed must leave no trace."""
    db.session.rollback()
    return render_template("errors/page.html", status=status, heading=heading, reasons=reasons), status


def page_of_a_failure(
    status: int, heading: str, reasons: Sequence[str], error_id: str | None = None
) -> tuple[str, int]:
    """The error page when the system itself failed: asks nothing of the database, which may be what failed."""
    _let_go()
    template = current_app.jinja_env.get_template("errors/page.html")  # without who is signed in, which is a query
    words = {"status": status, "heading": heading, "reasons": reasons, "error_id": error_id}
    return template.render(words, demo_mode=known_demonstration()), status


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
    if error.response is not None or (error.code or 500) < 400:
        return error  # a redirect raised as an exception
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _unexpected(error.original_exception)  # an error page failed
    code = error.code or 500
    heading, sentence = PAGES.get(code, ("没有办成", "返回上一页再试；仍然不行时，把时间和所做操作告诉系统管理员。"))
    limit = current_app.config.get("UPLOAD_LIMIT", 0) // (1024 * 1024)
    answer = page if code < 500 else page_of_a_failure
    return answer(code, heading, [sentence.format(limit=limit)])


def _unexpected(error: BaseException) -> ResponseReturnValue:
    """The last resort: says nothing about the inside, gives the request's id, which finds the lines in the log."""
    error_id = logs.request_id()
    log.error("error %s at %s %r", error_id, request.method, logs.path(), exc_info=error)
    sentence = "刚才的操作没有生效，已有数据没有改动。把下面的编号告诉系统管理员。"
    return page_of_a_failure(500, "系统出错了", [sentence], error_id)
