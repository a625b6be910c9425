"""What a line of the log says, and what it never says."""

import io
import json
import logging
from dataclasses import replace

import pytest
from flask import request
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from contracts_app import create_app
from contracts_app.accounts.entrance.signing_in import invite
from contracts_app.core import logs
from contracts_app.core.settings import Settings
from contracts_app.operations.health import quiet


@pytest.fixture
def told():
    """``told(settings)`` sends the log where it can be read; what was there before comes back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()

    def begin(settings, **said):
        logs.configure(replace(settings, **said), stream)
        return stream

    yield begin
    root.handlers = before
    root.setLevel(level)


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_that_says_who_and_where_and_nothing_typed(app, make, sign_in, told, settings):
    person = make.user()
    visitor = sign_in(person)
    visitor.get("/me")
    stream = told(settings)
    page = visitor.get("/contracts/?q=秘密词&year=2026")
    (line,) = lines(stream)
    assert line["request_id"] == page.headers["X-Request-ID"]
    assert (line["user_id"], line["method"], line["path"], line["status"]) == (person.id, "GET", "/contracts/", 200)
    assert line["address"] == "127.0.0.1"
    assert line["ms"] > 0
    assert line["time"].endswith("+00:00")
    assert "秘密词" not in stream.getvalue()
    assert person.username not in stream.getvalue()


def test_what_lets_somebody_in_is_not_in_the_log(app, make, client, told, settings):
    stream = told(settings)
    token = invite(make.user())
    client.get(f"/invitations/{token}")
    client.get(f"/invitations/{token}/")
    assert [line["path"] for line in lines(stream)] == ["/invitations/…", "/invitations/…/"]
    assert token not in stream.getvalue()


def test_styles_and_questions_of_machines_fill_no_log(app, client, told, settings):
    stream = told(settings)
    for path in ("/static/css/app.css", "/healthz"):
        client.get(path)
    assert lines(stream) == []
    client.get("/static/nothing.css")
    assert [line["status"] for line in lines(stream)] == [404]


# --- without a database -----------------------------------------------------------------------------------------------


NUMBER = "350582199001011234"


def _form_in_the_message():
    raise ValueError(f"could not read {request.form['name']!r} of {NUMBER}")


def _row_in_the_message():
    engine = create_engine("sqlite://", hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE people (name TEXT CHECK (length(name) > 3))"))
        connection.execute(text("INSERT INTO people VALUES (:name)"), {"name": request.form["name"]})


@pytest.fixture
def bare(tmp_path):
    """An application that is asked for nothing that lies in a database."""

    def made(**said):
        app = create_app(Settings(instance=tmp_path, database_url="sqlite://", secret_key="k", **said))
        app.config["WTF_CSRF_ENABLED"] = False
        with app.extensions["engine"].begin() as connection:  # a form asks which release the database belongs to
            connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
        for name, view in {"form": _form_in_the_message, "row": _row_in_the_message}.items():
            app.add_url_rule(f"/{name}", name, view, methods=["POST"])
        app.add_url_rule("/plain/<path:rest>", "plain", lambda rest: "ok")
        app.add_url_rule("/quiet", "quiet", quiet(lambda: app.response_class("ok")))
        return app

    return made


@pytest.mark.parametrize("way", ["form", "row"])
def test_a_fault_is_told_with_its_stack_and_without_what_was_typed(bare, told, way):
    app = bare()
    stream = told(app.config["SETTINGS"])
    page = app.test_client().post(f"/{way}?q=问题", data={"name": "张三丰"})
    fault, answer = lines(stream)
    assert page.status_code == 500
    assert fault["request_id"] == answer["request_id"] == page.headers["X-Request-ID"]
    assert f'class="error-id">{fault["request_id"]}<' in page.text
    assert "test_logs.py" in fault["stack"]
    assert f"_{way}_in_the_message" in fault["stack"]
    for typed in ("张三丰", NUMBER, "问题"):
        assert typed not in stream.getvalue(), typed


def test_of_a_row_that_postgresql_repeats_only_the_first_line_is_told():
    class Broken(Exception):
        sqlstate = "23505"

    class IllFormed(Exception):
        sqlstate = "22P02"

    origin = Broken("duplicate key value violates unique constraint\nDETAIL:  Key (phone)=(13800001111) exists")
    stack = logs.stack_of(IntegrityError("INSERT INTO x VALUES (%(a)s)", {"a": 1}, origin))
    assert "unique constraint" in stack
    assert "INSERT INTO x" in stack
    assert "13800001111" not in stack
    assert logs.stack_of(IllFormed('invalid input syntax for type integer: "张三"')).endswith("IllFormed: 22P02")


@pytest.mark.parametrize("form", ["json", "text"])
def test_nobody_makes_a_line_of_their_own(bare, told, form):
    app = bare()
    stream = told(app.config["SETTINGS"], log_format=form)
    app.test_client().get("/plain/%0A%7B%22level%22%3A%22error%22%7D%C2%85%E2%80%A8x")
    assert len(stream.getvalue().splitlines()) == 1
    stream.truncate(0)
    stream.seek(0)
    try:
        raise ValueError("one\nERROR two")
    except ValueError:
        logging.getLogger("contracts_app").exception("three\nfour")
    first, *stack = stream.getvalue().splitlines()
    assert "three" in first
    assert all(line.startswith("    ") for line in stack)
    assert form == "text" or stack == []


@pytest.mark.parametrize(
    ("proxies", "headers", "kept"),
    [
        (1, {"X-Request-ID": "abc-123_4.5", "X-Forwarded-For": "10.1.2.3"}, True),
        (1, {"X-Request-ID": "abc-123_4.5"}, False),
        (0, {"X-Request-ID": "abc-123_4.5", "X-Forwarded-For": "10.1.2.3"}, False),
        (1, {"X-Request-ID": "short", "X-Forwarded-For": "10.1.2.3"}, False),
        (1, {"X-Request-ID": "with space in it", "X-Forwarded-For": "10.1.2.3"}, False),
        (1, {"X-Request-ID": "x" * 65, "X-Forwarded-For": "10.1.2.3"}, False),
    ],
)
def test_a_proxys_id_is_taken_where_one_is_trusted(bare, proxies, headers, kept):
    page = bare(trusted_proxies=proxies).test_client().get("/quiet", headers=headers)
    assert (page.headers["X-Request-ID"] == headers["X-Request-ID"]) is kept
    assert len(page.headers["X-Request-ID"]) == (11 if kept else 16)


def test_each_request_has_an_id_of_its_own(bare):
    client = bare().test_client()
    assert len({client.get("/quiet").headers["X-Request-ID"] for _ in range(20)}) == 20


def test_the_form_follows_the_place_it_is_read_in(bare, told):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    settings = bare().config["SETTINGS"]
    told(settings)
    for stream, chosen, expected in (
        (Terminal(), None, logs.TextLines),
        (io.StringIO(), None, logs.JsonLines),
        (Terminal(), "json", logs.JsonLines),
        (io.StringIO(), "text", logs.TextLines),
    ):
        logs.configure(replace(settings, log_format=chosen), stream)
        assert type(logging.getLogger().handlers[0].formatter) is expected
