"""技术性收入核定表: what was received, what of it was paid for goods, what is left as income, who found so."""

from decimal import Decimal

from contracts_app.contracts.facts import type_in_words
from contracts_app.contracts.models import Contract
from contracts_app.core import money
from contracts_app.core.clock import local
from contracts_app.tracking.models import Receipt, Verification
from contracts_app.tracking.states import VerificationState

from . import words
from .blocks import Block, Boxes, Facts, Heading, Note, Row, Sheet, Signature, Table

_DOES_NOT_PROVE = (
    "本表按登记的到账和所附凭证核定技术性收入，不说明是否享受税收优惠或者奖励；能否享受，由主管部门依法认定。"
)


def income_sheet(contract: Contract, asked: Verification) -> Sheet:
    """The sheet of one request: with the finding once it is approved, else to be signed."""
    carried = words.frame(contract)
    is_approved = asked.state is VerificationState.APPROVED
    rows: list[Row] = [
        ("合同名称", contract.title),
        ("卖方", words.name(contract.seller), "买方", words.name(contract.buyer)),
        (
            "合同登记编号",
            words.spaced(contract.registration_number or ""),
            "登记日期",
            words.day(contract.registered_on),
        ),
        ("合同类型", type_in_words(contract), "付款方式", words.name(contract.payment_model)),
        ("成交额", _yuan(contract.total_amount), "技术交易额", _yuan(contract.technology_amount)),
        ("核定期间", f"{words.day(asked.begins_on)} 至 {words.day(asked.ends_on)}", "申请人", asked.requested_by.name),
    ]
    blocks: list[Block] = [
        Facts(rows),
        Heading("一、到账"),
        Table(
            ("到账日期", "付款单位", "凭证和发票", "金额（元）"),
            [(words.day(one.received_on), one.payer, _proof(one), money.yuan(one.amount)) for one in asked.receipts],
            widths=(2.4, 4, 5.6, 3),
            right=(3,),
        ),
        Heading("二、技术性收入"),
        Table(
            ("项目", "金额（元）"),
            [
                ("到账合计", money.yuan(asked.received)),
                *((f"减：{line.kind.label}", money.yuan(line.amount)) for line in asked.deductions),
                ("申请核定的技术性收入", money.yuan(asked.income)),
                *([("核定的技术性收入", money.yuan(asked.amount))] if is_approved else []),
            ],
            widths=(8, 4),
            right=(1,),
        ),
        *([Note(f"说明：{asked.note}")] if asked.note else []),
        Heading("三、核定意见"),
        Table(("环节", "办理人", "日期", "意见"), _opinions(asked), widths=(2, 2.6, 2.6, 8)),
        *([] if is_approved else [Boxes(["初核人", "核定人"])]),
        Facts([("核定额", f"{_yuan(asked.amount)}　{money.capitals(asked.amount)}")] if is_approved else []),
        Note(_DOES_NOT_PROVE),
        Signature(carried["office"], words.long_day(asked.counts_on) if is_approved and asked.counts_on else ""),
    ]
    ended = asked.state in (VerificationState.REFUSED, VerificationState.WITHDRAWN, VerificationState.REVOKED)
    return Sheet(
        title="技术性收入核定表",
        numbers=[carried["number"]],
        blocks=[one for one in blocks if not (isinstance(one, Facts) and not one.rows)],
        across=asked.state.label if ended else "",
        **carried,
    )


def _proof(receipt: Receipt) -> str:
    """Voucher and invoices, a line each."""
    told = (("凭证 ", receipt.voucher_number), ("发票 ", receipt.invoice_numbers))
    return "\n".join(label + number for label, number in told if number)


def _opinions(asked: Verification) -> list[tuple[str, str, str, str]]:
    checked = local(asked.checked_at).date() if asked.checked_at else None
    decided = local(asked.decided_at).date() if asked.decided_at else None
    return [
        ("初核", words.name(asked.checked_by), words.day(checked), asked.opinion),
        ("核定", words.name(asked.decided_by), words.day(decided), asked.decision),
    ]


def _yuan(amount: Decimal) -> str:
    return f"{money.yuan(amount)} 元"
