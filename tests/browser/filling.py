"""Filling in a contract at the browser, as a broker does; and what a test puts into the database beforehand."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select

from contracts_app.accounts.models import User
from contracts_app.core.clock import today
from contracts_app.core.db import db
from tests.factories import PDF, Make

DAY = timedelta(days=1)
NUMBERS = count(1)  # keep apart the names of what is made by several tests in one database
SUBJECT = {
    "title": "伞骨自动装配线视觉检测系统开发",
    "content": "开发视觉检测系统，交付软件和样机，按约定指标验收。",
    "signed_on": (today() - 10 * DAY).isoformat(),
    "begins_on": (today() - 10 * DAY).isoformat(),
    "ends_on": (today() + 300 * DAY).isoformat(),
}
TECHNOLOGY = {"field_code": "03", "ip_code": "01", "plan_source_code": "5", "goal_code": "10", "industry_code": "C"}


def made(server: Any, make: Callable[[Make, dict[str, User]], Any]) -> int:
    """Put something into the database of the running application: the id of what ``make(Make(), people)`` returns.

    ``people`` are those of the demonstration, by the name they sign in with.
    """
    with server.app.app_context():
        people = {one.username: one for one in db.session.scalars(select(User))}
        maker = Make()
        maker._numbers = NUMBERS
        thing = make(maker, people)
        db.session.commit()
        return thing.id


def asked(server: Any, question: Callable[[], Any]) -> Any:
    """What the database of the running application answers."""
    with server.app.app_context():
        return question()


def begin(page: Page) -> int:
    """A new draft, by the menu; its number."""
    page.goto("/contracts/new")
    page.get_by_role("button", name="开始填写").click()
    page.wait_for_url("**/fill/parties")
    return number_in(page.url)


def number_in(url: str) -> int:
    return int(re.search(r"/contracts/(\d+)", url)[1])


def subject(page: Page, **changes: str) -> None:
    for name, value in (SUBJECT | changes).items():
        page.locator(f"#{name}").fill(value)
    page.locator("#type_code").select_option("KF1")


def technology(page: Page) -> None:
    for name, value in TECHNOLOGY.items():
        page.locator(f"#{name}").select_option(value)


def upload(page: Page, name: str, kind: str) -> None:
    expect(page.locator("#kind_code")).to_have_value(kind)  # what is missing is suggested
    page.locator("#files").set_input_files({"name": name, "mimeType": "application/pdf", "buffer": PDF})
    page.get_by_role("button", name="上传", exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()


def go_on(page: Page) -> None:
    page.get_by_role("button", name="保存，下一步：").click()
