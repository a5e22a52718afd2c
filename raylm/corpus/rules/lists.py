"""Word, domain and URL lists that a recipe names as files: one entry a line, `#` begins a comment."""

from functools import cache

from raylm.errors import UserError


@cache
def entries(path: str) -> tuple[str, ...]:
    """Return a file's entries in its order, stripped; read once in a process.

    Raises:
        UserError: it cannot be read, or is no UTF-8.
    """
    from raylm.storage import Folder

    folder = Folder.at(path)
    try:
        with folder.filesystem.open_input_stream(folder.path) as stream:
            text = stream.read().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the list {path}: {str(error).splitlines()[0]}") from error
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))
