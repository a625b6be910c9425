"""What the documentation says of the code is what the code says."""

from pathlib import Path

from contracts_app.commands import workflow_page

ROOT = Path(__file__).resolve().parents[2]


def test_the_workflow_page_is_the_declared_workflow():
    assert (ROOT / "docs" / "WORKFLOW.md").read_text() == workflow_page() + "\n"


def test_the_changelog_has_an_entry_for_what_is_not_released_yet():
    assert "\n## " in (ROOT / "CHANGELOG.md").read_text()
