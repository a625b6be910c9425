"""What the documentation says of the code is what the code says."""

from pathlib import Path

from contracts_app import create_app
from contracts_app.commands import workflow_page
from contracts_app.operations.access import access_page
from contracts_app.operations.access_commands import addresses

ROOT = Path(__file__).resolve().parents[2]


def test_the_workflow_page_is_the_declared_workflow():
    assert (ROOT / "docs" / "WORKFLOW.md").read_text() == workflow_page() + "\n"


def test_the_page_of_who_opens_what_is_the_declared_table(settings):
    pages = addresses(create_app(settings))
    assert (ROOT / "docs" / "ACCESS.md").read_text() == access_page(pages) + "\n", (
        "run: flask --app wsgi access --format page > docs/ACCESS.md"
    )


def test_the_changelog_has_an_entry_for_what_is_not_released_yet():
    assert "\n## " in (ROOT / "CHANGELOG.md").read_text()
