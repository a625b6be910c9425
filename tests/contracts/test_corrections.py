"""A correction item by item: where it belongs, what is answered, what became of it."""

import re

import pytest

from contracts_app.accounts.roles import Role
from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from tests.contracts.answers import post, subject, upload
from tests.factories import PDF

ITEMS = {
    "items-0-section": "subject.title",
    "items-0-request": "名称与封面一致",
    "items-1-section": "subject.content",
    "items-1-request": "写明验收指标",
    "items-2-section": "files.contract",
    "items-2-request": "补第 5 页",
}


@pytest.fixture
def sent_back(make, sign_in):
    """A contract with three items to put right, its filer and the registrar who asked."""
    contract, registrar = make.contract(state=State.SUBMITTED), sign_in(make.user())
    url = f"/contracts/{contract.id}"
    assert registrar.post(f"{url}/ask_correction", data=ITEMS | {"version": contract.version}).status_code == 302
    return contract, url, sign_in(contract.filed_by), registrar


def test_each_item_stands_beside_the_answer_it_is_about(sent_back):
    contract, url, filer, _ = sent_back
    assert [(item.section, item.field) for item in contract.corrections] == [
        ("subject", "title"),
        ("subject", "content"),
        ("files", "contract"),
    ]
    page = filer.get(f"{url}/fill").text
    assert f'<a href="{url}/fill/subject#title">标的与期限 · 合同名称</a>：名称与封面一致' in page
    assert "要求补正 2 处" in page
    part = filer.get(f"{url}/fill/subject").text
    assert re.search(r'id="title-mark">.*?登记机构要求：名称与封面一致', part, re.S)
    assert 'aria-describedby="title-hint title-mark"' in part
    assert "登记机构要求：补第 5 页" in filer.get(f"{url}/fill/files").text


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)[1]


def test_each_item_is_answered_and_the_office_sees_what_became_of_it(sent_back):
    contract, url, filer, registrar = sent_back
    changed = {"title": "改过的名称", "type_code": "KF2", "content": contract.content}
    post(filer, contract, "subject", subject(**changed))
    upload(filer, contract, "contract", ("第五页.pdf", PDF + b"5"))
    replies = {"replies-0": "已改名称", "replies-1": "合同第四条已写明", "version": contract.version}

    refused = filer.post(f"{url}/resubmit", data=replies | {"version": contract.version})
    assert refused.status_code == 422
    assert "第 3 项：答复这一项" in refused.text
    assert "已改名称" in refused.text

    assert (
        filer.post(f"{url}/resubmit", data=replies | {"replies-2": "已补传", "version": contract.version}).status_code
        == 302
    )
    assert [item.reply for item in contract.corrections] == ["已改名称", "合同第四条已写明", "已补传"]
    for page in (registrar.get(f"{url}/accept").text, registrar.get(url).text):
        assert page.count("未修改") == 1
        assert page.index("合同第四条已写明") < page.index("未修改") < page.index("已改名称")
        assert re.search(r"合同名称：<del>.*?</del> → <ins>改过的名称</ins>", page)
        assert re.search(r"<ins>.*第五页\.pdf（第 1 版）</ins>", page)
        beside = re.search(r"这次提交改了什么.*?</table>", page, re.S)[0]
        assert "合同类型" in beside
        assert "合同名称" not in beside
        assert "附件" not in beside, "the one file that changed had been asked for"
        assert "补正清单：标的与期限 · 合同名称：名称与封面一致；" in page
        assert "逐项答复：标的与期限 · 合同名称：已改名称；" in page


def test_answers_under_way_are_kept_without_touching_the_contract(sent_back):
    contract, url, filer, _ = sent_back
    version = contract.version
    first, second = (hidden(filer.get(f"{url}/fill/check").text, "base") for _ in range(2))
    filer.post(f"{url}/fill/replies", data={"replies-1": "写到一半", "base": first})
    assert "写到一半" in filer.get(f"{url}/fill/check").text
    contract = db.session.get(Contract, contract.id)
    assert (contract.version, len(contract.open_corrections)) == (version, 3)
    script = {"Accept": "application/json"}
    mine = {"replies-0": "另一个窗口写的", "base": second}
    assert filer.post(f"{url}/fill/replies", data=mine, headers=script).status_code == 409
    asked = filer.post(f"{url}/fill/replies", data=mine)
    assert asked.status_code == 409
    assert "写到一半" in asked.text
    assert "另一个窗口写的" in asked.text
    assert contract.open_corrections[0].reply == "", "nothing is overwritten"
    chosen = {"replies-0": "另一个窗口写的", "base": hidden(asked.text, "base"), "take-replies": "mine"}
    assert filer.post(f"{url}/fill/replies", data=chosen).status_code == 302
    base = hidden(filer.get(f"{url}/fill/check").text, "base")
    for text in ("又写", "又写了"):  # the page learns what it has kept
        kept = filer.post(f"{url}/fill/replies", data={"replies-0": text, "base": base}, headers=script)
        assert kept.json.keys() == {"saved", "base"}
        base = kept.json["base"]
    assert "又写了" in filer.get(f"{url}/fill/check").text


def test_a_finding_is_taken_over_with_one_press_and_nothing_typed_is_lost(make, sign_in):
    contract = make.contract(state=State.ACCEPTED, content="短")
    client, url = sign_in(make.user(Role.REGISTRAR)), f"/contracts/{contract.id}/ask_correction"
    code = re.search(r'name="take" value="([^"]+)"', client.get(url).text)[1]

    answer = client.post(
        url,
        data={"items-0-request": "我写的一项", "items-0-section": "money", "take": code, "version": contract.version},
    )

    assert answer.status_code == 200
    assert "我写的一项" in answer.text
    assert re.search(r'<option selected value="[a-z]+\.[a-z_]+">', answer.text)
    assert re.search(r'name="items-1-request"[^>]*>\s*\S+', answer.text)
    assert contract.state is State.ACCEPTED
    assert 'name="take"' not in client.get(f"/contracts/{contract.id}/review").text
