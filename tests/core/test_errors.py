"""Every way a request can fail has its page: it says what to do and nothing about the inside."""

import logging
import re

import pytest
from flask import abort
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from contracts_app.core.errors import PAGES, NotYours, Refused, Stale
from contracts_app.core.installation import set_fact

INSIDE = re.compile(
    r"Traceback|(?i:\bsql(?:ite3?|alchemy)?\b)|psycopg|File \"|/contracts_app/|SELECT |secret-detail|[A-Z]\w+Error\b"
)


def raises(error):
    def view():
        set_fact("note", "no")
        db.session.flush()
        raise error

    return view


def _too_late():
    contract = db.session.query(Contract).first()
    with db.engine.begin() as somebody_else:
        somebody_else.execute(text("UPDATE contracts SET version = version + 1"))
    contract.title = "我的修改"
    return "well"


def _same_number():
    one, two = db.session.query(Contract).order_by(Contract.id).limit(2)
    one.acceptance_number = two.acceptance_number = "JJ-JSHT-2026-99999"
    return "well"


def _unknown_constraint():
    db.session.execute(text("UPDATE contracts SET technology_amount = -1"))
    return "well"


VIEWS = {
    "refused": raises(Refused("先填写成交额。", "再选择买方。")),
    "not-yours": raises(NotYours("“受理”由登记员办理，你的岗位不能办理。")),
    "stale": raises(Stale()),
    "bug": raises(ZeroDivisionError("secret-detail")),
    "number": _same_number,
    "constraint": _unknown_constraint,
    "too-late": _too_late,
    **{str(code): (lambda code=code: abort(code)) for code in (400, 401, 403, 404, 405, 413, 429, 418, 500, 503)},
}


@pytest.fixture
def broken(live):
    live.app.testing = False  # as on a server: no exception leaves the application
    for name, view in VIEWS.items():
        live.app.add_url_rule(f"/broken/{name}", f"broken_{name}", view, methods=["GET", "POST"])
    return live


def sentences(page):
    return re.findall(r'<p class="lead-line">(.*?)</p>', page.text)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 413, 429, 418, 500, 503])
def test_every_status_has_its_page(broken, code):
    person = broken.make.user()
    for visitor in (broken.visitor(), broken.visitor(person)):
        page = visitor.get(f"/broken/{code}")
        assert page.status_code == code
        assert page.mimetype == "text/html"
        assert len(sentences(page)) == 1
        assert sentences(page)[0].endswith("。")
        assert "<h1>" in page.text
        assert not INSIDE.search(page.text)
        assert "{limit}" not in page.text
    for heading, sentence in PAGES.values():
        assert sentence.endswith("。")
        assert heading


def test_a_refusal_says_every_reason_and_keeps_nothing(broken):
    page = broken.visitor(broken.make.user()).post("/broken/refused")
    assert page.status_code == 409
    assert sentences(page) == ["先填写成交额。", "再选择买方。"]
    assert "退出" in page.text, "who is signed in keeps the menu"
    assert db.session.scalar(text("SELECT count(*) FROM installation_facts")) == 0


def test_what_is_not_yours_is_forbidden(broken):
    page = broken.visitor(broken.make.user()).post("/broken/not-yours")
    assert page.status_code == 403
    assert sentences(page) == ["“受理”由登记员办理，你的岗位不能办理。"]


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(broken, databases):
    """Found by the version at the commit, when nobody looked before. (SQLite lets only one write at a time.)"""
    broken.make.contract("原来的名称")
    if "sqlite" in str(broken.app.extensions["engine"].url):
        page = broken.visitor(broken.make.user()).post("/broken/stale")
    else:
        page = broken.visitor(broken.make.user()).post("/broken/too-late")
    assert page.status_code == 409
    assert "没有覆盖任何人的修改" in page.text
    assert db.session.query(Contract).one().title == "原来的名称"


def test_a_constraint_broken_at_the_commit_is_told_in_its_sentence(broken):
    broken.make.contract()
    broken.make.contract()
    page = broken.visitor(broken.make.user()).post("/broken/number")
    assert page.status_code == 409
    assert sentences(page) == ["受理号刚被同时受理的另一份合同取走，重新受理一次。"]
    assert [contract.acceptance_number for contract in db.session.query(Contract)] == [None, None]


