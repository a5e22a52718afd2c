"""`/healthz` as a small application of its own, so that it answers also while no engine replica does.

Ray Serve's proxy queues requests for an application whose replicas are starting or dead, a health check among them; a load
balancer wants a prompt 503 instead. This replica holds no model and asks Ray Serve and one engine replica how they are.
"""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

from raylm.serve.gate import Application, Receive, Send, respond

FRESH_S = 1.0
"""A verdict is used again for this long, so that no stranger can keep the cluster busy with health checks."""
ENGINE_TIMEOUT_S = 3.0


class Health:
    """The deployment's class. `application` and `deployment` name the engine's in Ray Serve."""

    def __init__(self, application: str, deployment: str) -> None:
        """Remember whom to ask."""
        self.application, self.deployment = application, deployment
        self.asking = asyncio.Lock()
        self.verdict, self.asked = False, float("-inf")

    async def __serve_build_asgi_app__(self) -> Application:
        """Return the application (called by Ray Serve in the replica)."""

        async def answer(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await _live(receive, send)
            elif scope["type"] == "http":
                well = await self.well()
                await respond(send, 200 if well else 503, {"status": "ok" if well else "unhealthy"})

        return answer

    async def well(self) -> bool:
        """Return whether the engine would answer a request now. An endpoint scaled to zero is well."""
        async with self.asking:
            if time.monotonic() - self.asked > FRESH_S:
                try:
                    self.verdict = await self._ask()
                except Exception:  # no controller, no replica, no answer in time: all mean the same to the caller
                    self.verdict = False
                self.asked = time.monotonic()
            return self.verdict

    async def _ask(self) -> bool:
        from ray import serve

        overview = (await asyncio.to_thread(serve.status)).applications.get(self.application)
        if overview is None or overview.status != "RUNNING":
            return False
        if overview.deployments[self.deployment].replica_states.get("RUNNING"):  # type: ignore[call-overload]
            await asyncio.wait_for(self._engine_answers(), ENGINE_TIMEOUT_S)
        return True

    async def _engine_answers(self) -> None:
        from ray import serve

        await serve.get_deployment_handle(self.deployment, self.application).answers.remote()


async def _live(receive: Receive, send: Send) -> None:
    """Answer the lifespan protocol of a server; nothing needs starting or stopping here."""
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": message["type"] + ".complete"})
    await send({"type": "lifespan.shutdown.complete"})
