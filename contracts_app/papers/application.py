"""技术合同登记表, filled in: every question of the national form in its order and words (domain facts 3.1, 3.2).

A registrar copies it into the national system; what was not answered is an empty box.
"""

from decimal import Decimal

from contracts_app.accounts.models import User
from contracts_app.accounts.permissions import OFFICE
from contracts_app.codes.models import PaymentModel
from contracts_app.contracts.amounts import deduction_reasoning, foreign_in_words, plain, total_in_words
from contracts_app.contracts.facts import type_in_words
from contracts_app.contracts.models import Contract, ContractRight
from contracts_app.contracts.questions import topics_of
from contracts_app.core import money
from contracts_app.enterprises.facts import national_fields
from contracts_app.enterprises.models import Enterprise

from . import words
from .blocks import Block, Facts, Heading, Long, Note, Row, Sheet, Signature, Table, pairs

# The form's own list (domain facts 3.1, no. 8); other ways of paying are 其他 there.
_NATIONAL_PAYMENT = {"1": "一次支付", "2": "分期支付", "3": "提成支付", "4": "入门费+提成", "5": "其他"}
_TEN_THOUSAND = Decimal(10_000)


def application(contract: Contract, reader: User) -> Sheet:
    """The form. Telephone and private address are whole for whoever filed and for the office that copies them."""
    carried = words.frame(contract)
    is_whole = contract.filed_by_id == reader.id or bool(reader.roles & OFFICE)
    blocks: list[Block] = [
        Heading("一、合同"),
        Facts(_project(contract)),
        Heading("二、卖方（申请人）"),
        Facts(_party(contract.seller, "卖方", is_whole=is_whole)),
        Heading("三、买方"),
        Facts(_party(contract.buyer, "买方", is_whole=is_whole)),
        Heading("四、按合同类别填写"),
        *_details(contract),
        Heading("五、技术交易额的计算"),
        _deductions(contract),
        Heading("六、付款约定"),
        *_payment(contract),
        Heading("七、标的内容"),
        Long(contract.content),
        Heading("八、本地项目（国家登记表不填）"),
        Facts(_local(contract)),
        Note("申请方承诺：所填内容与合同文本一致，材料真实、合法、有效，不含国家秘密。"),
        Signature("申请人（盖章）", "　　　　年　　月　　日"),
    ]
    numbers = [carried["number"]] if carried["number"] else []
    return Sheet(title="技术合同登记表", numbers=numbers, blocks=blocks, **carried)


def _project(contract: Contract) -> list[Row]:
    return [
        ("合同登记编号", words.spaced(contract.registration_number or "")),
        ("项目（合同）名称", contract.title),
        ("合同类别", type_in_words(contract), "签订日期", words.day(contract.signed_on)),
        ("合同有效期限（起）", words.day(contract.begins_on), "合同有效期限（止）", words.day(contract.ends_on)),
        ("合同成交总额", _with_capitals(total_in_words(contract), contract.total_amount)),
        ("技术交易额", _with_capitals(_yuan(contract.technology_amount), contract.technology_amount)),
        ("支付方式", _payment_words(contract.payment_model), "是否关联交易", words.yes_no(contract.is_related)),
        ("计划来源", words.name(contract.plan_source), "知识产权", words.name(contract.ip)),
        ("技术领域", words.name(contract.field), "社会经济目标", words.name(contract.goal)),
        ("服务的国民经济行业", words.name(contract.industry)),
    ]


def _payment_words(model: PaymentModel | None) -> str:
    """The word of the national list, with ours where it says more."""
    if model is None:
        return ""
    national = _NATIONAL_PAYMENT.get(model.national_code, "其他")
    return f"{national}（{model.name}）" if national == "其他" else national


def _party(party: Enterprise | None, role: str, *, is_whole: bool) -> list[Row]:
    if party is None:
        return [(f"{role}名称", "")]
    facts = [
        (label.replace("单位名称", f"{role}名称").replace("单位性质", f"{role}性质"), answer)
        for label, answer in national_fields(party, is_whole=is_whole)
    ]
    return pairs(facts, wide=(f"{role}名称", "地址", "企业属性"))


