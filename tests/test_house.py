"""The rules of the house that a machine can hold; each checker is also shown something wrong."""

import ast
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "contracts_app"

# From the top floor down. A room uses what lies on the floors below it, and nobody on its own floor.
FLOORS = (
    {"demo", "operations"},
    {"api", "papers", "opportunities", "rewards"},
    {"statistics", "exchange", "tracking"},
    {"contracts"},
    {"brokers", "platforms", "targets"},
    {"enterprises"},  # below its neighbours: a broker has an employer, a platform a host
    {"accounts"},
    {"regions", "rules", "codes"},
    {"core"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# A large room has floors of its own. On them lie its corners (folders) and the files that stand in none; such files of
# one floor may use each other.
INNER_FLOORS = {
    "contracts": (
        {"views", "filing_views"},
        {"desk", "course"},
        {"workflow"},
        {"cases"},
        {"deciding"},
        {"filing"},
        {"checking", "counting"},
        {"finding"},
        {"books"},
        {"amounts", "case_models", "details", "facts", "models", "questions", "states", "validity"},
    ),
    "statistics": (
        {"totals"},
        {"overview", "reporting"},
        {"plan", "publishing"},
        {"addresses", "asked", "measures", "periods", "ranking", "sums", "years"},
    ),
    "accounts": (
        {"users", "setting_views"},
        {"entrance"},
        {"offices", "watching"},
        {"dormancy", "models", "permissions", "queries", "quorum", "roles", "sign_in_models"},
    ),
    "core": (
        {"conflicts", "workflow"},
        {"drawing", "errors"},
        {"sheets", "web"},
        {"database", "keeping", "trail"},
        {"clock", "codes", "db", "edition", "installation", "logs", "money", "releases", "settings", "text", "words"},
    ),
}
INNER_FLOOR_OF = {
    (room, corner): number
    for room, floors in INNER_FLOORS.items()
    for number, corners in enumerate(floors)
    for corner in corners
}
LONGEST = 600
COMMITS = {"contracts_app/core/db.py", "contracts_app/commands.py"}
CHANGES_STATE = {"contracts_app/core/workflow.py"}
MAY_SKIP = {"tests/browser/conftest.py"}


# --- what the checkers look at ---------------------------------------------------------------------------------------


def kept_files(*endings: str) -> list[Path]:
    """The files of the repository, committed or about to be, without what .gitignore names."""
    files = [ROOT / name for name in _known_to_git() or _found_in_folder()]
    return sorted(file for file in files if file.is_file() and (not endings or file.suffix in endings))


def _known_to_git() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []  # no git on this machine, or the files came without their history
    return [name for name in listed.split("\0") if name]


def _found_in_folder() -> Iterator[Path]:
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [name for name in inside if name == ".ci" or not name.startswith((".", "__", "instance"))]
        yield from (Path(folder, name) for name in names)


def complaints(check: Callable[[str, str], Iterator[str]], files: list[Path]) -> list[str]:
    """What a checker has to say about these files, each line with the file's name."""
    assert files, "nothing to check: the files have moved"
    return [
        f"{name}: {complaint}"
        for file in files
        for name in [file.relative_to(ROOT).as_posix()]
        for complaint in check(name, file.read_text(encoding="utf-8"))
    ]


def python_files(under: str = "contracts_app") -> list[Path]:
    return [file for file in kept_files(".py") if file.is_relative_to(ROOT / under)]


# --- arrows point down -----------------------------------------------------------------------------------------------


def upward_imports(name: str, source: str) -> Iterator[str]:
    """Imports that point up or sideways, and imports hidden in functions. ``name`` is the path below the root."""
    parts = Path(name).parts
    if len(parts) < 3:
        return  # create_app, commands and the index of models stand on the roof and see everything
    home = parts[1]
    if home not in FLOOR_OF:
        yield f"{home} has no floor in tests/test_house.py"
        return
    tree = ast.parse(source)
    for module in _imported(tree, package=parts[:-1]):
        if not module.startswith("contracts_app"):
            continue
        room = module.removeprefix("contracts_app").lstrip(".").split(".")[0]
        if room == home:
            continue
        if FLOOR_OF.get(room, -1) <= FLOOR_OF[home]:
            yield f"{home} may not use {module}"
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for module in _imported(function, package=parts[:-1]):
                if module.startswith("contracts_app"):
                    yield f"{module} is imported inside {function.name}"


def inner_upward_imports(name: str, source: str) -> Iterator[str]:
    """Imports inside a room that point up or to another corner of the same floor; an __init__ hands nothing on."""
    parts = Path(name).with_suffix("").parts
    if len(parts) < 3 or parts[1] not in INNER_FLOORS:
        return
    room, home = parts[1:3]
    is_face = parts[-1] == "__init__"
    if not is_face and (room, home) not in INNER_FLOOR_OF:
        yield f"{home} has no floor of {room} in tests/test_house.py"
        return
    for module in _imported(ast.parse(source), package=parts[:-1]):
        below = module.split(".")
        if below[:2] != ["contracts_app", room]:
            continue
        if is_face:
            yield f"hands on {module}"
            continue
        corner = "".join(below[2:3])
        here, there = (INNER_FLOOR_OF.get((room, one), -1) for one in (home, corner))
        both_are_files = here == there and not {home, corner} & _corners(room)
        if corner != home and there <= here and not both_are_files:
            yield f"{home} may not use {module}"


def _corners(room: str) -> set[str]:
    return {folder.name for folder in (APP / room).iterdir() if folder.is_dir()}


def _imported(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_arrows_point_down():
    assert complaints(upward_imports, python_files()) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("contracts_app/core/db.py", "from contracts_app.contracts.models import Contract"),
        ("contracts_app/core/db.py", "from ..accounts import roles"),
        ("contracts_app/core/db.py", "import contracts_app.accounts.models"),
        ("contracts_app/core/db.py", "from contracts_app import accounts"),
        ("contracts_app/brokers/models.py", "from contracts_app.platforms.models import Platform"),
        ("contracts_app/accounts/queries.py", "from contracts_app.models import User"),
        ("contracts_app/contracts/views.py", "def late():\n    from contracts_app.core.db import db"),
        ("contracts_app/cellar/models.py", ""),
    ],
)
def test_an_arrow_that_points_elsewhere_is_found(name, source):
    assert list(upward_imports(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("contracts_app/contracts/views.py", "from contracts_app.core.db import db\nfrom . import actions"),
        ("contracts_app/contracts/views.py", "from ..brokers.models import Broker\nfrom .models import Contract"),
        ("contracts_app/__init__.py", "def create_app():\n    from .contracts import views"),
    ],
)
def test_an_arrow_that_points_down_is_left_alone(name, source):
    assert list(upward_imports(name, source)) == []


def test_arrows_inside_a_room_point_down():
    assert complaints(inner_upward_imports, python_files()) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("contracts_app/contracts/models.py", "from .books.ledger import LedgerEntry"),
        ("contracts_app/contracts/books/ledger.py", "from contracts_app.contracts.finding import query"),
        ("contracts_app/contracts/books/ledger.py", "from ..workflow import CONTRACT"),
        ("contracts_app/contracts/checking/checks.py", "from contracts_app.contracts.counting.totals import sums"),
        ("contracts_app/contracts/checking/checks.py", "from contracts_app.contracts import workflow"),
        ("contracts_app/contracts/course.py", "from .desk import inbox"),
        ("contracts_app/contracts/course.py", "from contracts_app import contracts"),
        ("contracts_app/contracts/__init__.py", "from .models import Contract"),
        ("contracts_app/contracts/books/__init__.py", "from .ledger import LedgerEntry"),
        ("contracts_app/contracts/loft.py", ""),
        ("contracts_app/contracts/loft/models.py", ""),
    ],
)
def test_an_arrow_inside_a_room_that_points_elsewhere_is_found(name, source):
    assert list(inner_upward_imports(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("contracts_app/contracts/facts.py", "from .amounts import in_words\nfrom .models import Contract"),
        (
            "contracts_app/contracts/cases/moves.py",
            "from . import guards\nfrom contracts_app.contracts.deciding import asks",
        ),
        ("contracts_app/contracts/workflow.py", "from .cases import moves"),
        ("contracts_app/contracts/books/__init__.py", ""),
        ("contracts_app/brokers/models.py", "from contracts_app.core.db import db"),
    ],
)
def test_an_arrow_inside_a_room_that_points_down_is_left_alone(name, source):
    assert list(inner_upward_imports(name, source)) == []


