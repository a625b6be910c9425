"""What the documentation names is there: links, pictures, headings, files, commands, settings, addresses."""

import re
from pathlib import Path

import click
import pytest
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound

from contracts_app import create_app
from contracts_app.core.settings import Settings
from tools.screenshots import LARGEST, SHOTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
HANDBOOKS = [ROOT / "README.md", ROOT / "docs" / "OPERATIONS.md", ROOT / "docs" / "USER_GUIDE.md"]
MADE_LATER = "instance/"  # by the two commands
FLASK = re.compile(r"flask --app wsgi ((?:[a-z]+ ?)+)((?:--[a-z-]+ ?[^\s`|]* ?)*)")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application with its commands and addresses; no database is asked."""
    folder = tmp_path_factory.mktemp("documented")
    return create_app(Settings(instance=folder, database_url=f"sqlite:///{folder / 'none.db'}", secret_key="documents"))


def named(page: Path) -> str:
    return page.name


def links(page: Path) -> list[str]:
    text = without_blocks(page)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    return [link for link in found if "://" not in link]


def without_blocks(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names under which headings are found, as they are made where repositories are shown."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_and_pictures_lead_somewhere(page: Path):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pictures_are_those_that_are_taken_and_small():
    pictures = {picture.stem: picture for picture in (ROOT / "docs" / "images").iterdir()}
    assert set(pictures) == {shot.name for shot in SHOTS}
    assert [name for name, picture in pictures.items() if picture.stat().st_size > LARGEST] == []


@pytest.mark.parametrize("page", HANDBOOKS, ids=named)
def test_files_that_are_named_exist(page: Path):
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:txt|md|py|toml))`", page.read_text(encoding="utf-8"))
    for path in paths:
        assert path.startswith(MADE_LATER) or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_that_are_named_exist(app: Flask, page: Path):
    for words, options in FLASK.findall(page.read_text(encoding="utf-8")):
        command, rest = walked(app, words.split())
        known = options_of(command)
        assert len(rest) <= sum(isinstance(parameter, click.Argument) for parameter in command.params), words
        assert set(re.findall(r"--[a-z-]+", options)) <= known, words + options


def test_the_table_of_commands_names_real_ones_with_their_options(app: Flask):
    section = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8").split("## 命令行")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert {row.split()[0] for row in rows} >= {"init", "demo", "totals", "workflow", "start"}
    for row in rows:
        command, rest = walked(app, re.findall(r"^[a-z ]+", row)[0].split())
        known = options_of(command)
        assert not rest, row
        assert set(re.findall(r"--[a-z-]+", row)) <= known, row


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def walked(app: Flask, words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words lead to, and the words left for it."""
    command: click.Command = app.cli
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    assert command is not app.cli, words
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_that_are_named_exist(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ |^|\s)make ([a-z-]+)(?:`|\n|$)", page.read_text(encoding="utf-8"))) <= targets


def test_settings_that_are_named_are_read():
    section = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8").split("## 设置")[1].split("\n## ")[0]
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "contracts_app/core/settings.py", ROOT / "tests/databases.py", ROOT / "tests/conftest.py")
    )
    variables = set(re.findall(r"`([A-Z][A-Z_]+)`", section))
    assert {"DATABASE_URL", "INSTANCE_DIR", "PORT"} <= variables
    assert {name for name in variables if name not in code} == set()


@pytest.mark.parametrize("page", HANDBOOKS, ids=named)
def test_addresses_that_are_named_are_served(app: Flask, page: Path):
    for address in re.findall(r"`(/[a-z][a-z/-]*)`", page.read_text(encoding="utf-8")):
        try:
            app.url_map.bind("localhost").match(address)
        except MethodNotAllowed:
            pass
        except NotFound:
            pytest.fail(f"{page.name} names {address}, which nobody serves")
