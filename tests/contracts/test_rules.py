"""Every rule of both sets: a contract that trips it, and one that does not."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from contracts_app.codes.models import ContractType, Goal, IpKind, LicenceMode, PaymentModel
from contracts_app.contracts.checking import checks
from contracts_app.contracts.checking.checks import Finding, Level, Section
from contracts_app.contracts.checking.lookups import Lookups
from contracts_app.contracts.checking.predicates import Context
from contracts_app.contracts.details import RoyaltyBase
from contracts_app.contracts.filing import summary
from contracts_app.contracts.filing.rights import rights_of
from contracts_app.contracts.models import Deduction, DeductionKind, PlannedPayment
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.enterprises.models import Scale
from contracts_app.rules.predicates import PREDICATES
from contracts_app.rules.queries import rule_set_named, rules_of

DAY = timedelta(days=1)
SETS = ("2001", "2026")
RELATED = {
    "type_code": ("type", ContractType),
    "ip_code": ("ip", IpKind),
    "goal_code": ("goal", Goal),
    "payment_model_code": ("payment_model", PaymentModel),
    "licence_mode_code": ("licence_mode", LicenceMode),
}
BIG = {"total_amount": Decimal(6_000_000), "technology_amount": Decimal(6_000_000)}
BLANK = ("title", "content")
YEAR_END = date(2025, 12, 28)
LINE = PlannedPayment

PATENT = {
    "ip_code": "0201",
    "name": "一种示范装置",
    "number": "ZL202410000001.X",
    "owner": "测试单位",
    "valid_until": date(2044, 1, 4),
}
TRANSFER, LICENCE = {"type_code": "ZR1"}, {"type_code": "XK1"}
LICENSED = LICENCE | {"licence_begins_on": today(), "licence_ends_on": today() + 30 * DAY}
ABROAD = {"_seller": {"region_code": "990000"}}


def patent(**changes):
    return TRANSFER | {"_rights": [PATENT | changes]}


ROYALTY = {
    "payment_model_code": "royalty",
    "royalty_base": RoyaltyBase.SALES,
    "royalty_rate": Decimal(3),
    "royalty_begins_on": today(),
    "royalty_ends_on": today() + DAY,
    "may_inspect_books": True,
}
USED_FIRST = {"payment_model_code": "use_first", "free_until": today(), "free_trigger": "买方决定继续使用"}
FOREIGN = {
    "currency_code": "USD",
    "foreign_amount": Decimal(125_000),
    "exchange_rate": Decimal(8),
    "exchange_rate_on": today(),
    "exchange_rate_source": "中国人民银行",
}

# Rule -> what is otherwise about a contract that trips it. What starts with "_" is prepared by the functions below.
TRIPS = {
    "P-01": {"seller_id": None},
    "P-02": {"buyer_id": None},
    "P-03": {"_same_party": True},
    "P-04": {"unit_code": None},
    "P-05": {"_seller": {"code": None}},
    "P-06": {"_seller": {"code": "913505820000000000"}},
    "P-07": {"_seller": {"party_type_code": "021", "scale": Scale.SMALL}},
    "P-08": {"is_related": None},
    "P-09": {"_seller": {"representative": "陈示范"}, "_buyer": {"representative": "陈示范"}},
    "P-10": {"is_related": True},
    "P-11": {"_seller": {"region_code": "990000"}},
    "P-12": {"_seller": {"address": "", "postcode": ""}},
    "P-13": {"_buyer": {"phone": ""}},
    "P-14": {"_seller": {"is_listed": None}},
    "P-15": {"_seller": {"group_name": "示范（集团）有限公司"}, "_buyer": {"group_name": "示范集团有限公司"}},
    "P-16": {"_buyer": {"scale": None}},
    "S-01": {"title": ""},
    "S-02": {"title": "技术开发合同"},
    "S-03": {"title": "数控技术咨询合同"},
    "S-04": {"title": "数控系统开发框架协议"},
    "S-05": {"title": "数控系统采购合同"},
    "S-06": {"type_code": None},
    "S-07": {"type_code": "KF"},
    "S-08": {"type_code": "XK1"},
    "S-10": {"content": ""},
    "S-11": {"content": "开发软件"},
    "S-12": {"content": "针对鞋底材料容易老化的难题开展研究工作"},
    "S-13": {"type_code": "KF2", "content": "研究一种新工艺，交付样品并验收。"},
    "S-14": {"content": "在成熟产品上开发，交付样品并验收。"},
    "S-15": {"type_code": "ZR1", "content": "转让的专利已过期，交付资料并验收。"},
    "S-17": {"type_code": "ZR3", "content": "交付工艺规程并按约定验收。"},
    "S-20": {"type_code": "ZX1", "content": "就设备采购提出报告。"},
    "S-21": {"type_code": "ZX1", "content": "到现场指导实施并出具报告。"},
    "S-22": {"type_code": "ZX1", "content": "就一项工艺问题进行研讨。"},
    "S-23": {"type_code": "FW1", "content": "日常维护生产线，解决停机。"},
    "S-24": {"type_code": "FW1", "content": "提高工艺水平，并将专利权转让给买方。"},
    "S-25": {"type_code": "FW1", "title": "驻厂技术服务", "content": "派人到买方的工厂工作三个月。"},
    "S-26": {"type_code": "FW2", "content": "对新员工进行入职培训。"},
    "S-27": {"type_code": "FW2", "title": "课堂", "content": "在卖方的教室里上课三天。"},
    "S-28": {"type_code": "FW3", "title": "商务联络", "content": "提供商务联络。"},
    "S-29": {"type_code": "FW3", "content": "代理销售买方的产品。"},
    "S-30": {"content": "研究新工艺，买方不得自行改进，交付样品并验收。"},
    "S-31": {"signed_on": None},
    "S-32": {"signed_on": today() + DAY},
    "S-33": {"begins_on": None},
    "S-34": {"begins_on": today() - 100 * DAY},
    "S-35": {"ends_on": None},
    "S-36": {"begins_on": today() + 3 * DAY, "ends_on": today() + 2 * DAY},
    "S-37": {"ends_on": today() - 50 * DAY},
    "S-38": {"ends_on": today() - DAY},
    "S-39": {"ends_on": today() + 20 * DAY},
    "S-40": {"_earlier": {}},
    "S-41": {"_earlier": {"turned": True}},
    "S-42": {
        "_earlier": {"amount": Decimal(7), "title": "测试技术开发合同甲", "signed_on": today() - 30 * DAY},
        "title": "测试技术开发合同乙",
    },
    "S-43": {"_earlier": {"amount": Decimal(7)}},
    "S-44": {"signed_on": YEAR_END},
    "S-45": {"signed_on": YEAR_END, "_batch": 2},
    "S-47": {"contract_number": "2026-001", "_earlier": {"contract_number": "2026-001", "amount": Decimal(7)}},
    "S-48": {"is_sealed": False},
    "S-49": {"is_sealed": None},
    "D-01": TRANSFER,
    "D-02": patent(owner=""),
    "D-03": patent(number="ZL202410"),
    "D-04": patent(number="ZL202410000001.5"),
    "D-05": {"type_code": "ZR4", "_rights": [PATENT | {"ip_code": "03", "number": "软著登字第1号"}]},
    "D-06": patent(valid_until=today() - DAY),
    "D-07": LICENSED | {"_rights": [PATENT | {"valid_until": today() + 29 * DAY}]},
    "D-08": patent(owner="别的单位"),
    "D-09": patent() | {"ip_code": "0202"},
    "D-10": LICENCE,
    "D-11": LICENCE,
    "D-12": LICENCE,
    "D-13": LICENCE,
    "D-14": LICENSED | {"licence_ends_on": today() - DAY},
    "D-15": LICENSED | {"licence_ends_on": today() + 4000 * DAY},
    "D-16": LICENSED | {"licence_ends_on": today() + 1825 * DAY},
    "D-17": LICENCE | {"licence_mode_code": "6", "royalty_base": RoyaltyBase.SALES, "royalty_rate": Decimal(21)},
    "D-18": TRANSFER,
    "D-19": TRANSFER,
    "D-20": {"type_code": "FW3"},
    "D-21": {"type_code": "FW3", "base_note": "另一份", "base_amount": Decimal(999_999)},
    "D-22": {"type_code": "FW3", "_base": Decimal(999_999)},
    "D-33": TRANSFER | {"_rights": [PATENT | {"ip_code": "01", "number": ""}]},
    "D-34": {"type_code": "ZX1", "_base": Decimal(999_999), "_base_type": "FW1"},
    "D-23": {"type_code": "FW2"},
    "D-24": {"type_code": "FW2"},
    "D-25": {"type_code": "ZR9"},
    "D-26": {"type_code": "ZR9"},
    "D-27": {"type_code": "ZR9", "equity_valuation": Decimal(1)},
    "D-28": {"type_code": "ZR9", "equity_registered_on": today() + DAY},
    "D-29": {"type_code": "ZR9"},
    "D-30": ABROAD,
    "D-31": ABROAD | {"begins_on": today() - 61 * DAY},
    "D-32": ABROAD | {"import_registered_on": today() + DAY},
    "M-01": {"total_amount": Decimal(0)},
    "M-02": {"total_amount": Decimal(99), "technology_amount": Decimal(99)},
    "M-03": {"total_amount": Decimal("1000000000.01")},
    "M-04": {"technology_amount": Decimal(0)},
    "M-05": {"technology_amount": Decimal("1000000.01")},
    "M-06": {"title": "检测设备开发"},
    "M-07": {"content": "开发新工艺，含设备采购，交付样品并验收。"},
    "M-08": {"technology_amount": Decimal(200_000)},
    "M-09": BIG,
    "M-10": {"payment_model_code": None},
    "M-11": {"payment_model_code": "equity"},
    "M-12": {"payment_model_code": "instalments", "payments": []},
    "M-13": {"payments": [LINE(position=1, amount=Decimal(1))]},
    "M-14": {"payments": [LINE(position=1, amount=Decimal(1)), LINE(position=2, amount=Decimal(999_999))]},
    "M-15": {"payments": [LINE(position=1, amount=Decimal(1_000_000), due_on=date(2001, 1, 1))]},
    "M-16": ROYALTY | {"royalty_base": None},
    "M-17": ROYALTY | {"royalty_rate": None},
    "M-18": USED_FIRST | {"free_until": None},
    "M-19": {"payment_model_code": "equity", "equity_valuation": Decimal(7)},
    "M-21": ROYALTY | {"royalty_begins_on": None},
    "M-22": ROYALTY | {"royalty_ends_on": None},
    "M-23": ROYALTY | {"may_inspect_books": None},
    "M-24": ROYALTY | {"royalty_ends_on": today() - DAY},
    "M-25": ROYALTY | {"royalty_floor": Decimal(2), "royalty_cap": Decimal(1)},
    "M-26": ROYALTY | {"begins_on": today() + DAY},
    "M-28": USED_FIRST | {"free_trigger": ""},
    "M-29": USED_FIRST | {"free_until": date(2001, 1, 1)},
    "M-30": USED_FIRST | {"total_amount": Decimal(0), "technology_amount": Decimal(0)},
    "M-31": {"is_price_open": True},
    "M-32": ROYALTY | {"is_price_open": True},
    "M-33": {"_deductions": [Decimal(600_000), Decimal("400000.01")]},
    "M-34": {"technology_amount": Decimal(900_000), "_deductions": [Decimal("99999.99")]},
    "M-35": FOREIGN | {"foreign_amount": None},
    "M-36": FOREIGN | {"exchange_rate": None},
    "M-37": FOREIGN | {"exchange_rate_on": None},
    "M-38": FOREIGN | {"exchange_rate_source": ""},
    "M-39": FOREIGN | {"exchange_rate_on": today() + DAY},
    "M-40": FOREIGN | {"signed_on": today() - DAY},
    "M-41": FOREIGN | {"exchange_rate": Decimal("7.9999")},
    "T-01": {"field_code": None},
    "T-02": {"ip_code": None},
    "T-03": {"type_code": "ZR1", "ip_code": "08"},
    "T-04": {"type_code": "ZR1", "ip_code": "03"},
    "T-05": {"plan_source_code": None},
    "T-06": {"goal_code": None},
    "T-07": {"goal_code": "13"},
    "T-08": {"title": "某型武器装备部件开发"},
    "T-09": {"industry_code": None},
    "T-15": {"broker_share": 50, "broker_id": None},
    "F-01": {"_without": "contract"},
    "F-02": {"_without": "authorization"},
    "F-03": BIG,
    "F-04": {"technology_amount": Decimal(900_000)},
    "F-05": {"type_code": "ZR1"},
    "F-06": {"content": "研究医疗器械的新工艺，交付样品并验收。"},
    "F-07": {"plan_source_code": "4"},
    "F-08": {"_seller": {"region_code": "990000"}},
    "F-09": {"_seller": {"region_code": "990000"}},
    "F-10": {"_same_file": True},
    "S-46": {"_gone": "type"},
    "M-20": {"_gone": "payment_model"},
    "T-10": {"_gone": "field"},
    "T-11": {"_gone": "ip"},
    "T-12": {"_gone": "plan_source"},
    "T-13": {"_gone": "goal"},
    "T-14": {"_gone": "industry"},
}


@pytest.fixture(autouse=True)
def _nothing_is_kept(app):
    yield
    db.session.rollback()
    db.session.autoflush = True


def found(contract, code, on=None):
    context = Context(on or today(), rule_set_named(code), Lookups([contract]))
    return list(checks.found_by(rules_of(code), contract, context))


def prepared(make, contract, facts):
    """The contract with these facts, not written; other contracts and parties are."""
    facts = dict(facts)
    if "_earlier" in facts:
        said = {"amount": contract.total_amount, "signed_on": contract.signed_on} | facts.pop("_earlier")
        sides = [contract.seller, contract.buyer]
        seller, buyer = reversed(sides) if said.pop("turned", False) else sides
        make.contract(seller=seller, buyer=buyer, state=State.SUBMITTED, **said)
    for _ in range(facts.pop("_batch", 0)):
        make.contract(seller=contract.seller, state=State.SUBMITTED, signed_on=YEAR_END)
    if facts.pop("_same_file", False):
        text = next(file for file in contract.attachments if file.kind_code == "contract")
        other = make.contract(state=State.SUBMITTED)
        other.attachments[0].sha256 = text.sha256
        db.session.commit()
    if amount := facts.pop("_base", None):
        base = make.contract(state=State.REGISTERED, amount=amount, type_code=facts.pop("_base_type", "KF1"))
        facts["base_number"] = base.registration_number
    db.session.autoflush = False
    if "_rights" in facts:
        contract.rights = rights_of(facts.pop("_rights"))
    for side in ("seller", "buyer"):
        for name, value in facts.pop(f"_{side}", {}).items():
            party = getattr(contract, side)
            setattr(party, name, value)
            if name == "party_type_code":
                party.party_type = db.session.get(type(party.party_type), value)
    if facts.pop("_same_party", False):
        contract.buyer_id = contract.seller_id
    if gone := facts.pop("_gone", None):
        getattr(contract, gone).valid_to = today() - DAY
    without = facts.pop("_without", None)
    for file in contract.attachments:
        if file.kind_code == without:
            file.removed_at = contract.created_at
    for name, value in facts.items():
        if name == "_deductions":
            contract.deductions[:] = [
                Deduction(position=place, kind=DeductionKind.PART, name="零件", amount=amount)
                for place, amount in enumerate(value, 1)
            ]
            continue
        if name == "payments":
            contract.payments[:] = [LINE(position=one.position, amount=one.amount, due_on=one.due_on) for one in value]
            continue
        setattr(contract, name, value)
        if name in RELATED:
            relation, model = RELATED[name]
            setattr(contract, relation, db.session.get(model, value) if value else None)
    return contract


@pytest.mark.parametrize("code", TRIPS)
def test_each_rule_is_tripped_by_a_contract_of_its_kind(make, code):
    contract = prepared(make, make.contract(), TRIPS[code])
    for name in SETS:
        if code in {rule.code for rule in rules_of(name)}:
            hits = [one for one in found(contract, name) if one.code == code]
            assert len(hits) == 1, name
            assert "{" not in hits[0].sentence
            assert hits[0].remedy
            assert hits[0].citation


def test_a_whole_contract_trips_none_of_either_set(make):
    contract = make.contract()
    assert [found(contract, code) for code in SETS] == [[], []]


def test_every_rule_of_both_sets_stands_in_the_table(app):
    assert {rule.code for code in SETS for rule in rules_of(code)} == TRIPS.keys()
    assert all(len(rules_of(code)) >= 40 for code in SETS)


def test_every_predicate_is_used_and_explained(app):
    assert {rule.predicate for code in SETS for rule in rules_of(code)} == PREDICATES.keys()
    assert all(one.explains.endswith(".") for one in PREDICATES.values())


def test_a_guess_from_words_stops_nobody_and_a_field_is_there_to_lead_to(app):
    for rule in [rule for code in SETS for rule in rules_of(code)]:
        assert not (PREDICATES[rule.predicate].is_heuristic and rule.severity is Level.ERROR), rule.code
        assert rule.section is Section.FILES or rule.field in summary.FIELDS[rule.section], rule.code


def test_no_article_stands_for_what_was_not_read(app):
    """Articles are given for the civil code and the drafts only; a clause of a draft is always to be verified."""
    for rule in [rule for code in SETS for rule in rules_of(code)]:
        if "第" in rule.citation.rpartition("》")[2]:
            assert "《民法典》" in rule.citation or "征求意见" in rule.citation, rule.code
        if "征求意见" in rule.citation:
            assert rule.is_to_verify, rule.code


def test_an_old_contract_keeps_the_rules_of_its_filing_day(make):
    contract = make.contract(state=State.SUBMITTED, type_code="XK1")
    contract.rule_set_code = "2001"
    db.session.commit()
    draft = make.contract(type_code="XK1")
    assert "S-08" in {one.code for one in checks.findings(contract, today())}
    assert "S-08" not in {one.code for one in checks.findings(draft, today())}
    old = checks.findings(draft, date(2026, 2, 28))
    assert "S-08" in {one.code for one in old}


def test_findings_come_in_the_order_of_the_form(make):
    contract = prepared(make, make.contract(), {"title": "", "seller_id": None, "industry_code": None})
    order = list(Section)
    places = [order.index(one.section) for one in checks.findings(contract, today())]
    assert places == sorted(places)
    assert len(places) >= 3


def test_findings_of_a_contract_ask_a_handful_of_questions_however_many_others_there_are(make, count_queries):
    contract = make.contract()
    checks.findings(contract, today())
    with count_queries() as few:
        checks.findings(contract, today())
    for _ in range(4):
        make.contract(seller=contract.seller, buyer=contract.buyer, state=State.SUBMITTED)
    with count_queries() as many:
        checks.findings(contract, today())
    assert len(few) == len(many) <= 5


@pytest.mark.parametrize(
    ("levels", "score"),
    [
        ([], 100),
        ([Level.INFO], 99),
        ([Level.WARNING], 97),
        ([Level.ERROR], 90),
        ([Level.ERROR, Level.WARNING, Level.WARNING, Level.INFO], 83),
        ([Level.ERROR] * 12, 0),
    ],
)
def test_only_a_contract_without_a_finding_has_a_hundred(levels, score):
    state = checks.readiness([Finding(Section.MONEY, "payments", level, "改") for level in levels])
    assert state.score == score
    assert bool(state.missing) == bool(levels)


def test_filer_and_office_read_the_same_with_remedy_and_clause(make, sign_in):
    contract = make.contract(title="检测设备开发", state=State.SUBMITTED)
    draft = make.contract(title="检测设备开发")
    for person, path in ((draft.filed_by, f"/contracts/{draft.id}/fill/check"), (make.user(), None)):
        page = sign_in(person).get(path or f"/contracts/{contract.id}/accept").text
        assert "合同名称里有“设备”，技术交易额和成交额相同" in page
        assert "怎么改：按报价明细扣除货物费用" in page
        assert "M-06 《技术合同认定登记规则》（征求意见文本）（条文待核）" in page
        assert "准备度 97 分" in page
    assert "准备度 97 分" in sign_in(draft.filed_by).get(f"/contracts/{draft.id}/fill").text
