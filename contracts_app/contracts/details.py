"""The answers that only some contracts have: by type, by how the price is agreed, by where the other party sits."""

from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from contracts_app.codes.models import Currency, LicenceMode
from contracts_app.core.db import Money, Scaled, word_type
from contracts_app.core.words import Word

PERCENT = Scaled(4)  # 12.5 means 12.5 %
EXCHANGE_RATE = Scaled(8)  # CNY for one unit of the foreign currency


class RoyaltyBase(Word):
    """What a royalty is a share of (《民法典》第846条, domain facts 4.2)."""

    PRICE = "price", "产品价格"
    OUTPUT = "output", "新增产值"
    PROFIT = "profit", "利润"
    SALES = "sales", "销售额"


class TypeDetails:
    """What the type of the contract asks for besides (domain facts 3.1, 3.4). Empty where it is not asked."""

    @declared_attr
    def licence_mode_code(cls) -> Mapped[str | None]:
        return mapped_column(ForeignKey("licence_modes.code"))

    @declared_attr
    def licence_mode(cls) -> Mapped[LicenceMode | None]:
        return relationship()

    # 许可
    licence_territory: Mapped[str] = mapped_column(String(200), default="")
    licence_begins_on: Mapped[date | None]
    licence_ends_on: Mapped[date | None]
    # 转让: mandatory on the paper form
    expected_input: Mapped[Decimal | None] = mapped_column(Money)
    expected_output: Mapped[Decimal | None] = mapped_column(Money)
    # 中介, and 咨询 or 服务 that go with a transfer or a development: the contract they belong to
    base_number: Mapped[str] = mapped_column(String(16), default="")  # its 合同登记编号, where it has one
    base_note: Mapped[str] = mapped_column(Text, default="")
    base_amount: Mapped[Decimal | None] = mapped_column(Money)
    # 培训
    trainee_count: Mapped[int | None]
    trainee_note: Mapped[str] = mapped_column(String(300), default="")  # who is taught, and for which project
    # 入股
    equity_valuation: Mapped[Decimal | None] = mapped_column(Money)
    equity_share: Mapped[Decimal | None] = mapped_column(PERCENT)
    equity_registered_on: Mapped[date | None]
    # import: the seller sits abroad
    import_certificate_number: Mapped[str] = mapped_column(String(60), default="")
    import_registered_on: Mapped[date | None]


class Pricing:
    """How the price is agreed where it is no fixed sum of CNY (domain facts 4.2). Amounts are 元."""

    @declared_attr
    def currency_code(cls) -> Mapped[str | None]:
        return mapped_column(ForeignKey("currencies.code"))  # empty: CNY

    @declared_attr
    def currency(cls) -> Mapped[Currency | None]:
        return relationship()

    is_price_open: Mapped[bool] = mapped_column(default=False)  # 金额待定: the total is only what is fixed by now
    royalty_base: Mapped[RoyaltyBase | None] = mapped_column(word_type(RoyaltyBase, "royalty_base"))
    royalty_rate: Mapped[Decimal | None] = mapped_column(PERCENT)
    royalty_rate_note: Mapped[str] = mapped_column(String(300), default="")  # rising, falling, by steps
    royalty_begins_on: Mapped[date | None]
    royalty_ends_on: Mapped[date | None]
    royalty_cap: Mapped[Decimal | None] = mapped_column(Money)
    royalty_floor: Mapped[Decimal | None] = mapped_column(Money)
    may_inspect_books: Mapped[bool | None]
    royalty_estimate: Mapped[Decimal | None] = mapped_column(Money)  # told beside the total, never part of it
    # 先使用后付费
    free_until: Mapped[date | None]
    free_trigger: Mapped[str] = mapped_column(String(300), default="")  # on what the price becomes due
    # Foreign currency: as the contract has it; total_amount is the same in CNY
    foreign_amount: Mapped[Decimal | None] = mapped_column(Money)
    exchange_rate: Mapped[Decimal | None] = mapped_column(EXCHANGE_RATE)
    exchange_rate_on: Mapped[date | None]
    exchange_rate_source: Mapped[str] = mapped_column(String(100), default="")


class Origin:
    """Where the deal came from: local answers that no national form asks (domain facts 3.2)."""

    contract_number: Mapped[str] = mapped_column(String(60), default="")  # 合同编号, the parties' own
    broker_share: Mapped[int | None]  # percent of the deal that the broker brought about
    activity: Mapped[str] = mapped_column(String(100), default="")  # 搭桥, 赶集日, 创智汇 …
    demand_number: Mapped[str] = mapped_column(String(60), default="")
    result_number: Mapped[str] = mapped_column(String(60), default="")
    is_foreign_language: Mapped[bool | None]  # a translation goes with it
    is_signed_by_department: Mapped[bool | None]  # by a 课题组 or the like: a 授权委托书 goes with it
    needs_approval: Mapped[bool | None]  # 依法须经批准
    is_sealed: Mapped[bool | None]  # signed and sealed by every party, under the names given here
