"""API keys: where they come from, and the digests by which the endpoint knows them.

A key exists in clear only in the user's file or environment and in the clients. What travels to the cluster is its SHA-256:
keys are long and random (enforced), so a plain fast hash is as good as a slow one. None is ever taken from a command line.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from raylm.errors import UserError

KEYS_VARIABLE = "RAYLM_API_KEYS"
SHORTEST = 16


def generate_key() -> str:
    """Return a new random API key of 256 bits."""
    return "sk-raylm-" + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """Return the hexadecimal SHA-256 of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def matches(key: str, digests: Iterable[str]) -> bool:
    """Return whether `key` has one of these digests; the time taken does not depend on which, or how nearly."""
    given = digest(key)
    found = False
    for known in digests:
        found |= hmac.compare_digest(given, known)
    return found


def create_key_file(path: Path) -> str:
    """Write a new key to a new file that only its owner can read, and return the key.

    Raises UserError if the file exists or cannot be made.
    """
    key = generate_key()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError(f"{path} exists; an API key is only ever written to a new file") from None
    except OSError as error:
        raise UserError(f"cannot write the API key to {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")
    return key


def read_keys(path: Path | None) -> list[str]:
    """Return the keys in the file (one a line, `#` comments) and in the environment variable RAYLM_API_KEYS.

    Raises UserError, without quoting a key, if the file cannot be read, holds no key, or a key is too short.
    """
    keys = [key.strip() for key in os.environ.get(KEYS_VARIABLE, "").split(",") if key.strip()]
    _require_long(keys, f"the environment variable {KEYS_VARIABLE}")
    if path is not None:
        listed = _lines(path)
        if not listed:
            raise UserError(f"{path} holds no API key; it needs one per line")
        _require_long(listed, str(path))
        keys += listed
    return keys


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read the API key file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"the API key file {path} is not UTF-8 text") from None
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _require_long(keys: list[str], origin: str) -> None:
    for number, key in enumerate(keys, 1):
        if len(key) < SHORTEST:
            raise UserError(f"API key {number} in {origin} has {len(key)} characters; at least {SHORTEST} are needed")
