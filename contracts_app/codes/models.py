"""The code lists of the registration form: one table per list, keyed by the code that is stored on a contract."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from contracts_app.core.db import Base, word_type
from contracts_app.core.words import Word

CODE = 40
NAME = 120


class CodeList:
    """What every list has: a code, its words, its place in the tree and in the order, when it may be chosen.

    `valid_from` and `valid_to` are the first and last day on which the code may be chosen; empty means open.
    An old contract keeps a code that may no longer be chosen.
    """

    code: Mapped[str] = mapped_column(String(CODE), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    position: Mapped[int]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")

    @declared_attr
    def parent_code(cls) -> Mapped[str | None]:
        return mapped_column(ForeignKey(f"{cls.__tablename__}.code"), index=True)  # type: ignore[attr-defined]

    @declared_attr.directive
    def __table_args__(cls) -> tuple[CheckConstraint, ...]:
        return (CheckConstraint("valid_from <= valid_to", name="valid_from_before_valid_to"),)

    def __str__(self) -> str:
        return self.name


class ContractType(CodeList, Base):
    """合同类别: five roots (KF ZR XK ZX FW) and their leaves; a contract carries a leaf.

    `legacy_name` is the category of the four-kind series before 2022, `seller_title` what the law calls the seller,
    the `asks_…` flags which further answers the type needs.
    """

    __tablename__ = "contract_types"

    legacy_name: Mapped[str] = mapped_column(String(NAME))
    seller_title: Mapped[str] = mapped_column(String(20))
    asks_ip: Mapped[bool] = mapped_column(default=False)  # an IP kind other than 未涉及知识产权
    asks_patent: Mapped[bool] = mapped_column(default=False)
    asks_licence: Mapped[bool] = mapped_column(default=False)  # mode, territory, term
    asks_expected_output: Mapped[bool] = mapped_column(default=False)  # 预计新增投入, 预计新增产值
    asks_base_contract: Mapped[bool] = mapped_column(default=False)  # the contract a 技术中介 brought about
    asks_trainees: Mapped[bool] = mapped_column(default=False)  # who is taught: 技术培训
    asks_equity: Mapped[bool] = mapped_column(default=False)  # valuation and share: 技术入股

    parent: Mapped["ContractType | None"] = relationship(remote_side="ContractType.code", lazy="joined", join_depth=1)

    @property
    def asks(self) -> str:
        """What the type needs besides, in words."""
        return "、".join(words for name, words in _ASKED_OF_TYPES.items() if getattr(self, name))


_ASKED_OF_TYPES = {
    "asks_ip": "知识产权",
    "asks_patent": "专利",
    "asks_licence": "许可方式、地域和期限",
    "asks_expected_output": "预计新增投入和产值",
    "asks_base_contract": "所依据的合同",
    "asks_trainees": "培训对象",
    "asks_equity": "作价和股权",
}


class TechnologyField(CodeList, Base):
    """技术领域: the eleven first-level fields of the national form."""

    __tablename__ = "technology_fields"


class IpKind(CodeList, Base):
    """知识产权类别."""

    __tablename__ = "ip_kinds"

    is_patent: Mapped[bool] = mapped_column(default=False)
    is_none: Mapped[bool] = mapped_column(default=False)  # 未涉及知识产权


class PartyType(CodeList, Base):
    """买方、卖方性质; the questions about firms are asked only where `is_enterprise`."""

    __tablename__ = "party_types"

    is_enterprise: Mapped[bool] = mapped_column(default=False)


class EnterpriseAttribute(CodeList, Base):
    """企业属性: what an enterprise has been recognised as, such as 高新技术企业."""

    __tablename__ = "enterprise_attributes"


class PlanSource(CodeList, Base):
    """计划来源."""

    __tablename__ = "plan_sources"


class PaymentModel(CodeList, Base):
    """支付方式: how the price is paid, and what follows for the payment plan.

    `asks_plan`: plan lines are filled in; `must_sum_to_total`: they add up to 成交额; `has_royalty`: royalty terms are
    filled in; `may_be_undetermined`: the total may be marked 金额待定; `asks_free_use`: nothing is paid until something
    happens (先使用后付费). `national_code` is the form's own list of five.
    """

    __tablename__ = "payment_models"

    national_code: Mapped[str] = mapped_column(String(10))
    asks_plan: Mapped[bool] = mapped_column(default=False)
    must_sum_to_total: Mapped[bool] = mapped_column(default=False)
    has_royalty: Mapped[bool] = mapped_column(default=False)
    may_be_undetermined: Mapped[bool] = mapped_column(default=False)
    asks_free_use: Mapped[bool] = mapped_column(default=False)
    is_equity: Mapped[bool] = mapped_column(default=False)  # paid in shares: the price is what they are valued at


class Goal(CodeList, Base):
    """社会经济目标, GB/T 24450-2009; 国防 makes the office ask whether the contract is classified."""

    __tablename__ = "goals"

    asks_classified_check: Mapped[bool] = mapped_column(default=False)


class Industry(CodeList, Base):
    """国民经济行业门类, GB/T 4754-2017."""

    __tablename__ = "industries"


class RefusalReason(CodeList, Base):
    """不予登记的理由 R01 to R12; `asks_text`: the code alone does not say enough."""

    __tablename__ = "refusal_reasons"

    asks_text: Mapped[bool] = mapped_column(default=False)


class NonAcceptanceReason(CodeList, Base):
    """不予受理的理由 (domain facts 1.8: not this office's territory, classified, oral); `asks_text` as above.

    `is_classified`: nothing of the contract is kept but that a paper file exists (1.7).
    """

    __tablename__ = "non_acceptance_reasons"

    asks_text: Mapped[bool] = mapped_column(default=False)
    is_classified: Mapped[bool] = mapped_column(default=False)


class CaseKind(Word):
    """What is asked for, or looked into, once a registration was decided."""

    CHANGE = "change", "变更"
    CANCELLATION = "cancellation", "注销"
    REVOCATION = "revocation", "撤销"
    OBJECTION = "objection", "异议"


class ChangeGround(CodeList, Base):
    """Why a registered contract is changed, cancelled, looked into or objected to (1.7).

    `case` is the kind of case the ground belongs to.
    """

    __tablename__ = "change_grounds"

    case: Mapped[CaseKind] = mapped_column(word_type(CaseKind, "case"))
    asks_text: Mapped[bool] = mapped_column(default=False)


class LicenceMode(CodeList, Base):
    """许可方式: 独占, 排他, 普通 and others (domain facts 3.3). `is_open`: 开放许可, whose price has usual bounds."""

    __tablename__ = "licence_modes"

    is_exclusive: Mapped[bool] = mapped_column(default=False)
    is_open: Mapped[bool] = mapped_column(default=False)


class BenefitKind(CodeList, Base):
    """优惠种类: what may be drawn on a registration (domain facts 4.3). Whether it holds the authority decides."""

    __tablename__ = "benefit_kinds"


class Currency(CodeList, Base):
    """币种 of a price that is not in CNY; the code is ISO 4217's."""

    __tablename__ = "currencies"


class Needed(Word):
    """When a file of a kind has to be there."""

    ALWAYS = "always", "必须提交"
    AGENT = "agent", "代理申请时必须提交"
    FIRST_FILING = "first_filing", "卖方首次登记时提交"
    BY_TYPE = "by_type", "按合同类别提交"
    APPROVAL = "approval", "依法须经批准时提交"
    GOVERNMENT_PROJECT = "government_project", "政府项目提交"
    FOREIGN_LANGUAGE = "foreign_language", "合同为外文时提交"
    IMPORT = "import", "技术进口合同提交"
    AFTER_PERFORMANCE = "after_performance", "履行后提交"
    CASE = "case", "登记后申请变更、注销或者撤销登记时提交"
    OPTIONAL = "optional", "可以提交"


class AttachmentKind(CodeList, Base):
    """附件种类. `type_codes` names the root types it concerns, separated by spaces; empty means all."""

    __tablename__ = "attachment_kinds"

    required_when: Mapped[Needed] = mapped_column(word_type(Needed, "required_when"), default=Needed.OPTIONAL)
    type_codes: Mapped[str] = mapped_column(String(100), default="")


class Measure(CodeList, Base):
    """What a target or a published figure measures, and its unit.

    `is_counted`: this system counts it itself, so that its own number can stand beside a target or a published one.
    `has_task`: it may be set as a yearly task, which the parts of a place add up to.
    """

    __tablename__ = "measures"

    unit: Mapped[str] = mapped_column(String(20))
    is_counted: Mapped[bool] = mapped_column(default=False)
    has_task: Mapped[bool] = mapped_column(default=False)


class Document(CodeList, Base):
    """A document that figures were taken from; `code` is the name of the stored file."""

    __tablename__ = "documents"

    number: Mapped[str] = mapped_column(String(60), default="")  # 文号
    issuer: Mapped[str] = mapped_column(String(60))
    issued_on: Mapped[date | None]
