"""Requests that no browser sends: made up from a seed, with real objects, so that they get deep into the code.

Pure: what the application is asked comes in as `Ground`, what comes out is bytes. The script `fuzz.py` sends them to a
real server, tests/operations/test_malformed.py some hundred of them through the test client.
"""

import json
import random
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, quote_from_bytes, urlencode

from werkzeug.routing import BuildError, Map, Rule

Fields = list[tuple[str, str]]

TEXTS: tuple[bytes, ...] = (
    *(b"", b" ", b"0", b"-1", b"1", b"null", b"true", b"[]", b"{}", b"NaN", b"Infinity", b"-0", b"1e309", b"0x10"),
    *(
        b"9" * 19,
        b"9" * 40,
        b"-" + b"9" * 25,
        b"9" * 5000,
        b"1" + b"0" * 400 + b".5",
        b"0.000000001",
        b"1,000",
        b"1.2.3",
    ),
    *(b"2147483648", b"9223372036854775808", b"2026-02-30", b"0001-01-01", b"9999-12-31", b"99999-01-01", b"2026-13"),
    *(
        b"\x00",
        b"a\x00b",
        b"\xff\xfe",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xe2\x80\xae",
        b"\r\nX-Evil: 1",
    ),
    *(b"'", b'" OR 1=1 --', b"%", b"_", b"\\", b"*", b'"', b"a*", b"AND", b"NEAR(", b"${7*7}", b"{{7*7}}", b"<script>"),
    *(b"../../etc/passwd", b"//evil.example", b"/\\evil.example", b"javascript:alert(1)", b"C:\\con", b"a" * 70_000),
    *(
        value.encode()
        for value in ("技" * 20_000, "１２３", "一百万", "2026年2月30日", "\ufeff", "\u2028", "ǅ", "١٢٣", "²")
    ),
)
IDS: tuple[str, ...] = (
    "0",
    "-1",
    "1",
    "2147483648",
    "9223372036854775808",
    "9" * 40,
    "abc",
    "1.5",
    "1e3",
    "%00",
    "%ff",
)
IDS += ("..%2f1", "%2e%2e", "1;2", "１", "%F0%9F%98%80", "1%0d%0aX:%201", "null", "[]")
ARGUMENTS = (
    *("page", "size", "sort", "q", "year", "since", "unit", "town", "region", "type", "field", "platform", "broker"),
    *("enterprise", "state", "cause", "caliber", "flow", "band", "ip", "plan_source", "payment_model", "seller_kind"),
    *(
        "buyer_kind",
        "lacking",
        "mine",
        "amount_from",
        "amount_to",
        "date_kind",
        "date_from",
        "date_to",
        "rows",
        "columns",
    ),
    *(
        "measure",
        "show",
        "order",
        "across",
        "format",
        "next",
        "parked",
        "chosen",
        "put",
        "case",
        "number",
        "code",
        "ticket",
    ),
    *(
        "download",
        "replace",
        "kind",
        "month",
        "quarter",
        "on",
        "p_accepted",
        "arguments",
        "of",
        "clause",
        "step",
        "due",
    ),
    *("who", "action", "subject", "first", "last", "role", "is", "name", "place", "level", "only", "words", "topic"),
)
METHODS = (
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"OPTIONS",
    b"HEAD",
    b"TRACE",
    b"CONNECT",
    b"PROPFIND",
    b"get",
    b"G\xc3\x89T",
    b"A" * 300,
)
PATHS: tuple[bytes, ...] = (
    *(
        b"/../wsgi.py",
        b"/static/../../wsgi.py",
        b"/static/%2e%2e/%2e%2e/wsgi.py",
        b"/static/..%5c..%5cwsgi.py",
        b"//evil/",
    ),
    *(
        b"/%",
        b"/%zz",
        b"/%ff%fe",
        b"/\xff",
        b"/static/css/app.css%00.png",
        b"/static/" + b"a/" * 2000,
        b"/" + b"a" * 9000,
    ),
    *(
        b"/contracts/1/",
        b"/contracts//1",
        b"/contracts/1/../2",
        b"/./",
        b"/;a=b",
        b"http://evil.example/",
        b"*",
        b"/?" + b"a" * 8000,
    ),
    *(b"/contracts/1/files/1/pages/0.png", b"/contracts/1/papers/.pdf", b"/invitations/", b"/codes/..%2f..", b"/\x00"),
)
TYPES = (b"application/json", b"text/plain", b"application/xml", b"multipart/form-data", b"", b"a" * 500, b"x/\xff")
TYPES += (b"application/x-www-form-urlencoded; charset=utf-16", b"multipart/form-data; boundary=", b"text/html; =")
TYPES += (b"multipart/form-data; boundary=" + b"x" * 300, b"multipart/form-data; boundary=\xc3\x28")
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"Host", b"evil.example"),
    (b"Host", b"a b:99999"),
    (b"X-Forwarded-Host", b"evil.example"),
    (b"X-Forwarded-Proto", b"gopher"),
    (b"X-Request-Id", b"x" * 3000),
    (b"X-Request-Id", b"\xff'\"<>"),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"Accept", b"application/json"),
    (b"Accept", b",,,;q=x;q=9"),
    (b"Accept-Language", b"zz-" + b"a" * 2000),
    (b"Accept-Encoding", b"gzip;q=-1, \xff"),
    (b"Range", b"bytes=9-1"),
    (b"Range", b"bytes=-99999999999999999999"),
    (b"Range", b"bytes=0-0,2-2,4-4," + b"1-," * 200),
    (b"If-None-Match", b'W/"' + b"a" * 2000),
    (b"If-Modified-Since", b"Thu, 99 Foo 99999 99:99:99"),
    (b"If-Range", b"\xff"),
    (b"Referer", b"http://[::1"),
    (b"Referer", b"//\xff\xfe"),
    (b"Origin", b"null"),
    (b"Origin", b"http://[bad"),
    (b"Sec-Fetch-Site", b"cross-site"),
    (b"Authorization", b"Basic \xff"),
    (b"Authorization", b"Bearer " + b"a" * 3000),
    (b"Content-Encoding", b"gzip"),
    (b"Transfer-Encoding", b"gzip"),
    (b"Expect", b"nonsense"),
    (b"Upgrade", b"h2c"),
    (b"X-A", b"a" * 20_000),
)


