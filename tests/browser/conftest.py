"""Real Chromium on the real application, served by the real server, on a copy of the demonstration data.

A test fails when its page logs an error, throws one, or asks for anything that is not on this machine.
"""

import csv
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from waitress import create_server, wasyncore

from contracts_app import create_app
from contracts_app.core.settings import Settings
from tests.databases import once
from tests.visitors import NO_BROWSER
from tools.chromium import FLAGS, chromium, why_not

HERE = Path(__file__).parent
STANDARD = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],  # what passes is not written down node by node
    "preload": False,  # no rule of these needs the style sheets fetched a second time
}
# A list of hundreds is looked at as far as its thirtieth row: what follows is made in the same loop.
WITHOUT_MORE_OF_THE_SAME = {"exclude": [["tbody > tr:nth-child(n+31)"]]}
PATIENCE = 60_000  # milliseconds; no test waits that long unless it is going to fail, however busy the machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if item.path.is_relative_to(HERE)]
    reason = why_not() if here and os.environ.get("CI") != "true" else None
    for item in here:
        item.add_marker(pytest.mark.browser)
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"{NO_BROWSER}: {reason}"))


@dataclass(frozen=True)
class Account:
    role: str
    region: str
    username: str
    password: str


@dataclass(frozen=True)
class Server:
    """The running application: where it is, and who can sign in."""

    url: str
    app: Flask
    accounts: tuple[Account, ...]

    def account(self, role: str, region: str = "晋江市") -> Account:
        return next(one for one in self.accounts if (one.role, one.region) == (role, region))


@pytest.fixture(scope="session")
def demonstration(run_folder: Path) -> Path:
    """An instance folder as `make run` leaves it on a new machine; to copy from."""

    def generated() -> str:
        folder = run_folder / "demonstration"
        app = create_app(_settings(folder))
        for command in ("init", "demo"):
            with app.app_context():
                done = app.test_cli_runner().invoke(args=[command])
            assert done.exit_code == 0, f"{command}: {done.output}"
        app.extensions["engine"].dispose()
        return str(folder)

    return Path(once(run_folder, "demonstration", generated))


@pytest.fixture(scope="module")
def server(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application on a free port, with a copy of the demonstration data that the tests of one module share."""
    folder = tmp_path_factory.mktemp("server") / "instance"
    shutil.copytree(demonstration, folder)
    app = create_app(_settings(folder))
    waitress = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=waitress.run, daemon=True)
    thread.start()
    with (folder / "demo-accounts.csv").open(encoding="utf-8-sig", newline="") as file:
        accounts = tuple(Account(**row) for row in csv.DictReader(file))
    yield Server(f"http://127.0.0.1:{waitress.effective_port}", app, accounts)
    stop(waitress, thread)
    app.extensions["engine"].dispose()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """``new_page()`` is another person's browser; ``new_page(width=390, height=844)`` their telephone."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def opened(width: int = 1280, height: int = 900, **more: object) -> Page:
        context = browser.new_context(
            base_url=server.url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": height},
            **more,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        _watch(page, troubles)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A browser in which nobody has signed in."""
    return new_page()


@pytest.fixture
def enter(server: Server) -> Callable[..., Page]:
    """``enter(page, "registrar")`` signs in by the form, as the demonstration account of that role and region."""

    def signed_in(page: Page, role: str, region: str = "晋江市") -> Page:
        account = server.account(role, region)
        page.goto("/")
        page.locator("input[name=username]").fill(account.username)
        page.locator("input[name=password]").fill(account.password)
        page.locator("form button[type=submit]").first.click()
        page.wait_for_url(lambda url: "sign-in" not in url)
        return page

    return signed_in


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """``accessible(page)`` fails with what WCAG 2.2 AA would have otherwise, as far as a machine can tell."""

    axe = Axe().axe_script

    def check(page: Page) -> None:
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(axe)
        found = page.evaluate("([where, options]) => axe.run(where, options)", [WITHOUT_MORE_OF_THE_SAME, STANDARD])[
            "violations"
        ]
        assert [f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes'][:3]]}" for one in found] == [], (
            page.url
        )

    return check


@pytest.fixture
def shoot() -> Callable[..., None]:
    """``shoot(page, "inbox")`` keeps a picture in SHOTS_DIR; without that variable it does nothing."""

    def picture(page: Page, name: str, *, whole: bool = True) -> None:
        if folder := os.environ.get("SHOTS_DIR"):
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole, animations="disabled")

    return picture


def stop(waitress: Any, thread: threading.Thread) -> None:
    """End a server at once, with the connections that the browser keeps open, in the thread that waits on them."""
    waitress.trigger.pull_trigger(lambda: wasyncore.close_all(waitress._map))
    thread.join(timeout=PATIENCE / 1000)
    waitress.task_dispatcher.shutdown()


def _settings(folder: Path) -> Settings:
    return Settings(
        instance=folder, database_url=f"sqlite:///{folder / 'contracts.db'}", secret_key="for browser tests only"
    )


def _watch(page: Page, troubles: list[str]) -> None:
    visited: set[str] = set()

    def asked(request: Request) -> None:
        if request.is_navigation_request():
            visited.add(request.url)
        if (
            urlsplit(request.url).scheme not in {"data", "blob", "about"}
            and urlsplit(request.url).hostname != "127.0.0.1"
        ):
            troubles.append(f"{page.url} asked for {request.url}")

    def said(message: ConsoleMessage) -> None:
        # Chromium also logs a page that answers 4xx, which is how this application says no.
        refusal = "responded with a status of 4" in message.text and message.location["url"] in visited
        if message.type == "error" and not refusal:
            troubles.append(f"{page.url} logged: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: troubles.append(f"{page.url} threw: {error}"))
