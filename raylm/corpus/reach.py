"""Whether a node sees the folders that were listed on another one.

A file that is gone when it is read costs itself. A folder that a node does not have would cost every file that Ray happens to read
there, so the corpus would depend on where its tasks ran: that is an error.
"""

import os
import platform

import ray

from raylm.corpus.files.address import is_remote
from raylm.corpus.sources.config import SourceConfig
from raylm.errors import UserError


def this_node() -> str:
    """Return Ray's id of this node; names are not enough, cloned machines share one."""
    return str(ray.get_runtime_context().get_node_id()) if ray.is_initialized() else platform.node()


def check_root(source: SourceConfig, root: str, listed_on: str) -> None:
    """Check that this node can list a folder that its source's files were found in. Stores and servers are the same to all nodes.

    Args:
        source: The source.
        root: The folder.
        listed_on: `this_node()` of the node that found files in it.

    Raises:
        UserError: it cannot be listed here; or, on another node than that, it is empty, as where a disk is not mounted.
    """
    if is_remote(root):
        return
    node = platform.node()
    try:
        with os.scandir(root) as entries:
            reason = "it is empty there" if this_node() != listed_on and next(entries, None) is None else None
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        place = os.fsencode(root).decode("utf-8", "backslashreplace")
        remedy = "every node needs the same Python environment"
        if source.paths:
            remedy = "put the text where all nodes reach it, and leave it there"
        raise UserError(f"corpus source {source.name!r}: {place} cannot be read on node {node} ({reason}); {remedy}")