@dataclass(frozen=True)
class Person:
    """Who sends: the cookies of a session and the token of its forms, as the server gave them."""

    name: str
    cookie: str
    token: str


@dataclass
class Ground:
    """What there is to be asked. ``numbers`` finds ids that fit together for somebody and a rule's variables."""

    addresses: Map
    numbers: Callable[[Person, Rule], Mapping[str, object]]
    form: Callable[[Person, str], Fields]  # what the page of an address would send, empty where it has no form
    opens: Callable[[Person, Rule], bool]  # whether the page is of the person's work: those are asked more often
    left_out: frozenset[str] = frozenset()  # endpoints that are not sent anything with a good token
    rules: list[Rule] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = sorted(self.addresses.iter_rules(), key=lambda rule: (str(rule), rule.endpoint))


@dataclass
class Sent:
    """One request as it goes over the wire, and what is wrong with it."""

    person: str
    endpoint: str
    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    may_write: bool  # a session and a token that fit, in a request that writes
    oddities: list[str]

    @property
    def raw(self) -> bytes:
        """The bytes of the request; its length is told unless a header says otherwise."""
        headers = list(self.headers)
        names = {name.lower() for name, _ in headers}
        if b"host" not in names:
            headers.insert(0, (b"Host", b"localhost"))
        if self.body and not names & {b"content-length", b"transfer-encoding"}:
            headers.append((b"Content-Length", str(len(self.body)).encode()))
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target), *(b"%s: %s" % one for one in headers)]
        return b"\r\n".join([*lines, b"Connection: close", b"", self.body])

    @property
    def curl(self) -> str:
        """The same for a shell; ``$PORT`` is the server's."""
        said = ["curl -s -i --path-as-is -X", _quoted(self.method)]
        said += [f"-H {_quoted(name + b': ' + value)}" for name, value in self.headers]
        said += [_quoted(b"http://127.0.0.1:") + '"$PORT"' + _quoted(self.target)]
        sends = f"printf %b {_quoted(self.body, escaped=True)} | " if self.body else ""
        return sends + " ".join(said) + (" --data-binary @-" if self.body else "")


def _quoted(value: bytes, *, escaped: bool = False) -> str:
    if escaped:
        return shlex.quote("".join(chr(one) if 32 <= one < 127 and one != 92 else f"\\0{one:03o}" for one in value))
    if value.isascii() and all(32 <= one < 127 for one in value):
        return shlex.quote(value.decode())
    inner = "".join(chr(one) if 32 <= one < 127 and one not in (39, 92) else f"\\x{one:02x}" for one in value)
    return f"$'{inner}'"