# --- one place commits, one place changes a state --------------------------------------------------------------------


def stray_commits(name: str, source: str) -> Iterator[str]:
    if name in COMMITS:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield f"line {node.lineno} commits"


def stray_state_changes(name: str, source: str) -> Iterator[str]:
    if name in CHANGES_STATE or name.startswith("contracts_app/demo"):
        return  # the generator of demonstration data writes histories that ended long ago
    for node in ast.walk(ast.parse(source)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in _flattened(targets):
            if isinstance(target, ast.Attribute) and target.attr == "state":
                yield f"line {target.lineno} assigns a state"
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            sets = called == "setattr" and any(
                isinstance(arg, ast.Constant) and arg.value == "state" for arg in node.args
            )
            if sets or (called == "values" and any(word.arg == "state" for word in node.keywords)):
                yield f"line {node.lineno} assigns a state"


def _flattened(targets: list[ast.AST | None]) -> Iterator[ast.AST | None]:
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            yield from _flattened(list(target.elts))
        else:
            yield target


def test_only_the_request_commits():
    assert complaints(stray_commits, python_files()) == []
    assert list(stray_commits("contracts_app/brokers/actions.py", "db.session.commit()"))
    assert not list(stray_commits("contracts_app/core/db.py", "db.session.commit()"))


def test_only_a_move_changes_a_state():
    assert complaints(stray_state_changes, python_files()) == []
    for wrong in (
        "contract.state = State.DRAFT",
        "was, contract.state = contract.state, State.DRAFT",
        "contract.state: State = State.DRAFT",
        "setattr(contract, 'state', State.DRAFT)",
        "update(Contract).values(state=State.DRAFT)",
    ):
        assert list(stray_state_changes("contracts_app/contracts/filing/actions.py", wrong)), wrong
    assert not list(stray_state_changes("contracts_app/contracts/finding/queries.py", "Contract.state == State.DRAFT"))


# --- pages ask nothing of the outside and carry no script of their own -----------------------------------------------

INLINE = {
    "a script written into the page": re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a style attribute": re.compile(r"<[a-z][^<>]*\sstyle\s*=", re.I),
    "an on… attribute": re.compile(r"<[a-z][^<>]*\son[a-z]+\s*=", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
}
OUTSIDE = {
    "an address on another machine": re.compile(
        r"""\b(?:src|srcset|href|action|poster)\s*=\s*["']?\s*(?:https?:)?//""", re.I
    ),
    "a style sheet loads from another machine": re.compile(r"""(?:@import\s+|url\(\s*)["']?\s*(?:https?:)?//""", re.I),
    "a script calls another machine": re.compile(r"""(?:fetch|import|open)\(\s*["'`]\s*(?:https?:)?//""", re.I),
}
JINJA_COMMENT = re.compile(r"{#.*?#}", re.S)
JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.S)


def inline_parts(name: str, source: str) -> Iterator[str]:
    yield from _matches(INLINE, JINJA.sub("", source))


def outside_addresses(name: str, source: str) -> Iterator[str]:
    yield from _matches(OUTSIDE, JINJA_COMMENT.sub("", source))


def _matches(patterns: dict[str, re.Pattern[str]], source: str) -> Iterator[str]:
    for complaint, pattern in patterns.items():
        for match in pattern.finditer(source):
            yield f"{complaint} ({match[0][:60]!r})"


def page_files(*endings: str) -> list[Path]:
    return [file for file in kept_files(*endings) if file.relative_to(ROOT).parts[0] in {"templates", "static"}]


def test_templates_hold_no_inline_script_or_style():
    assert complaints(inline_parts, page_files(".html", ".svg", ".jinja")) == []


def test_pages_load_nothing_from_elsewhere():
    assert complaints(outside_addresses, page_files(".html", ".svg", ".css", ".js", ".jinja")) == []


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (inline_parts, "<script>alert(1)</script>"),
        (inline_parts, '<script type="module" nonce="x">go()</script>'),
        (inline_parts, "<STYLE>p{}</STYLE>"),
        (inline_parts, '<p class="x"\n style="color:red">'),
        (inline_parts, '<a onclick="go()">'),
        (inline_parts, "<a {% if x > 1 %}ONCLICK = {{ x }}{% endif %}>"),
        (inline_parts, '<a href="javascript:go()">'),
        (outside_addresses, '<script src="https://cdn.example/x.js"></script>'),
        (outside_addresses, '<img src="//cdn.example/x.png">'),
        (outside_addresses, "p { background: url(http://cdn.example/x.png) }"),
        (outside_addresses, '@import "https://cdn.example/x.css";'),
        (outside_addresses, 'fetch("https://example.cn/")'),
    ],
)
def test_a_page_that_reaches_out_is_found(check, wrong):
    assert list(check("templates/x.html", wrong))


