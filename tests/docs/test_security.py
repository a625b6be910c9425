"""docs/SECURITY.md names only what exists, and leaves out no requirement of levels 1 and 2."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")

# How many requirements of levels 1 and 2 stand first in each section of ASVS 5.0; those of level 3 follow them.
SECTIONS = (
    "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 "
    "5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 "
    "8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 "
    "13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3"
)


@cache
def source_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/.]+\.py(?:::\w+)?)`", PAGE))))
def test_every_test_it_names_exists(named):
    path, _, function = named.partition("::")
    assert (ROOT / path).is_file()
    if function:
        assert re.search(rf"^def {function}\(", source_of(path), re.M)


def test_every_file_it_names_exists():
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|yaml|conf|md))`", PAGE))
    assert named
    assert [path for path in named if not any((ROOT / base / path).is_file() for base in ("", "contracts_app"))] == []


def test_no_requirement_of_levels_1_and_2_is_left_out():
    spoken_of = set()
    for cell in re.findall(r"^\| ([\d., –]+) \| [12/]+ \|", PAGE, re.M):
        for span in cell.split(", "):
            first, _, last = span.partition("–")
            section, _, number = first.rpartition(".")
            until = int((last or first).rpartition(".")[2])
            spoken_of |= {f"{section}.{one}" for one in range(int(number), until + 1)}
    sections = (one.split(":") for one in SECTIONS.split())
    wanted = {f"{section}.{one}" for section, most in sections for one in range(1, int(most) + 1)}
    assert sorted(wanted - spoken_of) == []


def test_nothing_is_called_met_without_a_test_or_a_reading():
    met = [line for line in PAGE.splitlines() if "| ✓ |" in line]
    assert met
    assert [line for line in met if line.endswith("| — |")] == []
