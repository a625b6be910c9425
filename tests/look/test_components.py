"""Markup of the components: what screen readers and keyboards rely on, and that no value becomes markup."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from werkzeug.datastructures import MultiDict

from contracts_app.core.drawing import charts
from contracts_app.core.web.filters import form_errors
from tests.look.markup import read
from tests.look.site import Filing, State

NASTY = "\"><script>alert('1')</script>&"


@pytest.fixture
def parts(render):
    """``parts("tags", "state_tag(state)", state=...)`` is the tree of one component."""

    def drawn(file: str, call: str, **values):
        name = call.split("(")[0]
        return read(render(f'{{% from "components/{file}.html" import {name} %}}{{{{ {call} }}}}', **values))

    return drawn


@pytest.fixture
def filing(site):
    """A form as it comes back: ``filing({"title": ""})`` has been checked."""

    def form(answers=None) -> Filing:
        with site.test_request_context():
            made = Filing(MultiDict(answers) if answers is not None else None, meta={"csrf": False})
            if answers is not None:
                made.validate()
            return made

    return form


# Forms


def test_a_field_names_its_label_hint_and_error(parts, filing):
    row = parts("forms", "field(f)", f=filing({"title": ""}).title)
    control = row.one("input")
    assert row.one("label")["for"] == control["id"] == "title"
    assert control["aria-describedby"] == "title-hint title-error"
    assert control["aria-invalid"] == "true"
    assert row.one(id="title-hint").text == "与合同正本一致。"
    assert row.one(id="title-error").text == "填写合同名称"
    assert row.one(id="title-error").one("i")["aria-hidden"] == "true"


def test_a_field_without_error_says_nothing_of_errors(parts, filing):
    control = parts("forms", "field(f)", f=filing().title).one("input")
    assert control["aria-describedby"] == "title-hint"
    assert "aria-invalid" not in control


def test_the_browser_checks_nothing_itself(parts, filing):
    control = parts("forms", "field(f)", f=filing().title).one("input")
    assert not {"required", "maxlength", "minlength", "pattern"} & set(control.attributes)


def test_what_may_be_left_out_is_marked_and_nothing_else(parts, filing):
    form = filing()
    assert parts("forms", "field(f)", f=form.memo).one(cls="need").text == "选填"
    assert not parts("forms", "field(f)", f=form.title).all(cls="need")
    assert not parts("forms", "field(f, optional=false)", f=form.memo).all(cls="need")


def test_options_go_to_the_control(parts, filing):
    row = parts("forms", 'field(f, label="密码", hint="", autocomplete="current-password")', f=filing().title)
    assert row.one("label").text == "密码"
    assert row.one("input")["autocomplete"] == "current-password"
    assert not row.all(cls="hint")


def test_a_day_is_typed(parts, filing):
    control = parts("forms", "field(f)", f=filing().signed_on).one("input")
    assert control["type"] == "text"
    assert "w-date" in control.classes


def test_radios_are_one_question(parts, filing):
    group = parts("forms", "field(f)", f=filing({"title": "x"}).model).one("fieldset")
    assert group.one("legend").text == "付款方式"
    assert group["aria-describedby"] == "model-error"
    for radio in group.all("input"):
        assert group.one("label", for_=radio["id"])


def test_a_select_is_a_select(parts, filing):
    assert "form-select" in parts("forms", "field(f)", f=filing().kind).one("select").classes


def test_a_checkbox_stands_before_its_label(parts, filing):
    row = parts("forms", "field(f)", f=filing().related)
    assert row.one("label")["for"] == row.one("input")["id"]
    assert row.one("input")["aria-describedby"] == "related-hint"


def test_an_amount_says_what_it_comes_to(parts, filing):
    row = parts("forms", "field(f)", f=filing({"total_amount": "120", "total_amount_unit": "wan"}).total_amount)
    assert row.one("input", id="total_amount")["value"] == "120"
    assert [radio["value"] for radio in row.all("input", type="radio") if "checked" in radio] == ["wan"]
    assert {radio["name"] for radio in row.all("input", type="radio")} == {"total_amount_unit"}
    assert row.one(cls="daxie").text == "1,200,000.00 元 壹佰贰拾万元整"


def test_an_amount_nobody_can_read_stays_as_typed(parts, filing):
    row = parts("forms", "field(f)", f=filing({"total_amount": "一百", "total_amount_unit": "yuan"}).total_amount)
    assert row.one("input", id="total_amount")["value"] == "一百"
    assert [radio["value"] for radio in row.all("input", type="radio") if "checked" in radio] == ["yuan"]
    assert row.one(cls="daxie").text == ""
    assert row.all(cls="error-text")


def test_a_file_says_what_is_taken(parts, filing):
    row = parts("forms", 'file(f, kinds="pdf jpg jpeg", limit_mb=5)', f=filing().scan)
    control = row.one("input")
    assert control["accept"] == ".pdf,.jpg,.jpeg"
    assert row.one(id=control["aria-describedby"]).text == "PDF、JPG，不超过 5 MB。"


def test_a_picker_works_as_a_plain_input(parts, filing):
    row = parts("forms", 'picker(f, "/find", chosen="恒锐", new_url="/new")', f=filing({"seller": "7"}).seller)
    assert row.one("input", type="hidden")["value"] == "7"
    assert row.one("input", id="seller")["name"] == "seller_text"
    assert row.one("input", id="seller")["value"] == "恒锐"
    assert row.one("label")["for"] == "seller"


def test_what_was_typed_never_becomes_markup(parts, filing):
    form = filing({"title": NASTY, "memo": NASTY, "total_amount": NASTY, "signed_on": NASTY, "seller": NASTY})
    for name in ("title", "memo", "total_amount", "signed_on"):
        row = parts("forms", "field(f)", f=form[name])
        assert not row.all("script")
    assert parts("forms", "field(f)", f=form.title).one("input")["value"] == NASTY
    picker = parts("forms", 'picker(f, "/find", chosen=nasty, typed=nasty)', f=form.seller, nasty=NASTY)
    assert not picker.all("script")
    assert picker.one("input", id="seller")["value"] == NASTY


# The error summary


def test_the_summary_repeats_every_sentence_and_leads_to_its_control(parts, filing, render):
    form = filing({"plan-0-due_on": "", "plan-1-due_on": "2027-06-30"})
    form.plan.errors = [*form.plan.errors, "各期合计少 40.00 万元"]
    form.form_errors.append("开始日期不能晚于结束日期")
    summary = parts("forms", 'error_summary(form, "第 {} 期")', form=form).one("div", cls="error-summary")
    assert (summary["role"], summary["tabindex"]) == ("alert", "-1")
    links = {link.text: link["href"] for link in summary.all("a")}
    assert links["填写合同名称"] == "#title"
    assert links["选择付款方式"] == "#model-0"
    assert links["第 1 期：填写应付日期"] == "#plan-0-due_on"
    assert links["各期合计少 40.00 万元"] == "#plan"
    assert "第 2 期：填写应付日期" not in links
    assert "开始日期不能晚于结束日期" in summary.text
    assert summary.one("h2").text == f"有 {len(links) + 1} 处要改"
    whole = '{% from "components/forms.html" import field %}{% from "components/plan.html" import plan %}'
    page = read(
        render(
            whole
            + "{% for f in form if f.id != 'plan' %}{{ field(f) }}{% endfor %}{{ plan(form.plan, 'total_amount') }}",
            form=form,
        )
    )
    ids = {element["id"] for element in page.everything() if "id" in element}
    assert {href[1:] for href in links.values()} <= ids


def test_a_form_without_errors_has_no_summary(parts, filing):
    assert parts("forms", "error_summary(form)", form=filing()).children == []


def test_errors_come_in_the_order_of_the_form(filing):
    targets = [error.target for error in form_errors(filing({"plan-0-due_on": ""}))]
    assert targets.index("title") < targets.index("kind") < targets.index("plan-0-due_on") < targets.index("scan")


# The payment plan


def test_a_plan_names_each_of_its_cells(parts, filing):
    table = parts("plan", 'plan(f, "total_amount")', f=filing().plan).one("table")
    named = [cell["aria-label"] for cell in table.all("input")]
    assert named[:3] == ["第 1 期应付日期", "第 1 期付款条件", "第 1 期金额"]
    assert [cell["name"] for cell in table.all("input")][3:] == ["plan-1-due_on", "plan-1-condition", "plan-1-amount"]


def test_a_new_row_is_like_the_others(parts, filing):
    plan = parts("plan", 'plan(f, "total_amount")', f=filing().plan)
    blank, row = plan.one("template"), plan.one("tbody").all("tr")[0]
    assert [cell["name"].replace("__n__", "0") for cell in blank.all("input")] == [
        cell["name"] for cell in row.all("input")
    ]
    assert [cell.get("data-label") for cell in blank.all("td")] == [cell.get("data-label") for cell in row.all("td")]


# Tags, actions, lists


@pytest.mark.parametrize("state", State)
def test_a_state_has_an_icon_and_its_word(parts, state):
    tag = parts("tags", "state_tag(state)", state=state).one("span")
    assert tag.text == state.label
    assert "bi-circle" not in tag.one("i").classes


def test_a_limit_is_told_in_words_too(parts):
    late = parts("tags", "due(d)", d=SimpleNamespace(level="bad", words="超期 1 个工作日", share=1.4))
    assert late.one("span", cls="due-bad").text == "超期 1 个工作日"
    assert late.one("rect", cls="m-bad")["width"] == "100"


@pytest.mark.parametrize(
    ("completion", "words"),
    [
        (None, "未设目标"),
        (Fraction(1), "已完成"),
        (Fraction(9, 10), "达序时"),
        (Fraction(8, 10), "落后"),
    ],
)
def test_pace_is_told_in_words(parts, completion, words):
    assert parts("tags", "pace_tag(c, p)", c=completion, p=Fraction(888, 1000)).text == words


def offer(name="review", asks=None, reasons=(), tone="plain"):
    move = SimpleNamespace(name=name, label="初审", icon="check2", tone=tone, asks=asks or {})
    return SimpleNamespace(move=move, reasons=list(reasons))


def test_a_move_is_a_link_where_it_asks_and_a_posted_form_where_it_does_not(parts):
    drawn = parts(
        "actions", "actions(offers, url)", offers=[offer(asks={"opinion": 1}), offer("accept")], url="/move/{}".format
    )
    assert drawn.one("a")["href"] == "/move/review"
    assert (drawn.one("form")["method"], drawn.one("form")["action"]) == ("post", "/move/accept")
    assert drawn.one("input", name_="csrf_token")["value"]


def test_a_refused_move_stays_and_says_why(parts):
    offers = [offer(reasons=["本人申报的合同由另一人办理。"])]
    greyed = parts("actions", "actions(offers, url)", offers=offers, url=str).one("span", cls="btn")
    assert greyed["aria-disabled"] == "true"
    assert "href" not in greyed
    why = parts("actions", "reasons(offers)", offers=offers).one("p")
    assert why["id"] == greyed["aria-describedby"]
    assert why.text == "“初审”现在不能办：本人申报的合同由另一人办理。"


def test_a_sorted_column_says_so(parts):
    sort = SimpleNamespace(key="amount", descending=True, toggled=lambda key, down: f"{key}:{down}")
    head = parts("table", 'sort_head("成交额", "amount", sort, num=true)', sort=sort).one("th")
    assert (head["scope"], head["aria-sort"]) == ("col", "descending")
    assert head.one("a")["href"] == "/every?size=50&sort=amount:True"
    assert "aria-sort" not in parts("table", 'sort_head("名称", "title", sort)', sort=sort).one("th")


def test_a_pager_keeps_the_size_and_greys_its_ends(parts):
    page = SimpleNamespace(
        rows=[1], number=3, size=50, total=101, first_row=101, last_row=101, has_next=False, has_previous=True
    )
    pager = parts("table", "pager(page)", page=page)
    assert pager.one("a", rel="prev")["href"] == "/every?page=2&size=50"
    assert not pager.all("a", rel="next")
    assert "第 101–101 项，共 101 项" in pager.text


def test_missing_facts_and_answers_are_said(parts):
    assert parts("facts", 'fact("知识产权", none)').one("dd").text == "—"
    assert parts("answers", 'answer("履行期限", none, "/edit", needed=true)').all("dd")[0].text == "未填写"


def test_the_link_of_an_answer_says_what_it_changes(parts):
    assert parts("answers", 'answer("卖方", "恒锐", "/edit")').one("a").text == "修改 卖方"


def test_values_never_become_markup(parts):
    entry = {"title": NASTY, "when": NASTY, "who": NASTY, "text": NASTY}
    step = {"label": NASTY, "url": NASTY, "state": "done", "words": NASTY}
    for file, call in [
        ("facts", "fact(n, n, href=n)"),
        ("answers", "answer(n, n, n, small=n)"),
        ("note", "note(n)"),
        ("empty", 'empty("inbox", n, n, n, n)'),
        ("tags", "tag(n)"),
        ("timeline", "timeline([entry])"),
        ("tasks", "tasks([step], note=n)"),
        ("table", "chips([(n, n)], clear=n)"),
        ("table", "tabs([(n, n, 1, true)])"),
        ("numbers", "number_card(n, n, n, href=n)"),
        ("numbers", "statement(n)"),
    ]:
        drawn = parts(file, call, n=NASTY, entry=entry, step=step)
        assert not drawn.all("script"), file
        assert "alert" in drawn.text, file


# Charts


def test_a_bar_is_told_in_words_and_has_its_tick(parts):
    (bar,) = charts.bars([(Decimal(80), Decimal(100))], pace=Fraction(9, 10))
    drawn = parts("charts", "bar(b, label)", b=bar, label="晋江市 成交额 80.00 万元").one("svg")
    assert (drawn["role"], drawn["aria-label"]) == ("img", "晋江市 成交额 80.00 万元")
    assert drawn.one("rect", cls="c-bar-behind")
    tick, pace = (float(drawn.one("line", cls=cls)["x1"]) for cls in ("c-tick", "c-pace"))
    assert tick > pace > float(drawn.one("rect", cls="c-bar-behind")["width"])


def test_tiles_without_an_address_are_not_links(parts):
    drawn = parts("charts", "tile_map(m)", m=charts.tile_map([("350582", "晋江市", Fraction(2), None)]))
    assert not drawn.all("a")
    assert drawn.one("g", cls="q5")["aria-label"] == "晋江市 完成率 200.0%"


def test_a_ring_has_its_table(parts):
    ring = charts.donut([("技术开发", Decimal(30000), "/c"), ("技术服务", Decimal(10000), None)])
    rows = parts("charts", "donut(d)", d=ring).all("tr")
    assert [row.text for row in rows] == ["技术开发 3.00 75.0%", "技术服务 1.00 25.0%"]


def test_a_finding_leads_to_where_it_is_mended(parts):
    found = [
        SimpleNamespace(level="error", sentence="选择卖方", field="seller"),
        SimpleNamespace(level="warning", sentence=NASTY, field=None),
    ]
    drawn = parts("findings", "findings(found, url)", found=found, url=lambda one: f"#{one.field}" if one.field else "")
    first, second = drawn.all("li")
    assert first.one("a")["href"] == "#seller"
    assert not second.all("a")
    assert "f-warn" in second.classes
    assert not drawn.all("script")


def test_history_shows_what_was_written_and_what_changed(parts):
    entry = {
        "title": "初审通过",
        "when": "11-06",
        "answers": [("意见", NASTY)],
        "changes": [("技术交易额", "", "790.00")],
    }
    drawn = parts("timeline", "timeline([entry])", entry=entry)
    assert "技术交易额：— → 790.00" in drawn.text
    assert not drawn.all("script")
