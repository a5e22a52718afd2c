"""The endpoint: vLLM's OpenAI-compatible application in a Ray Serve deployment, and a terminal chat (`raylm.serve.chat`).

`start` and `serve_until_interrupted` serve a checkpoint folder from this machine or the connected cluster; `build_app` is the
same application as a builder for a Serve YAML (`import_path: raylm.serve:build_app`). Names are loaded at first use, because
the command line imports this package's configuration at every start.
"""

import importlib
from typing import Any

_HOMES = {
    "ServeConfig": "config",
    "build_app": "app",
    "build_health": "app",
    "Endpoint": "endpoint",
    "start": "endpoint",
    "serve_until_interrupted": "endpoint",
}

__all__ = ["Endpoint", "ServeConfig", "build_app", "build_health", "serve_until_interrupted", "start"]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
