"""An artifact: an immutable folder, addressed by a hash of exactly what made it, published by one marker.

A stage writes into `<root>/<stage>-<address>/`; the folder is an artifact from the moment its `manifest.json` exists, and that
file is written last. `cost.json` beside it holds what differs from one making to the next (seconds, rates, host), so that two
makings of one artifact have equal manifests.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from raylm.storage.folder import Folder

MANIFEST = "manifest.json"
COST = "cost.json"


def address(parts: dict[str, Any]) -> str:
    """Return 16 hexadecimal digits that name exactly these JSON values (SHA-256 of their canonical form)."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Artifact:
    """A published (or still to be published) result of a stage."""

    stage: str
    key: str
    folder: Folder

    @property
    def published(self) -> bool:
        """Whether the artifact is complete."""
        return self.folder.exists(MANIFEST)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the artifact is made of: `stage`, `key`, `inputs`, `config`, `seed`, `versions`, `counts`, `metrics`, `headline`."""
        return dict(self.folder.read_json(MANIFEST))

    @property
    def metrics(self) -> dict[str, Any]:
        """The stage's own figures."""
        return dict(self.manifest["metrics"])

    @property
    def cost(self) -> dict[str, Any]:
        """What the making cost: `seconds`, and what else the stage measured of itself."""
        return dict(self.folder.read_json(COST)) if self.folder.exists(COST) else {}

    def publish(self, manifest: dict[str, Any], cost: dict[str, Any]) -> None:
        """Write the cost, then the manifest, which makes the folder an artifact."""
        self.folder.write_json(COST, cost)
        self.folder.write_json(MANIFEST, manifest)
