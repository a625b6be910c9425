"""Reading the files of a contract in the browser: page by page, as pictures, beside the form that decides on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import BinaryIO

from flask import Blueprint, abort, current_app, make_response, render_template, request, send_file
from flask_login import current_user
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.finding import queries
from contracts_app.contracts.models import Attachment, Contract
from contracts_app.core.drawing.previews import (
    MOST_PAGES,
    PAGE_WIDTH,
    THUMB_WIDTH,
    NotShown,
    TooBusy,
    count_pages,
    draw_page,
)
from contracts_app.core.keeping.files import FileKind
from contracts_app.core.keeping.stores import Store
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import limiter

bp = Blueprint("reading", __name__, url_prefix="/contracts")

PICTURES = frozenset({FileKind.JPG.mime, FileKind.PNG.mime})
SHOWN_INLINE = PICTURES | {FileKind.PDF.mime}
BESIDE_A_FORM = 30  # pages; without script a browser asks for all of them at once
OPENED_FOR = timedelta(minutes=30)  # as long as a session may be idle; who looks again later opened it again
IN_A_STRIP = 9  # small pictures of pages
BUSY = "看文件的人太多，等几秒后刷新这一页。"

# Chrome shows no PDF in a sandbox; a PDF has no scripts that could act for the page.
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


# ---- what can be shown of a file -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheets:
    """A file as its pages can be shown; `why_not` is the sentence where they cannot."""

    file: Attachment
    count: int = 0
    why_not: str = ""

    @property
    def is_picture(self) -> bool:
        return self.file.mime in PICTURES

    def strip(self, around: int = 1) -> Sequence[int]:
        """The pages of a strip of small pictures in which this one stands."""
        first = max(1, min(around - IN_A_STRIP // 2, self.count - IN_A_STRIP + 1))
        return range(first, min(first + IN_A_STRIP, self.count + 1))

    @property
    def beside_a_form(self) -> Sequence[int]:
        return range(1, min(self.count, BESIDE_A_FORM) + 1)


def sheets_of(file: Attachment) -> Sheets:
    """What is known of the file's pages; opens nothing."""
    if file.mime in PICTURES:
        return Sheets(file, 1)
    if file.mime != FileKind.PDF.mime:
        return Sheets(file, why_not="这种文件不能在页面上显示，下载后打开。")
    if file.unreadable:
        return Sheets(file, why_not=f"{file.unreadable.label}。")
    return _within_limits(Sheets(file, file.page_count or 0))


def _within_limits(sheets: Sheets) -> Sheets:
    if sheets.count <= MOST_PAGES:
        return sheets
    return Sheets(sheets.file, why_not=f"共 {sheets.count} 页，超过 {MOST_PAGES} 页的不在页面上显示，下载后阅读。")


def main_sheets(contract: Contract) -> Sheets | None:
    """The file that is read while deciding: the contract's own text, the newest first, if its pages can be shown."""
    texts = [sheets_of(file) for file in contract.current_attachments if file.kind_code == "contract"]
    return next((sheets for sheets in reversed(texts) if sheets.count and not sheets.is_picture), None)


def _counted(sheets: Sheets) -> Sheets:
    """The same with its pages counted where nobody could when the file came; nothing is written down."""
    if sheets.count or sheets.why_not:
        return sheets
    try:
        with opened(sheets.file) as content:
            return _within_limits(replace(sheets, count=count_pages(content)))
    except NotShown as not_shown:
        return replace(sheets, why_not=f"{not_shown.reason.label}。")
    except TooBusy:
        return replace(sheets, why_not=BUSY)


def opened(file: Attachment) -> BinaryIO:
    """The content of a file; 404 where the store has lost it."""
    store: Store = current_app.extensions["files"]
    try:
        return store.open(file.sha256)
    except FileNotFoundError:
        abort(404)


def tell(file: Attachment) -> None:
    """Write down that the person in front of us opens the file: once, not again with each of its pages."""
    audit.witness_once(
        OPENED_FOR,
        "view_file",
        current_user,
        subject="contract",
        subject_id=file.contract_id,
        file_id=file.id,
        file_kind=file.kind.name,
    )


# ---- the pages -----------------------------------------------------------------------------------------------------


def send(found: Attachment) -> Response:
    """The file itself: PDF and pictures open in the browser (``?download=1`` saves them), others are saved."""
    answer = send_file(
        opened(found),
        mimetype=found.mime,
        as_attachment=found.mime not in SHOWN_INLINE or "download" in request.args,
        download_name=found.file_name,
        etag=found.sha256,
        max_age=0,
        conditional=False,  # done below: the length of a stream is known to us only
    )
    answer.content_length = found.size
    answer.make_conditional(request.environ, accept_ranges=True, complete_length=found.size)
    answer.cache_control.private = True
    sandbox = "" if found.mime == FileKind.PDF.mime else "; sandbox"
    answer.headers["Content-Security-Policy"] = _FILE_POLICY + sandbox
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@bp.route("/<int:contract_id>/files/<int:file_id>/pages/<int:number>")
@needs(Can.READ_CONTRACTS)
def page(contract_id: int, file_id: int, number: int) -> str:
    """One page of a file, large, with its neighbours."""
    contract = queries.one(contract_id, current_user)
    sheets = _counted(sheets_of(queries.attachment(contract_id, file_id, current_user)))
    if not 1 <= number <= max(sheets.count, 1):
        abort(404)
    tell(sheets.file)
    return render_template("contracts/page.html", contract=contract, sheets=sheets, number=number)


@bp.route("/<int:contract_id>/files/<int:file_id>/<any(pages, thumbs):size>/<int:number>.png")
@needs(Can.READ_CONTRACTS)
@limiter.limit("900 per minute", key_func=lambda: str(current_user.get_id()))
def picture(contract_id: int, file_id: int, size: str, number: int) -> Response:
    """The picture of one page of a PDF. Browsers keep it and ask by its name whether it still is the same."""
    found = queries.attachment(contract_id, file_id, current_user)
    if found.mime != FileKind.PDF.mime or sheets_of(found).why_not:
        abort(404)
    if size == "pages":
        tell(found)  # small pictures stand on pages that tell it, or show no more than that there is a file
    width = PAGE_WIDTH if size == "pages" else THUMB_WIDTH
    name = f"{found.sha256}-{number}-{width}"
    answer = make_response()
    if name in request.if_none_match:
        answer.status_code = 304
    else:
        answer.data = _drawn(found, number, width)
    answer.mimetype = "image/png"
    answer.set_etag(name)
    answer.cache_control.private = True
    answer.cache_control.max_age = 0
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _drawn(found: Attachment, number: int, width: int) -> bytes:
    try:
        with opened(found) as content:
            return draw_page(content, number, width)
    except (IndexError, NotShown):
        abort(404)
    except TooBusy as busy:
        raise ServiceUnavailable(BUSY, retry_after=3) from busy
