from urllib.parse import quote

from flask import Blueprint, Response, abort, render_template, request
from flask_login import current_user

from contracts_app.accounts.permissions import Can, needs
from contracts_app.contracts import queries
from contracts_app.contracts.models import Contract
from contracts_app.core.errors import Refused
from contracts_app.core.limits import limiter

from . import verification
from .data import in_words
from .papers import PAPERS, Paper, papers_of
from .pdf import render
from .word import notice

bp = Blueprint("papers", __name__)
bp.add_app_template_global(papers_of)
PDF = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@bp.get("/contracts/<int:contract_id>/papers/<code>.pdf")
@needs(Can.READ_CONTRACTS)
def as_pdf(contract_id: int, code: str) -> Response:
    contract, paper = _asked(contract_id, code)
    qr = verification.qr_svg(contract) if paper.has_qr else ""
    return _file(render(paper.code, in_words(contract), qr), PDF, contract, f"{paper.name}.pdf")


@bp.get("/contracts/<int:contract_id>/papers/<code>.docx")
@needs(Can.READ_CONTRACTS)
def as_word(contract_id: int, code: str) -> Response:
    contract, paper = _asked(contract_id, code)
    if not paper.in_word:
        abort(404)
    return _file(notice(paper.code, in_words(contract)), WORD, contract, f"{paper.name}.docx")


def _asked(contract_id: int, code: str) -> tuple[Contract, Paper]:
    """The contract and the paper, if this person may have it and it can be made now."""
    contract = queries.one(contract_id, current_user)
    paper = PAPERS.get(code)
    if paper is None or not paper.roles & current_user.roles:
        abort(404)
    if sentence := paper.why_not(contract):
        raise Refused(sentence)
    return contract, paper


def _file(content: bytes, kind: str, contract: Contract, name: str) -> Response:
    label = quote(f"{contract.acceptance_number or contract.id}-{name}")
    disposition = "inline" if kind == PDF else "attachment"
    answer = Response(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{label}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@bp.get("/verify")
@limiter.limit("30 per minute")
def verify() -> tuple[str, int]:
    """Open to anybody: number and code in, whether it is valid today out."""
    number, code = request.args.get("number", "")[:40], request.args.get("code", "")[:40]
    asked = bool(number or code)
    answer = verification.verified(number, code) if number and code else None
    status = 404 if asked and answer is None else 200
    return render_template("papers/verify.html", number=number, code=code, asked=asked, answer=answer), status
