"""Reading the code lists. Every signed-in person may: they are what the forms ask in."""

from dataclasses import dataclass

from flask import Blueprint, abort, current_app, g, redirect, render_template, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from contracts_app.core.clock import today

from . import models, queries

bp = Blueprint("codes", __name__, url_prefix="/codes")


@dataclass(frozen=True)
class Shown:
    """A list as the page shows it: its words, and which of its own columns are worth seeing."""

    label: str
    model: type[models.CodeList]
    more: tuple[tuple[str, str], ...] = ()  # name of the column, its heading
    flags: tuple[tuple[str, str], ...] = ()  # yes or no, too many for a column each: the words of those that hold

    def held_by(self, item: models.CodeList) -> str:
        """Which of the flags an entry carries, in words."""
        return "、".join(label for name, label in self.flags if getattr(item, name))


LISTS = {
    "contract-types": Shown(
        "合同类别",
        models.ContractType,
        (
            ("legacy_name", "2022 年以前的类别"),
            ("seller_title", "卖方称谓"),
            ("asks", "另须填写"),
        ),
    ),
    "technology-fields": Shown("技术领域", models.TechnologyField),
    "ip-kinds": Shown("知识产权类别", models.IpKind, (("is_patent", "专利"), ("is_none", "未涉及"))),
    "party-types": Shown("买卖方性质", models.PartyType, (("is_enterprise", "企业"),)),
    "enterprise-attributes": Shown("企业属性", models.EnterpriseAttribute),
    "plan-sources": Shown("计划来源", models.PlanSource),
    "payment-models": Shown(
        "支付方式",
        models.PaymentModel,
        (("national_code", "国家代码"),),
        flags=(
            ("asks_plan", "填付款计划"),
            ("must_sum_to_total", "各期合计等于成交额"),
            ("has_royalty", "有提成"),
            ("may_be_undetermined", "可以金额待定"),
            ("asks_free_use", "先使用后付费"),
            ("is_equity", "以股权支付"),
        ),
    ),
    "currencies": Shown("币种", models.Currency),
    "benefit-kinds": Shown("优惠种类", models.BenefitKind),
    "licence-modes": Shown("许可方式", models.LicenceMode, (("is_exclusive", "独占或排他"), ("is_open", "开放许可"))),
    "goals": Shown("社会经济目标", models.Goal, (("asks_classified_check", "核对是否涉密"),)),
    "industries": Shown("国民经济行业", models.Industry),
    "refusal-reasons": Shown("不予登记理由", models.RefusalReason, (("asks_text", "须另写说明"),)),
    "non-acceptance-reasons": Shown(
        "不予受理理由",
        models.NonAcceptanceReason,
        (("asks_text", "须另写说明"), ("is_classified", "涉密，不留内容")),
    ),
    "change-grounds": Shown(
        "变更、注销、撤销、异议事由",
        models.ChangeGround,
        (("case", "用于"), ("asks_text", "须另写说明")),
    ),
    "attachment-kinds": Shown("附件种类", models.AttachmentKind, (("required_when", "何时提交"),)),
    "measures": Shown(
        "指标口径",
        models.Measure,
        (("unit", "单位"), ("is_counted", "本系统统计"), ("has_task", "下达年度任务")),
    ),
    "documents": Shown(
        "来源文件", models.Document, (("number", "文号"), ("issuer", "发布者"), ("issued_on", "发布日期"))
    ),
}

# Reference data that are no code list, by endpoint; shown where their page is there.
OTHERS = (
    ("regions.index", "地区"),
    ("regions.units", "考核单元"),
    ("rules.index", "规则与时限"),
    ("rules.calendar", "工作日历"),
)


@bp.get("/")
@login_required
def index() -> Response:
    """The first list."""
    return redirect(url_for(".show", name=next(iter(LISTS))))


@bp.get("/<name>")
@login_required
def show(name: str) -> str:
    """One list, whole, also what may no longer be chosen."""
    shown = LISTS.get(name) or abort(404)
    items = queries.listed(shown.model)
    return render_template(
        "codes/show.html", name=name, shown=shown, items=queries.as_tree(items), today=today(), lists=LISTS
    )


@bp.app_template_global()
def reference_menu() -> list[tuple[str, str]]:
    """Label and address of every list and every other page of reference data."""
    lists = [(shown.label, url_for("codes.show", name=name)) for name, shown in LISTS.items()]
    return lists + [(label, url_for(point)) for point, label in OTHERS if point in current_app.view_functions]


@bp.app_template_global()
def source_words(source: str) -> str:
    """A source as people read it: of a stored document its title, else the words themselves."""
    if "document_titles" not in g:
        g.document_titles = {document.code: document.name for document in queries.listed(models.Document)}
    title = g.document_titles.get(source)
    return f"《{title}》" if title else source
