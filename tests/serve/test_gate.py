"""The gate before the engine's application, without Ray: who gets in, what is refused, and that streams pass untouched."""

import asyncio
import json

import pytest

from raylm.serve import gate
from raylm.serve.gate import Gate
from raylm.serve.keys import digest

KEY, OTHER = "sk-raylm-" + "a" * 40, "sk-raylm-" + "b" * 40
DIGESTS = (digest(OTHER), digest(KEY))
BEARER = {"authorization": f"Bearer {KEY}"}
LOCAL = {"host": "127.0.0.1:8000"}


class Echo:
    """Stands for vLLM's application: reads the body, answers in three parts, and remembers what it saw."""

    def __init__(self):
        self.scopes, self.body, self.disconnected = [], b"", False

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected = True
                break
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for part in (b"one", b"two", b""):
            await send({"type": "http.response.body", "body": part, "more_body": part != b""})


async def well():
    return None


async def dead():
    raise RuntimeError("engine died")


def ask(app, path="/v1/models", headers=LOCAL, chunks=(b"",), kind="http"):
    """Send one request and return every message that came back."""
    sent = []
    waiting = [{"type": "http.request", "body": c, "more_body": i + 1 < len(chunks)} for i, c in enumerate(chunks)]
    if kind == "websocket":
        waiting = [{"type": "websocket.connect"}]

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(app(scope, receive, send))
    return sent


def status(sent):
    return sent[0]["status"]


@pytest.mark.parametrize("headers", [
    BEARER, {"authorization": f"bearer {KEY}"}, {"x-api-key": KEY}, {"Authorization": f"Bearer {OTHER}"},
])
def test_right_key_passes_in_either_header(headers):
    echo = Echo()
    assert status(ask(Gate(echo, DIGESTS, 100, well), headers=headers)) == 200
    assert len(echo.scopes) == 1


@pytest.mark.parametrize("headers", [
    {}, {"authorization": "Bearer "}, {"authorization": f"Bearer {KEY}x"}, {"authorization": f"Basic {KEY}"},
    {"authorization": KEY}, {"authorization": "Bearer " + digest(KEY)}, {"x-api-key": ""}, {"authorization": "Bearer \u00ff"},
])
@pytest.mark.parametrize("path", [
    "/v1/models", "/v1/chat/completions", "/metrics", "/invocations", "/openapi.json", "/tokenize", "/", "/healthz/",
    "/health/x", "//healthz",
])
def test_missing_or_wrong_key_is_401_on_every_path_and_the_application_sees_nothing(headers, path):
    echo = Echo()
    sent = ask(Gate(echo, DIGESTS, 100, well), path, headers)
    assert status(sent) == 401 and echo.scopes == []
    assert json.loads(sent[1]["body"])["error"]["code"] == "invalid_api_key"
    assert KEY not in str(sent)


def test_healthz_needs_no_key_and_tells_the_engines_health():
    assert status(ask(Gate(Echo(), DIGESTS, 100, well), "/healthz", {})) == 200
    sent = ask(Gate(Echo(), DIGESTS, 100, dead), "/healthz", {})
    assert status(sent) == 503 and b"engine died" not in sent[1]["body"]
    assert status(ask(Gate(Echo(), DIGESTS, 100, well), "/health", {})) == 200


def test_every_known_digest_is_compared_in_constant_time(monkeypatch):
    """An early hit must not shorten the work, and the comparison is hmac's."""
    compared = []
    real = gate.matches.__globals__["hmac"].compare_digest
    monkeypatch.setattr("raylm.serve.keys.hmac.compare_digest", lambda a, b: compared.append(b) or real(a, b))
    assert status(ask(Gate(Echo(), DIGESTS[::-1], 100, well), headers=BEARER)) == 200
    assert compared == list(DIGESTS[::-1])


def test_without_keys_only_localhost_is_answered():
    for host in ("127.0.0.1:8000", "localhost:8000", "localhost", "[::1]:8000"):
        assert status(ask(Gate(Echo(), (), 100, well), headers={"host": host})) == 200, host
    for host in ("evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example:8000", ""):
        assert status(ask(Gate(Echo(), (), 100, well), headers={"host": host})) == 403, host
    assert status(ask(Gate(Echo(), DIGESTS, 100, well), headers={**BEARER, "host": "model.example"})) == 200


def test_streamed_answer_passes_part_by_part():
    sent = ask(Gate(Echo(), DIGESTS, 100, well), headers=BEARER, chunks=(b"ab", b"cd"))
    assert [m.get("body") for m in sent[1:]] == [b"one", b"two", b""]
    assert sent[0]["headers"] == [(b"content-type", b"text/event-stream")]


def test_announced_body_over_the_cap_is_413_before_reading():
    echo = Echo()
    sent = ask(Gate(echo, DIGESTS, 100, well), headers={**BEARER, "content-length": "101"})
    assert status(sent) == 413 and echo.scopes == []


def test_unannounced_body_is_cut_at_the_cap_and_answered_with_one_413():
    echo = Echo()
    sent = ask(Gate(echo, DIGESTS, 100, well), headers=BEARER, chunks=(b"x" * 60,) * 3)
    assert echo.disconnected and len(echo.body) == 60
    assert [m["type"] for m in sent] == ["http.response.start", "http.response.body"] and status(sent) == 413


def test_body_of_exactly_the_cap_passes():
    echo = Echo()
    sent = ask(Gate(echo, DIGESTS, 100, well), headers={**BEARER, "content-length": "100"}, chunks=(b"x" * 50,) * 2)
    assert status(sent) == 200
    assert len(echo.body) == 100


def test_application_that_raises_on_the_cut_still_gives_413():
    async def fragile(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass
        raise RuntimeError("client gone")

    assert status(ask(Gate(fragile, DIGESTS, 10, well), headers=BEARER, chunks=(b"x" * 8,) * 2)) == 413


def test_lifespan_passes_through():
    echo = Echo()
    ask(Gate(echo, DIGESTS, 100, well), kind="lifespan", headers={})
    assert echo.scopes[0]["type"] == "lifespan"


def test_websocket_needs_the_key_too():
    echo = Echo()
    sent = ask(Gate(echo, DIGESTS, 100, well), "/v1/realtime", {}, kind="websocket")
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert echo.scopes == []
    ask(Gate(echo, DIGESTS, 100, well), "/v1/realtime", BEARER, kind="websocket")
    assert len(echo.scopes) == 1
