from urllib.parse import quote

from flask import Blueprint, Response, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts.finding import queries
from contracts_app.core.clock import now_utc
from contracts_app.core.errors import Refused
from contracts_app.core.trail import audit
from contracts_app.core.web.limits import limiter
from contracts_app.tracking import queries as tracking

from . import verification
from .income import income_sheet as income
from .papers import PAPERS, Order, papers_of
from .pdf import render
from .word import word_file

bp = Blueprint("papers", __name__)
bp.add_app_template_global(papers_of)
PDF = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@bp.get("/contracts/<int:contract_id>/papers/<code>.pdf")
@needs(Can.READ_CONTRACTS)
def as_pdf(contract_id: int, code: str) -> Response:
    """The paper, opened in the browser; ``case`` says which decision where there are several."""
    order = _ordered(contract_id, code)
    _tell(contract_id, order.name, "pdf")
    qr = verification.qr_svg(order.contract) if order.paper.has_qr else ""
    return _file(render("registration" if qr else "sheet", order.sheet().as_data(), qr), PDF, f"{order.file_name}.pdf")


@bp.get("/contracts/<int:contract_id>/papers/<code>.docx")
@needs(Can.READ_CONTRACTS)
def as_word(contract_id: int, code: str) -> Response:
    """The same notice for an office that words or seals it itself."""
    order = _ordered(contract_id, code)
    if not order.paper.in_word:
        abort(404)
    _tell(contract_id, order.name, "docx")
    return _file(word_file(order.sheet()), WORD, f"{order.file_name}.docx")


@bp.get("/contracts/<int:contract_id>/verifications/<int:verification_id>.pdf")
@needs(Can.READ_CONTRACTS)
def income_sheet(contract_id: int, verification_id: int) -> Response:
    """核定表 of one request of that contract."""
    contract = queries.one(contract_id, current_user)
    asked = tracking.verification(contract, verification_id)
    _tell(contract_id, "技术性收入核定表", "pdf")
    number = contract.registration_number or contract.acceptance_number
    name = f"{number}-技术性收入核定表（{asked.begins_on} 至 {asked.ends_on}）.pdf"
    return _file(render("sheet", income(contract, asked).as_data(), ""), PDF, name)


def _ordered(contract_id: int, code: str) -> Order:
    """The paper of the contract, if this person may have it and it can be made now."""
    contract = queries.one(contract_id, current_user)
    paper = PAPERS.get(code)
    if paper is None or not paper.roles & current_user.roles:
        abort(404)
    if sentence := paper.why_not(contract):
        raise Refused(sentence)
    if not paper.case:
        return Order(paper, contract, current_user)
    asked = request.args.get("case", type=int)
    case = next((case for case in paper.cases(contract) if asked in (None, case.id)), None)
    return Order(paper, contract, current_user, case or abort(404))


def _tell(contract_id: int, paper: str, ending: str) -> None:
    audit.witness(
        "make_paper", current_user, subject="contract", subject_id=contract_id, paper=paper, file=f".{ending}"
    )


def _file(content: bytes, kind: str, name: str) -> Response:
    disposition = "inline" if kind == PDF else "attachment"
    answer = Response(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@bp.get("/verify")
@limiter.limit("30 per minute")
def verify() -> tuple[str, int]:
    """Open to anybody: number and code in, whether it is valid today out. Writes nothing, from a QR code either."""
    number, code = request.args.get("number", "")[:40], request.args.get("code", "")[:40]
    asked = bool({"number", "code"} & request.args.keys())
    answer = verification.verified(number, code) if number and code else None
    status = 404 if asked and answer is None else 200
    page = render_template(
        "papers/verify.html", number=number, code=code, asked=asked, answer=answer, asked_at=now_utc()
    )
    return page, status
