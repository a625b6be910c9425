"""The pictures of README.md, taken from the running system: ``make screenshots``.

Starts the application on a free port with new demonstration data in a temporary folder, signs in as each role, and
saves what is seen to docs/images. Leaves neither process nor folder behind. The data are those of the default seed on
one fixed day; what the pages say about today still moves with the calendar.
"""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tools.chromium import FLAGS, chromium

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
AS_OF = "2026-11-20"
DESK, TELEPHONE = (1440, 840), (390, 844)
LARGEST = 250 * 1024  # bytes; a README should open at once
STARTS_WITHIN = 60  # seconds


@dataclass(frozen=True)
class Shot:
    """One picture: who looks (None: nobody signed in), at which address, on which screen.

    ``then`` are links to follow from there, one after the other, as CSS selectors.
    """

    name: str
    username: str | None
    path: str
    size: tuple[int, int] = DESK
    then: tuple[str, ...] = ()


SHOTS = (
    Shot("sign-in", None, "/sign-in"),
    Shot("my-contracts", "jj-broker", "/contracts/mine"),
    Shot("filing", "jj-broker", "/contracts/mine?state=correction", then=("text=去补正", "text=4 金额与付款")),
    Shot("inbox", "jj-registrar", "/contracts/inbox"),
    Shot("review", "jj-registrar", "/contracts/inbox?step=accepted", then=("main tbody .btn",)),
    Shot("overview", "qz-manager", "/statistics/?year=2025"),
    Shot("totals", "qz-manager", "/statistics/totals/?year=2025&rows=unit&columns=type"),
    Shot("screen", "qz-manager", "/statistics/screen?year=2025"),
    Shot("contracts", "jj-manager", "/contracts/?state=registered&year=2025"),
    Shot("phone-inbox", "jj-registrar", "/contracts/inbox", TELEPHONE),
    Shot("phone-overview", "jj-manager", "/statistics/", TELEPHONE),
)


def main() -> None:
    """Take every picture and say how large each is; fails when one is too large for a README."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an ordinary kill tidies up too
    IMAGES.mkdir(parents=True, exist_ok=True)
    with served() as (url, passwords), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for shot in SHOTS:
            take(browser, shot, url, passwords)
        browser.close()
    sizes = {shot.name: (IMAGES / f"{shot.name}.png").stat().st_size for shot in SHOTS}
    for name, size in sizes.items():
        print(f"docs/images/{name}.png  {size // 1024} KB")
    if too_large := [name for name, size in sizes.items() if size > LARGEST]:
        sys.exit(f"larger than {LARGEST // 1024} KB: {', '.join(too_large)}")


@contextmanager
def served() -> Iterator[tuple[str, dict[str, str]]]:
    """The running application, and the passwords of the demonstration by username."""
    folder = Path(tempfile.mkdtemp(prefix="contracts-screenshots-"))
    server = None
    try:
        port = _free_port()
        ours = {"INSTANCE_DIR": str(folder), "PORT": str(port), "HOST": "127.0.0.1"}
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | ours
        flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
        demo = [*flask, "demo", "--as-of", AS_OF]
        subprocess.run(demo, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([*flask, "start"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        _wait_for(port, server)
        with (folder / "demo-accounts.csv").open(encoding="utf-8-sig", newline="") as file:
            passwords = {row["username"]: row["password"] for row in csv.DictReader(file)}
        yield f"http://127.0.0.1:{port}", passwords
    finally:
        if server is not None:
            server.terminate()
            server.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)


def take(browser: Browser, shot: Shot, url: str, passwords: dict[str, str]) -> None:
    """One picture, in a browser of its own."""
    width, height = shot.size
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    page = context.new_page()
    if shot.username:
        _sign_in(page, shot.username, passwords[shot.username])
    page.goto(shot.path)
    for link in shot.then:
        page.locator(link).first.click()
        page.wait_for_load_state()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{shot.name}.png", animations="disabled")
    context.close()


def _sign_in(page: Page, username: str, password: str) -> None:
    page.goto("/sign-in")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(lambda address: "sign-in" not in address)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up:
        if server.poll() is not None:
            sys.exit("the application stopped while starting")
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    sys.exit(f"the application did not answer within {STARTS_WITHIN} s")


if __name__ == "__main__":
    main()