def test_every_template_compiles(app):
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def test_a_plain_page_is_left_alone():
    page = '<script src="{{ url_for(\'static\') }}"></script><svg xmlns="http://www.w3.org/2000/svg"></svg><p only>'
    assert not list(outside_addresses("templates/x.html", page))
    assert not list(inline_parts("templates/x.html", page))
    assert not list(inline_parts("templates/x.html", '<option value="1"{% if one == 1 %} selected{% endif %}>'))


# --- text ------------------------------------------------------------------------------------------------------------

UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/\w")
TEXT = (".py", ".html", ".css", ".js", ".md", ".toml", ".txt", ".yml", ".yaml", ".csv", ".mako", ".svg", "")


def unfinished_work(name: str, source: str) -> Iterator[str]:
    yield from (f"says {match[0]}" for match in UNFINISHED.finditer(source))


def machine_paths(name: str, source: str) -> Iterator[str]:
    yield from (f"names a folder of one machine: {match[0]}" for match in MACHINE_PATH.finditer(source))


def too_long(name: str, source: str) -> Iterator[str]:
    if (lines := source.count("\n")) > LONGEST:
        yield f"{lines} lines; {LONGEST} is the most one can keep in mind"


def test_nothing_is_left_unfinished():
    assert complaints(unfinished_work, kept_files(*TEXT)) == []
    assert list(unfinished_work("x.py", "# TO" + "DO: later"))


def test_no_machine_is_named():
    assert complaints(machine_paths, kept_files(*TEXT)) == []
    assert list(machine_paths("README.md", "see /" + "root/notes"))
    assert list(machine_paths("x.py", 'open("/' + 'home/ann/x")'))
    assert not list(machine_paths("x.py", 'redirect("/contracts/work/1")'))


def test_no_file_is_too_long():
    written = [
        file for file in kept_files(".py", ".html", ".js") if file.parent.name != "versions"
    ]  # Alembic writes those
    assert complaints(too_long, written) == []
    assert list(too_long("x.py", "\n" * (LONGEST + 1)))


# --- tests are run ---------------------------------------------------------------------------------------------------


def skipped_tests(name: str, source: str) -> Iterator[str]:
    if name in MAY_SKIP:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail", "importorskip"}:
            yield f"line {node.lineno} {node.attr}"


def test_no_test_is_skipped():
    assert complaints(skipped_tests, python_files("tests")) == []
    assert list(skipped_tests("tests/test_x.py", "@pytest.mark.skip\ndef test_x(): ..."))
    assert list(skipped_tests("tests/test_x.py", "pytest.importorskip('playwright')"))