def _details(contract: Contract) -> list[Block]:
    blocks: list[Block] = []
    facts: list[tuple[str, str]] = []
    for topic in topics_of(contract):
        match topic.name:
            case "rights":
                blocks.append(_rights(contract.rights))
            case "licence":
                facts += [
                    ("许可方式", words.name(contract.licence_mode)),
                    ("许可地域", contract.licence_territory),
                    ("许可期限（起）", words.day(contract.licence_begins_on)),
                    ("许可期限（止）", words.day(contract.licence_ends_on)),
                ]
            case "output":
                facts += [
                    ("预计新增投入", _wan(contract.expected_input)),
                    ("预计新增产值", _wan(contract.expected_output)),
                ]
            case "base" | "parent":
                facts += [
                    (f"{topic.label}登记编号", words.spaced(contract.base_number)),
                    (f"{topic.label}金额", _yuan(contract.base_amount)),
                    (f"{topic.label}说明", contract.base_note),
                ]
            case "trainees":
                count = contract.trainee_count
                facts += [
                    ("培训人数", "" if count is None else f"{count} 人"),
                    ("培训对象和项目", contract.trainee_note),
                ]
            case "equity":
                facts += [
                    ("作价金额", _yuan(contract.equity_valuation)),
                    ("占股比例", _percent(contract.equity_share)),
                    ("股权登记日期", words.day(contract.equity_registered_on)),
                ]
            case "import":
                facts += [
                    ("技术进口合同登记证书编号", contract.import_certificate_number),
                    ("技术进口登记日期", words.day(contract.import_registered_on)),
                ]
    if facts:
        blocks.append(Facts(pairs(facts)))
    return blocks or [Note("这一类别没有另外要填的项目。")]


def _rights(rights: list[ContractRight]) -> Table:
    rows = [
        (
            str(right.position),
            right.ip.name,
            right.number,
            right.name,
            right.owner,
            words.day(right.applied_on),
            words.day(right.valid_until),
        )
        for right in rights
    ]
    head = ("序号", "知识产权类别", "专利号、登记号", "名称", "权利人", "申请日", "有效期至")
    return Table(head, rows or [("",) * len(head)], widths=(1.1, 2.4, 3.8, 3.6, 3, 2.4, 2.4))


def _deductions(contract: Contract) -> Table:
    """How 技术交易额 comes about, step by step."""
    rows = [(step.label, money.yuan(step.amount), step.note) for step in deduction_reasoning(contract)]
    return Table(("项目", "金额（元）", "说明"), rows, widths=(3, 3, 7), right=(1,))


def _payment(contract: Contract) -> list[Block]:
    model = contract.payment_model
    facts: list[tuple[str, str]] = [
        ("支付方式", _payment_words(model)),
        ("金额待定", "是" if contract.is_price_open else "否"),
        ("币种", contract.currency.name if contract.currency else "人民币"),
        ("外币折算", foreign_in_words(contract)),
    ]
    if model and model.has_royalty:
        facts += [
            ("提成基数", contract.royalty_base.label if contract.royalty_base else ""),
            ("提成比例", _percent(contract.royalty_rate)),
            ("比例的变化", contract.royalty_rate_note),
            ("提成期间（起）", words.day(contract.royalty_begins_on)),
            ("提成期间（止）", words.day(contract.royalty_ends_on)),
            ("保底金额", _yuan(contract.royalty_floor)),
            ("封顶金额", _yuan(contract.royalty_cap)),
            ("是否约定查账", words.yes_no(contract.may_inspect_books)),
            ("提成预计（不计入成交额）", _yuan(contract.royalty_estimate)),
        ]
    if model and model.asks_free_use:
        facts += [("免费使用到", words.day(contract.free_until)), ("开始付款的条件", contract.free_trigger)]
    blocks: list[Block] = [Facts(pairs(facts, wide=("外币折算",)))]
    if not model or model.asks_plan:
        rows = [
            (str(line.position), words.day(line.due_on), line.condition, money.yuan(line.amount))
            for line in contract.payments
        ]
        blocks.append(
            Table(
                ("期", "应付日期", "付款条件", "金额（元）"), rows or [("",) * 4], widths=(1, 2.4, 7, 3.2), right=(3,)
            )
        )
    if contract.payment_note:
        blocks.append(Facts([("付款说明", contract.payment_note)]))
    return blocks


def _local(contract: Contract) -> list[Row]:
    share = contract.broker_share
    return pairs(
        [
            ("合同编号（双方自编）", contract.contract_number),
            ("考核单元", words.name(contract.unit)),
            ("镇（街道）", words.name(contract.town)),
            ("创新平台", words.name(contract.platform)),
            ("技术经纪人", words.name(contract.broker)),
            ("经纪人促成比例", "" if share is None else f"{share}%"),
            ("促成活动", contract.activity),
            ("需求编号", contract.demand_number),
            ("成果编号", contract.result_number),
            ("合同文本为外文", words.yes_no(contract.is_foreign_language)),
            ("由内设机构签订", words.yes_no(contract.is_signed_by_department)),
            ("依法须经批准", words.yes_no(contract.needs_approval)),
            ("签字盖章齐全", words.yes_no(contract.is_sealed)),
            ("申报人", contract.filed_by.name),
            ("提交日期", words.day(words.submitted_on(contract))),
        ]
    )


def _with_capitals(amount: str, value: Decimal) -> str:
    return f"{amount}　{money.capitals(value)}" if value else amount


def _yuan(amount: Decimal | None) -> str:
    return "" if amount is None else f"{money.yuan(amount)} 元"


def _wan(amount: Decimal | None) -> str:
    """万元, as the paper form has it; exact."""
    return "" if amount is None else f"{plain(amount / _TEN_THOUSAND)} 万元"


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{plain(share)}%"
