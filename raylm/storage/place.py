"""From what a user writes as a place to the address of a folder: an absolute local path, or the URI of an object store.

An address ends up in recipes, reports and messages, so it must hold no password; and names are hung on its end, so nothing may
follow the path. Both are refused here, where every place passes, and the refusal does not repeat what it refuses.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from raylm.errors import UserError

CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or ~/.aws/credentials",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS in the environment",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS in the environment",
    "abfs": "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in the environment, or `az login`",
    "abfss": "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in the environment, or `az login`"}
"""Where a store's own library looks for credentials."""
NAMED = ("abfs", "abfss", "gs", "gcs", "hdfs", "viewfs")
"""Schemes in which a lone name before `@` is no secret: a container, `anonymous`, a user."""
BUCKETS = ("s3", "gs", "gcs")
"""Schemes whose addresses begin with a bucket, which has no port."""


def place_of(text: str) -> str:
    """Return the address that a path or URI means; `file://` URIs mean paths.

    Raises:
        UserError: a URI with credentials, with something after its path, or a `file` URI of another machine.
    """
    if "://" not in text:
        return str(Path(text).expanduser().resolve())
    scheme = text.split("://", 1)[0].lower()
    _refuse_credentials(scheme, text.split("://", 1)[1])
    if "?" in text or "#" in text:
        raise UserError(f"a {scheme}:// address ends with its path, nothing after '?' or '#' is understood; options go into the "
                        "environment (AWS_REGION, AWS_ENDPOINT_URL), and in a file name write %3F or %23")
    if scheme == "file":
        return _local_path(text)
    return text.rstrip("/")


def _refuse_credentials(scheme: str, rest: str) -> None:
    authority = rest.split("/", 1)[0]
    user, at, _ = authority.rpartition("@")
    # A secret may hold a slash, which then seems to end the authority: what follows the colon is no port, and buckets have none.
    _, colon, port = authority.rpartition(":")
    broken = bool(colon) and not (port.isdigit() and scheme not in BUCKETS) and not authority.endswith("]")
    if (at and (":" in user or scheme not in NAMED)) or (not at and broken):
        raise UserError(f"a {scheme}:// address must not hold a key or password, it would be written into recipes and reports; "
                        f"write {scheme}://bucket/prefix and give them as {CREDENTIALS.get(scheme, 'the store documents')}")


def _local_path(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise UserError(f"{uri}: got a file on {parts.netloc!r}, allowed: file:///absolute/path on this machine, or a plain path")
    return str(Path(unquote(parts.path) or "/").resolve())
