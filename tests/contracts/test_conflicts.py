"""Two people, or one in two windows: mine beside theirs, field by field, and nothing is overwritten unasked."""

import re
from html import unescape
from urllib.parse import unquote

from contracts_app.contracts.models import Contract
from contracts_app.contracts.states import State
from contracts_app.core.db import db
from tests.contracts.answers import kept, post, subject


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)[1]


def carried(page):
    """What the page on which is chosen sends once more."""
    texts = dict(re.findall(r'<textarea hidden name="([^"]+)">\n(.*?)</textarea>', page, re.S))
    chosen = dict(re.findall(r'name="(take-[^"]+)"[^>]*value="(\w+)" checked', page))
    return {**texts, **chosen, **seen(page), "go": "next"}


def seen(page):
    """What a page of a part carries along of what it was shown."""
    names = ("version", "base", "kept", "window")
    return {name: hidden(page, name) for name in names if f'name="{name}"' in page}


def test_two_windows_choose_field_by_field_and_save_in_one_go(make, sign_in):
    contract = make.contract("原来的")
    filer, url = sign_in(contract.filed_by), f"/contracts/{contract.id}/fill/subject"
    opened = filer.get(url).text
    seen, base = hidden(opened, "version"), hidden(opened, "base")
    same = {name: str(getattr(contract, name)) for name in ("content", "signed_on", "begins_on", "ends_on")}
    post(filer, contract, "subject", subject(title="别的窗口", type_code="KF2", **same), version=seen)

    mine = subject(title="我的", **same | {"content": "我写的内容"}) | {"base": base}
    answer = post(filer, contract, "subject", mine, version=seen)

    assert answer.status_code == 409
    assert "这份合同刚在别的窗口保存过" in answer.text
    assert contract.filed_by.name in answer.text
    choices = carried(answer.text)
    # Touched by both, by the other only, by me only.
    assert (choices["take-title"], choices["take-type_code"], choices["take-content"]) == ("mine", "now", "mine")
    assert answer.text.count("两边都改了") == 1
    assert db.session.get(Contract, contract.id).title == "别的窗口"

    assert filer.post(url, data=choices | {"take-title": "now"}).status_code == 302
    kept = db.session.get(Contract, contract.id)
    assert (kept.title, kept.type_code, kept.content) == ("别的窗口", "KF2", "我写的内容")
    again = filer.post(url, data=choices)
    assert again.status_code == 409  # what was chosen on a stale copy is asked once more


WRONG = subject(signed_on="2026-02-31")  # kept as typed: the day is none


def test_a_part_with_gaps_is_not_overwritten_by_another_window(make, sign_in):
    contract = make.contract("原来的")
    filer, url = sign_in(contract.filed_by), f"/contracts/{contract.id}/fill/subject"
    first, second = filer.get(url).text, filer.get(url).text
    theirs = filer.post(url, data=WRONG | seen(first) | {"title": "别的窗口", "go": "draft"})
    assert theirs.status_code == 302

    mine = WRONG | seen(second) | {"content": "我写的内容"}
    for go in ("draft", "next"):
        answer = filer.post(url, data=mine | {"go": go})
        assert answer.status_code == 409
        assert "别的窗口" in answer.text
        assert "我写的内容" in answer.text
    assert "别的窗口" in unquote(kept(contract, "subject").fields), "nothing is overwritten"
    assert "take-signed_on" not in answer.text, "both say the same"

    chosen = carried(answer.text) | {"go": "draft", "take-title": "now", "take-content": "mine"}
    assert filer.post(url, data=chosen).status_code == 302
    page = unescape(filer.get(url).text)
    assert ("别的窗口" in page, "我写的内容" in page, "2026-02-31" in page) == (True, True, True)


def test_a_whole_part_is_not_saved_over_what_another_window_typed(make, sign_in):
    contract = make.contract("原来的")
    filer, url = sign_in(contract.filed_by), f"/contracts/{contract.id}/fill/subject"
    first, second = filer.get(url).text, filer.get(url).text
    filer.post(url, data=WRONG | seen(first) | {"title": "别的窗口", "go": "draft"})
    answer = filer.post(url, data=subject(title="我的") | seen(second) | {"go": "next"})
    assert answer.status_code == 409
    assert "2026-02-31" in answer.text
    assert db.session.get(Contract, contract.id).title == "原来的"
    assert kept(contract, "subject")


def test_autosave_says_that_another_window_was_quicker_and_follows_its_own(make, sign_in):
    contract = make.contract("原来的")
    filer, url = sign_in(contract.filed_by), f"/contracts/{contract.id}/fill/subject"
    first, second = filer.get(url).text, filer.get(url).text
    for title in ("一", "一二"):  # the page does not learn the stamp: it is known by its own name
        assert filer.post(f"{url}/autosave", data=WRONG | seen(first) | {"title": title}).status_code == 200
    answer = filer.post(f"{url}/autosave", data=WRONG | seen(second) | {"title": "我的"})
    assert answer.status_code == 409
    assert "别的窗口保存过这一部分" in answer.json["message"]
    assert "%E4%B8%80%E4%BA%8C" in kept(contract, "subject").fields
    post(filer, contract, "subject", subject(title="存好了", type_code="KF1"))
    assert filer.post(f"{url}/autosave", data=WRONG | seen(second)).status_code == 409, "a saved part neither"
    assert kept(contract, "subject") is None


def test_another_part_saved_meanwhile_is_in_nobodys_way(make, sign_in):
    contract = make.contract("原来的")
    filer, url = sign_in(contract.filed_by), f"/contracts/{contract.id}/fill/subject"
    opened = filer.get(url).text
    post(
        filer,
        contract,
        "parties",
        {"seller_id": str(contract.seller_id), "buyer_id": str(contract.buyer_id), "is_related": "yes"},
    )
    assert filer.post(f"{url}/autosave", data=WRONG | seen(opened)).status_code == 200
    assert filer.post(url, data=WRONG | seen(opened) | {"go": "draft"}).status_code == 302


def test_a_part_posted_without_a_version_overwrites_nothing(make, sign_in):
    contract = make.contract("原来的")
    answer = post(sign_in(contract.filed_by), contract, "subject", subject(title="新的"), version="")
    assert answer.status_code == 409
    assert db.session.get(Contract, contract.id).title == "原来的"


def test_a_decision_on_a_stale_copy_is_laid_beside_what_stands_now(make, sign_in):
    contract = make.contract(state=State.ACCEPTED)
    registrar, url = sign_in(make.user()), f"/contracts/{contract.id}/review"
    opened = registrar.get(url).text
    contract.type_code = "FW1"  # somebody recognised another type and it came back
    db.session.commit()
    typed = {
        "recognised_type": "KF1",
        "conclusion": "register",
        "opinion": "写了很久的意见",
        "version": hidden(opened, "version"),
        "base": hidden(opened, "base"),
    }

    answer = registrar.post(url, data=typed)

    assert answer.status_code == 409
    choices = carried(answer.text)
    assert (choices["take-recognised_type"], choices["take-opinion"]) == ("now", "mine")
    assert "一般技术服务" in answer.text
    assert contract.state is State.ACCEPTED
    assert registrar.post(url, data=choices).status_code == 302
    assert (contract.state, contract.type_code) == (State.REVIEWED, "FW1")
    assert contract.history[-1].answers["opinion"] == "写了很久的意见"


def test_a_move_posted_without_a_version_is_not_made(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    answer = sign_in(make.user()).post(f"/contracts/{contract.id}/accept", data={"complete_papers": "y"})
    assert answer.status_code == 409
    assert contract.state is State.SUBMITTED
