"""What stands before the engine's application: the key check, the size cap on requests, and `/healthz`.

Pure ASGI, because middleware that wraps the response (Starlette's `BaseHTTPMiddleware`) buffers streams and breaks cancelling;
here a permitted request passes straight through, its response untouched. vLLM's own `--api-key` guards only `/v1`, so it is not
used. Without keys (loopback only) a request must be addressed to loopback by name, so that no web page can reach the model by
pointing its own domain at 127.0.0.1.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from raylm.serve.config import is_loopback
from raylm.serve.keys import matches

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

OPEN_PATHS = frozenset({"/healthz", "/health"})


class Gate:
    """An ASGI application around another one. `digests` are SHA-256 digests of the accepted keys; none means no key is asked.

    `healthy` raises when the engine is not; `/healthz` answers 200 or 503 by it.
    """

    def __init__(
        self, app: Application, digests: tuple[str, ...], max_body: int, healthy: Callable[[], Awaitable[None]]
    ) -> None:
        """Guard `app`; `max_body` is the largest request body in bytes."""
        self.app, self.digests, self.max_body, self.healthy = app, digests, max_body, healthy

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or let it through."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if scope["path"] == "/healthz":
            await self._health(send)
        elif refusal := self._refusal(scope["path"], headers):
            await _error(send, *refusal)
        elif _length(headers) > self.max_body:
            await _error(send, 413, f"the request body is larger than {self.max_body} bytes", "request_too_large")
        else:
            await self._limited(scope, receive, send)

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if self._refusal(scope["path"], headers):
            await receive()  # websocket.connect; closing before accepting answers 403
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)

    def _refusal(self, path: str, headers: Mapping[bytes, bytes]) -> tuple[int, str, str] | None:
        if path in OPEN_PATHS:
            return None
        if self.digests:
            if matches(_key(headers), self.digests):
                return None
            return 401, "a valid API key is needed: Authorization: Bearer KEY", "invalid_api_key"
        if not is_loopback(_host(headers)):
            return 403, "without API keys this endpoint answers only requests to localhost", "forbidden_host"
        return None

    async def _health(self, send: Send) -> None:
        try:
            await self.healthy()
        except Exception:  # whatever the engine died of, the caller needs only the verdict
            await respond(send, 503, {"status": "unhealthy"})
        else:
            await respond(send, 200, {"status": "ok"})

    async def _limited(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass the request on; a body that grows past the cap ends as a disconnect for the application and a 413 outside."""
        received, too_large, started = 0, False, False

        async def counted() -> Message:
            nonlocal received, too_large
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self.max_body:
                    too_large = True
            return {"type": "http.disconnect"} if too_large else message

        async def watched(message: Message) -> None:
            nonlocal started
            if too_large and not started:
                return
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except Exception:
            if not too_large:
                raise
        if too_large and not started:
            await _error(send, 413, f"the request body is larger than {self.max_body} bytes", "request_too_large")


def _key(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1")  # the Anthropic clients' way


def _host(headers: Mapping[bytes, bytes]) -> str:
    host = headers.get(b"host", b"").decode("latin-1")
    return host[: host.index("]") + 1] if "]" in host else host.rsplit(":", 1)[0]


def _length(headers: Mapping[bytes, bytes]) -> int:
    value = headers.get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0


async def _error(send: Send, status: int, message: str, code: str) -> None:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    await respond(send, status, {"error": {"message": message, "type": kind, "param": None, "code": code}})


async def respond(send: Send, status: int, content: dict[str, Any]) -> None:
    """Send a whole JSON response, with the headers that its status calls for."""
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 503:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
