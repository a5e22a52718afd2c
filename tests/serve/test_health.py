"""The health application: a prompt verdict whatever the engine does, and not one question to the cluster per visitor."""

import asyncio

import pytest

from raylm.serve.health import Health


class Asked(Health):
    def __init__(self, outcome):
        super().__init__("raylm", "engine")
        self.outcome, self.questions = outcome, 0

    async def _ask(self):
        self.questions += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def statuses(health, visitors):
    app = await health.__serve_build_asgi_app__()
    sent = []

    async def send(message):
        sent.append(message)

    await asyncio.gather(*[app({"type": "http", "path": "/healthz", "headers": []}, None, send) for _ in range(visitors)])
    return [message["status"] for message in sent if "status" in message]


@pytest.mark.parametrize(("outcome", "status"), [(True, 200), (False, 503), (TimeoutError(), 503), (RuntimeError("dead"), 503)])
def test_verdict_is_asked_once_for_many_visitors(outcome, status):
    health = Asked(outcome)
    assert asyncio.run(statuses(health, 50)) == [status] * 50
    assert health.questions == 1


def test_lifespan_protocol_is_answered():
    async def run():
        app = await Asked(True).__serve_build_asgi_app__()
        events, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

        async def receive():
            return events.pop(0)

        async def send(message):
            sent.append(message["type"])

        await app({"type": "lifespan"}, receive, send)
        return sent

    assert asyncio.run(run()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
