"""Which Chromium the browser tests use, and whether it works here.

Run as a program it starts the browser once, prints its path, and fails with the reason when there is none that works.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Without these a browser started by a test tries to reach its maker, and cannot run as root in a container.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """The path named by CHROMIUM, else a browser on PATH, else None: then Playwright's own download is used."""
    if named := os.environ.get("CHROMIUM"):
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def why_not() -> str | None:
    """Why no browser test can run on this machine; None when the browser starts."""
    try:
        with sync_playwright() as playwright:
            path = chromium() or playwright.chromium.executable_path
            if not Path(path).exists():
                return "there is no Chromium"
            playwright.chromium.launch(executable_path=path, args=list(FLAGS)).close()
    except Error as error:
        return f"Chromium does not start: {error.message.splitlines()[0]}"
    except Exception as error:  # Playwright's driver is a program of its own, which may lack a library
        return f"Playwright does not start: {error}"
    return None


if __name__ == "__main__":
    reason = why_not()
    print(reason or chromium() or "the one Playwright downloaded", file=sys.stderr if reason else sys.stdout)
    sys.exit(1 if reason else 0)
