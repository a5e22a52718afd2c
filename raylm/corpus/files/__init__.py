"""Files wherever they lie: an address is opened (local disk, object store, HTTP), and what is packed comes out unpacked."""

from raylm.corpus.files.address import opened
from raylm.corpus.files.errors import ReadError, explain
from raylm.corpus.files.unpack import bare_name, unpacked

__all__ = ["ReadError", "bare_name", "explain", "opened", "unpacked"]
