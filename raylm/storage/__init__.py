"""Where artifacts live: folders on any filesystem that pyarrow reaches, and the artifacts made of them."""

from raylm.storage.artifact import Artifact, address
from raylm.storage.folder import Folder

__all__ = ["Artifact", "Folder", "address"]
