"""The parts of the filing as forms. They check the shape of each answer; what must be true is in ``checks``."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import select
from wtforms import SelectChoice
from wtforms.validators import Length

from contracts_app.accounts.roles import Role
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import CodeList, ContractType, Goal, Industry, IpKind, PlanSource, TechnologyField
from contracts_app.codes.queries import choosable, listed
from contracts_app.contracts.checking.checks import Section
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.web.fields import ChoiceField, DayField, LongText, ShortText, YesNoField, choice_list
from contracts_app.enterprises.facts import common_group
from contracts_app.enterprises.fields import EnterpriseField, number_of
from contracts_app.platforms.queries import platforms

from .detail_forms import DetailsForm, WholeNumber
from .money_forms import MoneyForm
from .parts import PartForm


class PartiesForm(PartForm):
    section = Section.PARTIES

    seller_id = EnterpriseField(
        "卖方", description="收取价款的一方：研究开发人、让与人、许可人、受托人。由卖方申请登记。"
    )
    buyer_id = EnterpriseField("买方", description="支付价款的一方：委托人、受让人、被许可人。")
    is_related = YesNoField("买卖双方是不是关联交易", description="有隶属、控股或同一控制关系的，选“是”。")
    broker_id = ChoiceField("技术经纪人", description="由技术经纪人促成的，选择是谁。", coerce=number_of)

    group: str | None = None  # which both parties belong to, where that answers the question of 关联交易

    def follow(self) -> None:
        """Members of one group are related parties (domain facts 3.4): said for whoever has not answered yet."""
        self.group = common_group(self.seller_id.chosen, self.buyer_id.chosen)
        if self.group and self.is_related.data is None:
            self.is_related.data = True
            self.followed = f"双方都属于{self.group}，关联交易已按“是”填写。"

    def offer_choices(self) -> None:
        if not self.person.has(Role.REGISTRAR):
            del self.broker_id
            return
        brokers = db.session.execute(
            select(Broker.id, Broker.name).where(Broker.is_active).order_by(Broker.pinyin, Broker.id)
        )
        self.broker_id.choices = choice_list([(str(key), name) for key, name in brokers], "没有经纪人")


class SubjectForm(PartForm):
    section = Section.SUBJECT
    leans_on: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "begins_on": ("signed_on",),
        "ends_on": ("signed_on", "begins_on"),
    }

    title = ShortText(
        "合同名称",
        [Length(max=200, message="合同名称不超过 200 字")],
        description="写全称，与合同封面一致。",
    )
    type_code = ChoiceField("合同类型", description="按合同的主要内容选到子类型；登记机构会再认定一次。")
    content = LongText(
        "标的内容",
        [Length(max=5000, message="标的内容不超过 5000 字")],
        description="要解决什么技术问题、交付什么成果、怎样验收。不要写涉密内容。",
    )
    signed_on = DayField("签订日期", description="合同落款日期；双方不在同一天的，写后一个。")
    begins_on = DayField("有效期开始")
    ends_on = DayField("有效期结束", description="只有有效期内的合同才能申请登记。")
    contract_number = ShortText(
        "合同编号", [Length(max=60, message="合同编号不超过 60 字")], description="双方自己编的号，写在合同封面上。"
    )
    is_foreign_language = YesNoField("合同文本为外文", description="是外文的，另附中文译本。")
    is_signed_by_department = YesNoField("由内设机构签订", description="由院系、课题组等签订的，另附单位的授权委托书。")
    needs_approval = YesNoField("依法须经批准", description="法律规定须经批准的技术，另附批准文件或许可证。")
    is_sealed = YesNoField(
        "签字盖章齐全", description="各方都已在合同上签字、盖章，印章和上面填写的名称一致。还不齐的，补齐后再申报。"
    )

    def offer_choices(self) -> None:
        self.type_code.choices = _grouped(ContractType, "选择合同类型")


class TechnologyForm(PartForm):
    section = Section.TECHNOLOGY

    field_code = ChoiceField("技术领域")
    ip_code = ChoiceField("知识产权", description="转让、许可合同要有具体的知识产权；没有的选“未涉及知识产权”。")
    plan_source_code = ChoiceField("计划来源", description="不是财政计划项目的，选“计划外”。")
    goal_code = ChoiceField("社会经济目标", description="按目的选，不按内容选；有几个的选主要的一个。")
    industry_code = ChoiceField("服务的国民经济行业", description="技术用在哪个行业。")
    platform_id = ChoiceField("创新平台", description="由平台促成的，选择是哪一个。", coerce=number_of)
    activity = ShortText(
        "促成活动", [Length(max=100, message="促成活动不超过 100 字")], description="例如搭桥行动、赶集日、创智汇。"
    )
    demand_number = ShortText("需求编号", [Length(max=60, message="需求编号不超过 60 字")])
    result_number = ShortText("成果编号", [Length(max=60, message="成果编号不超过 60 字")])
    broker_share = WholeNumber("经纪人促成比例", largest=100, unit="%", description="技术经纪人促成的部分占百分之几。")

    def offer_choices(self) -> None:
        self.field_code.choices = _plain(TechnologyField, "选择技术领域")
        self.ip_code.choices = _grouped(IpKind, "选择知识产权类别")
        self.plan_source_code.choices = _grouped(PlanSource, "选择计划来源")
        self.goal_code.choices = _plain(Goal, "选择社会经济目标")
        self.industry_code.choices = _plain(Industry, "选择行业门类", with_code=True)
        offered = db.session.scalars(platforms()).all()
        self.platform_id.choices = [
            SelectChoice("", "没有平台"),
            *(
                SelectChoice(str(one.id), one.name, optgroup=one.kind.label)
                for one in offered
                if one.closed_on is None or one.id == self.contract.platform_id
            ),
        ]


def _plain(model: type[CodeList], blank: str, *, with_code: bool = False) -> list[SelectChoice]:
    rows = [(one.code, f"{one.code} {one.name}" if with_code else one.name) for one in choosable(model, today())]
    return choice_list(rows, blank)


def _grouped(model: type[CodeList], blank: str) -> list[SelectChoice]:
    """The leaves of a list under the names of their roots; roots without leaves stand by themselves."""
    names = {one.code: one.name for one in listed(model)}
    leaves = [
        SelectChoice(one.code, one.name, optgroup=names.get(one.parent_code or "")) for one in choosable(model, today())
    ]
    return [SelectChoice("", blank), *leaves]


PARTS: dict[Section, type[PartForm]] = {
    form.section: form for form in (PartiesForm, SubjectForm, DetailsForm, MoneyForm, TechnologyForm)
}
