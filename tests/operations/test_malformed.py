"""What no browser sends: some hundred requests made up from a seed, deep into every page, and not one server error.

benchmarks/faults/fuzz.py sends ten thousand of them to a real server.
"""

import contextvars
import gc
import io
import logging
from urllib.parse import unquote_to_bytes

import pytest
from lxml import html
from werkzeug.test import EnvironBuilder, run_wsgi_app

from benchmarks.faults.malformed import Ground, Malformed, Person
from contracts_app.accounts.roles import Role
from contracts_app.operations.access import DOOR

REQUESTS = 120


@pytest.fixture
def ground(world):
    forms = {}

    def numbers(person, rule):
        place = world.here if len(str(rule)) % 5 else world.there
        return place.values(rule.endpoint, Role(person.name))

    def form(person, path):
        if (person.name, path) not in forms:
            page = world.ask(world.user(Role(person.name)), path)
            found = html.fromstring(page.text).forms if page.status_code == 200 and page.mimetype == "text/html" else []
            forms[person.name, path] = [
                (name, value or "") for one in found if one.method == "POST" for name, value in one.form_values()
            ]
        return forms[person.name, path]

    return Ground(world.app.url_map, numbers, form, lambda person, rule: Role(person.name) in DOOR[rule.endpoint].who)


def person(world, role):
    somebody = world.visitor(world.user(role))
    cookie = somebody.get_cookie("session").value
    return Person(role.value, f"session={cookie}", somebody.environ_base["HTTP_X_CSRFTOKEN"])


def environ_of(sent):
    """The request as a server would hand it over; what a server itself refuses is sent by the script only."""
    path, _, query = sent.target.partition(b"?")
    headers = dict(sent.headers)
    environ = {
        "REQUEST_METHOD": sent.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.pop(b"Content-Type", b"").decode("latin-1"),
        "CONTENT_LENGTH": headers.pop(b"Content-Length", str(len(sent.body)).encode()).decode("latin-1"),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    named = {
        f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode("latin-1") for name, value in headers.items()
    }
    return environ | {"HTTP_HOST": "localhost"} | named


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of a torn upload the parser leaves its file to the collector
def test_nothing_malformed_makes_a_server_error(world, ground, caplog):
    caplog.set_level(logging.ERROR)
    requests = Malformed(1, ground, [person(world, role) for role in Role])
    for number in range(REQUESTS):
        sent = requests.next()
        with world.undone():
            chunks, status, _ = contextvars.Context().run(run_wsgi_app, world.app.wsgi_app, environ_of(sent), True)
            b"".join(chunks)
            assert not status.startswith("5"), f"{number} {status}: {sent.curl}\n{caplog.text[-3000:]}"
            if world.written and (not sent.may_write or int(status[:3]) >= 400):
                changed = {name for name, *_ in world.rows() ^ world.before}
                assert changed <= {"parked_forms", "sign_in_failures"}, f"{number} {status} writes: {sent.curl}"
    gc.collect()  # here, where nobody minds, and not within another test


def test_the_same_seed_sends_the_same(world, ground):
    people = [Person(role.value, "session=x", "token") for role in Role]
    one, other = (Malformed(7, ground, people) for _ in range(2))
    assert [one.next().raw for _ in range(20)] == [other.next().raw for _ in range(20)]


@pytest.mark.parametrize("header", ["Referer", "Origin"])
def test_a_header_that_is_no_address_is_as_none(world, header):
    person = world.visitor(world.user(Role.BROKER))
    person.forget_token()
    page = person.post("/me/password", data={"csrf_token": "x", "old_password": "y"}, headers={header: "http://[::1"})
    assert page.status_code in (302, 400)


def test_a_query_that_is_no_text_is_refused(world):
    environ = EnvironBuilder("/sign-in").get_environ() | {"QUERY_STRING": "q=\xed\xa0\x80"}
    _, status, _ = contextvars.Context().run(run_wsgi_app, world.app.wsgi_app, environ, True)
    assert status.startswith("400")
