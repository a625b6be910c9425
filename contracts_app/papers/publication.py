"""The sentence a bureau publishes, as a Word file: the sentence first, then where each number comes from."""

from urllib.parse import quote

from flask import Blueprint, Response, abort
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.core.clock import local, now_utc, today
from contracts_app.core.installation import is_demonstration
from contracts_app.core.trail import audit
from contracts_app.regions.queries import office_of
from contracts_app.statistics.publishing.sentence_views import asked_for
from contracts_app.statistics.publishing.sentences import Sentence

from .blocks import Block, Heading, Note, Sheet, Table, Words
from .word import word_file

bp = Blueprint("publications", __name__, url_prefix="/statistics")
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@bp.get("/sentence.docx")
@needs(Can.SEE_STATISTICS)
def as_word() -> Response:
    """The sentence that the same address shows as a page."""
    asked = asked_for()
    if asked is None or asked.faults or not asked.period.has_begun(today()):
        abort(404)
    said = asked.said()
    audit.witness("export_sentence", current_user, period=asked.period.name, region=asked.region.name, file=".docx")
    answer = Response(word_file(sheet_of(said)), mimetype=WORD)
    name = f"{asked.period.name}{asked.region.name}技术合同认定登记情况.docx"
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def sheet_of(said: Sentence) -> Sheet:
    """The paper, block by block."""
    facts, printed = said.facts, f"{local(now_utc()):%Y-%m-%d %H:%M}"
    figures = [[one.name, f"{one.text}{one.unit}", one.exact] for one in said.figures]
    below: list[Block] = [Heading("数据说明"), Table(["指标", "文中", "精确值"], figures, [4, 3, 6])] if figures else []
    return Sheet(
        title=f"{facts.period.name}技术合同认定登记情况",
        office=office_of(facts.region),
        printed_at=printed,
        number="",
        is_demonstration=is_demonstration(),
        blocks=[
            Words(said.text),
            *below,
            Note(f"{facts.caliber.label}：{facts.caliber.definition}"),
            Note(f"取数时间 {printed}。先按分合计，最后取两位小数。"),
        ],
    )