@pytest.mark.parametrize("way", ["bug", "constraint"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_fault_of_ours_has_an_id_that_is_in_the_log_and_tells_nothing(broken, caplog, way, method):
    broken.make.contract()
    with caplog.at_level(logging.ERROR):
        page = broken.visitor(broken.make.user()).open(f"/broken/{way}", method=method)
    assert page.status_code == 500
    (error_id,) = re.findall(r'class="error-id">([0-9a-f]{16})<', page.text)
    (line,) = [record for record in caplog.records if error_id in record.getMessage()]
    assert f"{method} '/broken/{way}'" in line.getMessage()
    assert line.exc_info
    assert not INSIDE.search(page.text)


def test_each_fault_has_an_id_of_its_own(broken):
    pages = {re.search(r"error-id\">(\w+)", broken.visitor().get("/broken/bug").text)[1] for _ in range(3)}
    assert len(pages) == 3


def test_a_path_writes_no_line_of_its_own_into_the_log(broken, caplog):
    broken.app.add_url_rule("/broken/any/<path:name>", "broken_any", lambda name: 1 / 0)
    with caplog.at_level(logging.ERROR):
        broken.visitor().get("/broken/any/x%0AERROR%20forged")
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_the_demonstration_is_still_called_one_on_the_page_of_a_fault(broken):
    set_fact("mode", "demonstration")
    assert "演示环境" in broken.visitor().get("/broken/404").text
    assert "演示环境" in broken.visitor().get("/broken/bug").text


# --- when the database is gone ---------------------------------------------------------------------------------------


@pytest.fixture
def gone(broken):
    """From now on every statement fails, as when the server has stopped."""
    engine = broken.app.extensions["engine"]

    def fail(*args):
        raise OperationalError("statement", {}, Exception("secret-detail: the server closed the connection"))

    def begin():
        event.listen(engine, "before_cursor_execute", fail)

    yield begin
    if event.contains(engine, "before_cursor_execute", fail):
        event.remove(engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/", "/broken/404", "/broken/refused", "/broken/bug", "/nowhere", "/broken/503"])
def test_the_error_page_needs_no_database(broken, gone, caplog, path, method, signed_in):
    visitor = broken.visitor(broken.make.user() if signed_in else None)
    db.session.commit()
    db.session.remove()
    gone()
    page = visitor.open(path, method=method)
    if signed_in or path != "/":
        assert page.status_code >= 405
    assert page.status_code in {302, 405, 500, 503}, page.text[:300]
    if page.status_code >= 500:
        assert "<h1>" in page.text
        assert not INSIDE.search(page.text)
        assert page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_connection_that_is_cut_is_answered_and_the_next_request_works(broken):
    """The server ends the connection between two statements of one request."""

    def cut():
        set_fact("note", "no")
        db.session.flush()
        own = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as somebody_else:
            somebody_else.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        db.session.execute(text("SELECT 1"))
        return "well"

    broken.app.add_url_rule("/broken/cut", "broken_cut", cut, methods=["POST"])
    visitor = broken.visitor(broken.make.user())
    page = visitor.post("/broken/cut")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "error-id" in page.text
    assert visitor.get("/broken/404").status_code == 404
    assert db.session.scalar(text("SELECT count(*) FROM installation_facts")) == 0


# --- through the pages of a contract ---------------------------------------------------------------------------------


def test_an_unknown_address_is_a_page(app, make, sign_in, client):
    assert client.get("/nowhere").status_code == 404
    assert sign_in(make.user(Role.BROKER)).get("/nowhere/<script>").status_code == 404
    assert "<script>alert" not in sign_in(make.user()).get("/nowhere?q=<script>alert(1)</script>").text


@pytest.mark.parametrize("path", ["/?q=%00", "/?q=a&q=%00", "/static/%00", "/codes/%00", "/contracts/?q=x%00y"])
def test_what_no_database_keeps_is_not_taken(make, sign_in, path):
    assert sign_in(make.user()).get(path).status_code in (400, 404)


def test_what_no_database_keeps_is_not_taken_from_a_form(client):
    assert client.post("/sign-in", data={"username": "a\0b", "password": "x"}).status_code == 400


def test_a_form_kept_open_too_long_says_how_to_go_on(app, make, sign_in):
    visitor = sign_in(make.user())
    visitor.forget_token()
    page = visitor.post("/", data={"x": "1"})
    assert page.status_code in (400, 405)
    contract = make.contract(state=State.SUBMITTED)
    page = visitor.post(f"/contracts/{contract.id}/accept", data={"complete_papers": "y", "version": contract.version})
    assert page.status_code == 400
    assert "刷新后再提交" in page.text


@pytest.mark.parametrize("host", ["evil.example", "a b:99999", "localhost:x"])
def test_a_name_that_is_not_ours_is_refused_without_a_page(client, host):
    for more in ({"path": "/sign-in"}, {"path": "/me", "method": "POST"}, {"path": "/", "method": "POST", "json": []}):
        page = client.open(headers={"Host": host}, **more)
        assert page.status_code == 400
        assert page.mimetype == "text/plain"
        assert host not in page.text
