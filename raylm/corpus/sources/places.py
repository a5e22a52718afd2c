"""From what a recipe gives as a source's paths to the roots that are listed: folders, files, globs and lists of files, on local
disks, in object stores and on HTTP servers.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from raylm.corpus.files import ReadError, bare_name, explain, opened, unpacked
from raylm.corpus.files.address import HTTP, is_remote, store
from raylm.corpus.sources.base import Root
from raylm.corpus.sources.config import SourceConfig
from raylm.errors import UserError
from raylm.storage.place import place_of

_MAGIC = re.compile(r"[*?\[]")
_LINE_LIMIT = 10_000


def roots_of(config: SourceConfig) -> list[Root]:
    """Return the roots of a source, each labelled with its last name, numbered where two places share one.

    Raises:
        UserError: a place is missing or cannot be reached; or a list of files cannot be read.
    """
    found = [place for given in config.paths for place in _placed(given, config)]
    labels: dict[str, str] = {}
    for place, _, _ in found:
        if place not in labels:
            label = place.rstrip("/").rpartition("/")[2] or "root"
            same = sum(other.partition("#")[0] == label for other in labels.values())
            labels[place] = f"{label}#{same + 1}" if same else label
    return [Root(labels[place], place, pattern, files) for place, pattern, files in found]


def matches(relative: str, pattern: str) -> bool:
    """Whether a path below a root, or a folder above it, matches a shell glob (`*` and `?` stay within a folder, `**/` crosses
    them)."""
    return re.fullmatch(_expression(pattern) + "(?:/.*)?", relative, re.DOTALL) is not None


def _expression(pattern: str) -> str:
    expression, position = "", 0
    while position < len(pattern):
        character = pattern[position]
        ending = pattern.find("]", position + 2)
        if pattern.startswith("**/", position):
            expression, position = expression + "(?:.*/)?", position + 3
        elif pattern.startswith("**", position):
            expression, position = expression + ".*", position + 2
        elif character == "[" and ending > 0:
            inside = pattern[position + 1 : ending].replace("\\", "\\\\").replace("[", "\\[")
            expression, position = expression + f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]", ending + 1
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
            position += 1
    return expression


_Found = tuple[str, str, tuple[str, ...] | None]


def _placed(given: str, config: SourceConfig) -> Iterator[_Found]:
    """Yield (place, pattern, files) for one path of a recipe."""
    if bare_name(given).endswith(".paths"):
        yield from _listed(given, config)
    elif given.lower().startswith(HTTP):
        yield _on_server(given, config)
    elif is_remote(given) and not given.lower().startswith("file://"):
        yield _in_store(given, config)
    else:
        yield _on_disk(given, config)


def _error(config: SourceConfig, given: str, what: str) -> UserError:
    return UserError(f"corpus source {config.name!r}: {given}: {what}")


def _on_disk(given: str, config: SourceConfig) -> _Found:
    path = Path(place_of(given))
    if path.is_dir():
        return str(path), "", None
    if path.is_file():
        return str(path.parent), "", (path.name,)
    if path.exists():
        raise _error(config, given, "is neither a file nor a folder")
    fixed, pattern = _split(str(Path(given).expanduser().absolute()))
    if not pattern or not Path(fixed).is_dir():
        raise _error(config, given if not pattern else fixed, "no such file or folder on this machine")
    return str(Path(fixed).resolve()), pattern, None


def _split(path: str) -> tuple[str, str]:
    """Split a path before its first part that is a glob."""
    parts = path.split("/")
    first = next((index for index, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return "/".join(parts[:first]) or "/", "/".join(parts[first:])


def _in_store(given: str, config: SourceConfig) -> _Found:
    from pyarrow import fs

    fixed, pattern = _split(given.rstrip("/"))
    filesystem, path = store(fixed, config.anonymous)
    if pattern:
        return fixed, pattern, None
    try:
        kind = filesystem.get_file_info(path).type
    except OSError as error:
        raise _error(config, given, f"cannot be reached ({str(error).splitlines()[0]})") from None
    if kind == fs.FileType.NotFound:
        raise _error(config, given, "no such file or folder in the store")
    if kind == fs.FileType.File:
        place, _, name = fixed.rpartition("/")
        return place, "", (name,)
    return fixed, "", None


def _on_server(given: str, config: SourceConfig) -> _Found:
    scheme, _, rest = given.partition("://")
    host, _, path = rest.partition("/")
    if not path or path.endswith("/"):
        raise _error(config, given, "is no file; a web server cannot be listed, give files, or a list of them called *.paths")
    if "*" in path:
        raise _error(config, given, "a web server cannot be listed, so '*' finds nothing; give files, or a list called *.paths")
    return f"{scheme.lower()}://{host}", "", (path,)


def _listed(given: str, config: SourceConfig) -> Iterator[_Found]:
    """Yield the files of a list, together where they are below one place."""
    address = place_of(given)
    elsewhere = is_remote(address)
    base = (config.base or _base_of(address)).rstrip("/")
    together: dict[str, list[str]] = {}
    for line in _lines(address, given, config):
        if elsewhere and line.lower().startswith(("/", "file:")):  # whoever writes the list would choose what is read here
            raise _error(config, given, f"{line[:100]!r} is a path of this machine, and the list is not of it; "
                                        f"allowed: URIs, or names below {base}")
        if is_remote(line) or line.startswith("/"):
            place, _, name = line.rpartition("/")
            if line.lower().startswith(HTTP):
                place, _, (name, *_) = _on_server(line, config)  # type: ignore[misc]
        else:
            place, name = base if is_remote(base) else place_of(base), line
        place_of(place)
        if ".." in name.split("/"):
            raise _error(config, given, f"{line[:100]!r} leads out of {base}")
        together.setdefault(place, []).append(name)
    for place, names in together.items():
        yield place, "", tuple(dict.fromkeys(names))


def _base_of(address: str) -> str:
    """Return what the lines of a list are relative to: its server or bucket, or the local folder that it is in."""
    if is_remote(address):
        return "/".join(address.split("/", 3)[:3])
    return str(Path(address).parent)


def _lines(address: str, given: str, config: SourceConfig) -> list[str]:
    try:
        with opened(address, config.anonymous) as raw, unpacked(raw, address) as stream:
            lines = []
            while line := stream.readline(_LINE_LIMIT):
                if text := line.decode("utf-8", "replace").strip():
                    lines.append(text)
            return lines
    except (OSError, ReadError) as error:
        raise _error(config, given, f"the list cannot be read ({explain(error)})") from None
