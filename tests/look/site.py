"""A small site without a database that shows every component once.

To look at it: `python -m tests.look.site`, then open http://127.0.0.1:8010/every
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

from flask import Blueprint, Flask, abort, flash, g, jsonify, render_template, request
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect, FlaskForm
from jinja2 import ChoiceLoader, FileSystemLoader
from wtforms import (
    BooleanField,
    FieldList,
    FileField,
    Form,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from contracts_app.core.drawing import charts
from contracts_app.core.settings import ROOT
from contracts_app.core.web import filters, nav, pages
from contracts_app.core.web.fields import DayField, MoneyField
from contracts_app.core.words import Word

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Role(Word):
    BROKER = "broker", "技术经纪人"
    REGISTRAR = "registrar", "登记员"
    REVIEWER = "reviewer", "审核员"


class State(Word):
    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "已提交"
    CORRECTION = "correction", "待补正"
    ACCEPTED = "accepted", "已受理"
    REVIEWED = "reviewed", "初审通过"
    REGISTERED = "registered", "已登记"
    REFUSED = "refused", "不予登记"
    WITHDRAWN = "withdrawn", "已撤回"


@dataclass
class Person:
    name: str = "林若溪"
    roles: frozenset = frozenset({Role.REGISTRAR, Role.REVIEWER})
    region: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(name="晋江市"))
    is_authenticated: bool = True


class Instalment(Form):
    due_on = StringField("应付日期", [InputRequired("填写应付日期")])
    condition = StringField("付款条件")
    amount = MoneyField("金额", unit="wan")


class Filing(FlaskForm):
    version = HiddenField(default="1")
    base = HiddenField(default="as shown first")
    title = StringField("合同名称", [InputRequired("填写合同名称")], description="与合同正本一致。")
    seller = StringField("卖方", [InputRequired("选择卖方")])
    kind = SelectField(
        "合同类型",
        [InputRequired("选择合同类型")],
        choices=[SelectChoice("", "选择类型"), SelectChoice("kf", "技术开发"), SelectChoice("zr", "技术转让")],
    )
    model = RadioField(
        "付款方式", [InputRequired("选择付款方式")], choices=[SelectChoice("1", "一次性"), SelectChoice("2", "分期")]
    )
    signed_on = DayField("签订日期", [InputRequired("填写合同签订日期")], description="例如 2026-11-20。")
    total_amount = MoneyField(
        "成交额",
        [InputRequired("填写成交额")],
        description="合同写明的全部价款，含税。可直接输入“412万”。",
        unit="wan",
    )
    plan = FieldList(FormField(Instalment), label="付款计划", min_entries=2)
    scan = FileField("合同正本", [InputRequired("上传合同正本")])
    related = BooleanField("买卖双方有关联关系", description="有隶属、控股或同一控制关系的，勾选。")
    memo = TextAreaField("金额说明")


CONTRACTS = [
    ("柔性鞋面无缝编织成型工艺开发", "JJ-2026-0268", State.SUBMITTED, Decimal(2680000), ("ok", "剩 10 个工作日", 0.04)),
    ("陶瓷坯体微波干燥节能技术服务", "JJ-2026-0266", State.ACCEPTED, Decimal(965000), ("ok", "剩 8 个工作日", 0.22)),
    (
        "伞骨自动装配线视觉检测系统开发",
        "JJ-2026-0261",
        State.REVIEWED,
        Decimal(4120000),
        ("warn", "剩 2 个工作日", 0.78),
    ),
    ("休闲食品货架期预测模型咨询", "JJ-2026-0254", State.CORRECTION, Decimal(280000), ("warn", "剩 3 个工作日", 0.71)),
    (
        "高强涤纶缝纫线阻燃整理技术转让",
        "JJ-2026-0251",
        State.REFUSED,
        Decimal(2300000),
        ("bad", "超期 1 个工作日", 1.07),
    ),
    ("运动鞋中底超临界发泡工艺开发", "JJ-2026-0246", State.REGISTERED, Decimal(8600000), ("bad", "今天到期", 1.0)),
    (
        "<script>alert(1)</script>" + "很长的合同名称" * 8,
        "JJ-2026-0219",
        State.WITHDRAWN,
        Decimal(460000),
        ("ok", "剩 9 个工作日", 0.3),
    ),
    ("智能仓储调度算法软件著作权许可", "JJ-2026-0240", State.DRAFT, Decimal(1200000), ("ok", "剩 9 个工作日", 0.3)),
]
UNITS = [
    ("350582", "晋江市", 63482, 66000),
    ("350503", "丰泽区", 38204, 40000),
    ("350583", "南安市", 35916, 42000),
    ("350581", "石狮市", 24615, 30000),
    ("350502", "鲤城区", 22480, 28000),
    ("350521", "惠安县", 21936, 24000),
    ("350504", "洛江区", 20348, 22000),
    ("350524", "安溪县", 15102, 18000),
    ("3505K1", "泉州开发区", 14488, 16000),
    ("350505", "泉港区", 13220, 20000),
    ("3505T1", "泉州台商投资区", 9870, None),
    ("350526", "德化县", 9431, 9000),
    ("350525", "永春县", 5204, 8000),
]
MONTHS = [14210, 29830, 61470, 88300, 112940, 149820, 172360, 196050, 226740, 251480, 294301]
LAST_YEAR = [12100, 24800, 52600, 76900, 99800, 133200, 154000, 175300, 203200, 226800, 259900, 301400]
PACE = Fraction(888, 1000)

bp = Blueprint("contracts", __name__)


@bp.get("/every")
def index() -> str:
    form = Filing(meta={"csrf": False})
    form.total_amount.data = Decimal(4120000)
    if request.args.get("errors"):
        form.validate()
        form.plan.errors = [*form.plan.errors, "各期合计 372.00 万元，比成交额少 40.00 万元"]
    flash("已保存。")
    rows = [
        SimpleNamespace(
            title=title,
            number=code,
            state=state,
            amount=amount,
            due=SimpleNamespace(level=level, words=words, share=share),
        )
        for title, code, state, amount, (level, words, share) in CONTRACTS
    ]
    wan = Decimal(10000)
    figures = [(wan * value, wan * target if target else None) for *_, value, target in UNITS]
    moves = [
        SimpleNamespace(name="review", label="初审", icon="check2", tone="primary", asks={"opinion": 1}),
        SimpleNamespace(name="accept", label="受理", icon="inbox", tone="plain", asks={}),
        SimpleNamespace(name="refuse", label="不予登记", icon="x-lg", tone="danger", asks={}),
    ]
    return render_template(
        "every.html",
        form=form,
        page=pages.Page(rows, 2, 20, 268),
        sort=pages.Sort("amount", True),
        units=UNITS,
        figures=figures,
        bars=charts.bars(figures, PACE),
        pace=PACE,
        progress=charts.progress(Fraction(871, 1000), PACE),
        line=charts.cumulative(
            2026,
            date(2026, 11, 20),
            [wan * value for value in MONTHS],
            [wan * value for value in LAST_YEAR],
            wan * 338000,
            charts.Forecast(wan * 326400, wan * 313800, wan * 341200),
        ),
        ring=charts.donut(
            [
                ("技术开发", wan * 158400, "/every"),
                ("技术服务", wan * 74800, "/every"),
                ("技术转让", wan * 32900, "/every"),
                ("技术许可", wan * 17800, "/every"),
                ("技术咨询", wan * 10300, "/every"),
            ]
        ),
        map=charts.tile_map(
            [
                (code, name, Fraction(value, target) if target else None, "/every")
                for code, name, value, target in UNITS
            ],
            PACE,
        ),
        offers=[
            SimpleNamespace(move=moves[0], reasons=[]),
            SimpleNamespace(move=moves[1], reasons=[]),
            SimpleNamespace(move=moves[2], reasons=["本人初审的合同由另一人复核。"]),
        ],
        entries=[
            {
                "title": "受理",
                "when": datetime(2026, 11, 20, 6, 6, tzinfo=UTC),
                "who": "林若溪（登记员）",
                "text": "期限 15 个工作日。",
            },
            {"title": "补正后重新提交", "when": "2026-10-28 17:48", "who": "苏怀远", "tone": "warn"},
        ],
        steps=[
            {"label": "当事人", "url": "#", "state": "done"},
            {"label": "金额与付款", "url": "#", "state": "problem", "words": "有 3 处要改", "now": True},
            {"label": "技术信息", "url": "#", "state": "doing"},
            {"label": "核对并提交", "url": "#", "state": "locked"},
        ],
    )


@bp.get("/inbox")
def inbox() -> str:
    return render_template("quiet.html")


@bp.get("/find")
def find():
    return jsonify([{"id": 7, "name": "恒锐智能装备（福建）有限公司", "note": "91350582MA00DEMO3X · 晋江市东石镇"}])


@bp.post("/draft")
def draft():
    return jsonify(base=f"after {request.form['base']}")


@bp.route("/signin", methods=["GET", "POST"])
def signin() -> str:
    return render_template("signin.html", form=Filing(meta={"csrf": False}))


@bp.get("/fails/<int:status>")
def fails(status: int):
    abort(status)


def make_site(**settings) -> Flask:
    app = Flask("look", template_folder=ROOT / "templates", static_folder=ROOT / "static")
    app.config.update(SECRET_KEY="look", BOOTSTRAP_SERVE_LOCAL=True, WTF_CSRF_CHECK_DEFAULT=False, **settings)
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(ROOT / "tests" / "look" / "templates")]
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    Bootstrap5(app)
    CSRFProtect(app)
    filters.init_app(app)
    pages.init_app(app)
    nav.init_app(app, may_open=lambda endpoint, person: True, counts={"contracts.inbox": lambda person: 12})
    app.register_blueprint(bp)

    @app.context_processor
    def _everywhere() -> dict:
        return {"current_user": g.get("person") or Person(), "demo_mode": True}

    @app.errorhandler(Exception)
    def _failed(error):
        status = getattr(error, "code", 500)
        if status == 500:
            app.logger.exception(error)
        sentence = "为什么是这样，以及怎么办。"
        return render_template(
            "errors/page.html",
            status=status,
            heading="没有办成",
            reasons=[sentence],
            error_id="1a2b3c4d" if status == 500 else None,
        ), status

    @app.after_request
    def _strict(response):
        response.headers["Content-Security-Policy"] = CSP
        return response

    return app


if __name__ == "__main__":
    make_site().run(port=8010)