class Malformed:
    """A stream of requests that is the same for the same seed, the same ground and the same people."""

    def __init__(self, seed: int, ground: Ground, people: Sequence[Person]) -> None:
        self.random, self.ground = random.Random(seed), ground  # noqa: S311  # not a secret
        self.people = {person.name: person for person in people}

    def next(self) -> Sent:
        """The next request."""
        chance = self.random.random
        person = self.random.choice(list(self.people.values()))
        rule = self.random.choice(self.ground.rules)
        while chance() < 0.8 and not self.ground.opens(person, rule):
            rule = self.random.choice(self.ground.rules)
        writes = "POST" in (rule.methods or ()) and (chance() < 0.75 or "GET" not in (rule.methods or ()))
        oddities: list[str] = []
        path = self._path(rule, person, oddities)
        target = path.encode() + self._query(oddities)
        method, kind, body, has_token = b"GET", b"", b"", False
        if writes:
            method = b"POST"
            kind, body, has_token = self._body(rule, person, path, oddities)
        headers, is_self = self._headers(person, oddities)
        if kind:
            headers.append((b"Content-Type", kind))
        if chance() < 0.04:
            method = self.random.choice(METHODS)
            oddities.append("method")
        if chance() < 0.04:
            target = self.random.choice(PATHS)
            oddities.append("path")
        if body and chance() < 0.03:
            headers.append(
                (b"Content-Length", self.random.choice((b"-1", b"abc", b"0", b"5", str(len(body) + 9).encode())))
            )
            oddities.append("length")
        may_write = writes and is_self and has_token
        return Sent(person.name, rule.endpoint, method, target, headers, body, may_write, oddities)

    # ---- the address -----------------------------------------------------------------------------------------------

    def _path(self, rule: Rule, person: Person, oddities: list[str]) -> str:
        values = dict(self.ground.numbers(person, rule))
        try:
            path = self.ground.addresses.bind("localhost").build(rule.endpoint, values, append_unknown=False)
        except (BuildError, ValueError):
            path = "/"
        if rule.arguments and self.random.random() < 0.15:
            pieces = path.split("/")
            known = {str(value) for value in values.values()}
            places = [place for place, piece in enumerate(pieces) if piece.split(".")[0] in known]
            if places:
                pieces[self.random.choice(places)] = self.random.choice(IDS)
                oddities.append("variable")
            path = "/".join(pieces)
        return quote(path, safe="/%.:;,")

    def _query(self, oddities: list[str]) -> bytes:
        if self.random.random() < 0.5:
            return b""
        pairs = []
        for _ in range(self.random.randint(1, 5)):
            name = self.random.choice(ARGUMENTS)
            value = self._odd()[:3000]
            written = value if self.random.random() < 0.05 else quote_from_bytes(value, safe=b"").encode()
            pairs.append(name.encode() + b"=" + written.replace(b" ", b"+").replace(b"\r\n", b""))
        oddities.append("query")
        return b"?" + b"&".join(pairs)

    # ---- what is sent ----------------------------------------------------------------------------------------------

    def _body(self, rule: Rule, person: Person, path: str, oddities: list[str]) -> tuple[bytes, bytes, bool]:
        """Content type, body, and whether its token is the person's own."""
        fields = [(name, value) for name, value in self.ground.form(person, path) if name != "csrf_token"]
        pairs = self._spoilt([(name.encode(), value.encode()) for name, value in fields], oddities)
        token, is_good = self._token(person, oddities)
        if rule.endpoint in self.ground.left_out and is_good:
            token, is_good = b"", False
        if token is not None:
            pairs.insert(self.random.randint(0, len(pairs)), (b"csrf_token", token))
        way = self.random.random()
        if way < 0.60:
            return b"application/x-www-form-urlencoded", urlencode(pairs).encode(), is_good
        if way < 0.85:
            return *self._multipart(pairs, oddities), is_good
        oddities.append("body")
        if way < 0.90:
            found = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
            text = json.dumps(self.random.choice((found, [found], None, 1e308, [[[[]]]] * 50))).encode()
            return b"application/json", text[: self.random.randint(0, len(text))], is_good
        if way < 0.95:
            return self.random.choice(TYPES), urlencode(pairs).encode(), is_good
        spoilt = bytes(self.random.randrange(256) for _ in range(200))
        return (
            b"application/x-www-form-urlencoded",
            spoilt + b"&" + urlencode(pairs).encode() + b"&&=&%&%zz=%u1",
            is_good,
        )

    def _spoilt(self, pairs: list[tuple[bytes, bytes]], oddities: list[str]) -> list[tuple[bytes, bytes]]:
        """The answers of a form with some of them changed, doubled, left out or made up."""
        pairs = list(pairs)
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 5))):
            place = self.random.randrange(len(pairs)) if pairs else 0
            what = self.random.choice(("value", "value", "value", "twice", "left out", "made up", "name"))
            if not pairs or what == "made up":
                pairs.insert(place, (self.random.choice(ARGUMENTS).encode(), self._odd()))
            elif what == "value":
                pairs[place] = (pairs[place][0], self._odd())
            elif what == "twice":
                pairs.insert(place, (pairs[place][0], self._odd()))
            elif what == "left out":
                pairs.pop(place)
            else:
                pairs[place] = (
                    pairs[place][0] + self.random.choice((b"-0", b"-999999", b"[]", b"\x00", b"-0-x")),
                    self._odd(),
                )
            oddities.append(what)
        return pairs

    def _token(self, person: Person, oddities: list[str]) -> tuple[bytes | None, bool]:
        way = self.random.random()
        if way < 0.88:
            return person.token.encode(), True
        oddities.append("token")
        others = [one.token for one in self.people.values() if one.name != person.name] or ["x"]
        spoilt = (None, b"", self.random.choice(others).encode(), person.token.encode()[:-3] + b"abc", self._odd())
        token = self.random.choice(spoilt)
        return token, token == person.token.encode()

    def _multipart(self, pairs: list[tuple[bytes, bytes]], oddities: list[str]) -> tuple[bytes, bytes]:
        """A form with files, some of them whole, some torn."""
        mark = b"--a-boundary"
        parts = [
            b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (_in_header(name), value) for name, value in pairs
        ]
        for _ in range(self.random.randint(0, 2)):
            name = self.random.choice((b"file", b"files", b"content", b"upload", b"x"))
            filename = self.random.choice(
                (b"a.pdf", b"../../a.pdf", b"", b"\xff.pdf", "合同.pdf".encode(), b"a" * 300 + b".xlsx")
            )
            head = b'Content-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: application/pdf' % (
                name,
                filename,
            )
            parts.append(head + b"\r\n\r\n" + self._file())
            oddities.append("file")
        body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"
        if self.random.random() < 0.25:
            oddities.append("torn")
            body = self.random.choice(
                (
                    body[: self.random.randint(0, len(body))],
                    body.replace(b"\r\n", b"\n"),
                    body.replace(mark, b"--other"),
                    body * 2,
                )
            )
        return b"multipart/form-data; boundary=" + mark, body

    def _file(self) -> bytes:
        noise = bytes(self.random.randrange(256) for _ in range(64))
        starts = (
            b"%PDF-1.4\n",
            b"PK\x03\x04",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"MZ",
            b"<html>",
            b"",
            b"GIF89a",
        )
        return self.random.choice(starts) + noise * self.random.choice((0, 1, 20))

    # ---- headers ---------------------------------------------------------------------------------------------------

    def _headers(self, person: Person, oddities: list[str]) -> tuple[list[tuple[bytes, bytes]], bool]:
        """The headers, and whether the cookie is the person's own."""
        headers: list[tuple[bytes, bytes]] = []
        cookie, way = person.cookie.encode(), self.random.random()
        if way > 0.93:
            oddities.append("cookie")
            cookie = self.random.choice(
                (
                    b"",
                    cookie[: len(cookie) // 2],
                    cookie[:-4] + b"AAAA",
                    b"session=" + self._odd()[:2000],
                    b"\xff=\xff; ;;=",
                    cookie * 2,
                )
            )
        cookie = cookie.replace(b"\r\n", b"").replace(b"\x00", b"")
        if cookie:
            headers.append((b"Cookie", cookie))
        while self.random.random() < 0.15:
            headers.append(self.random.choice(HEADERS))
            oddities.append("header")
        return headers, cookie.startswith(person.cookie.encode())

    def _odd(self) -> bytes:
        return self.random.choice(TEXTS)


def _in_header(name: bytes) -> bytes:
    return name.replace(b"\r", b"").replace(b"\n", b"").replace(b'"', b"")
