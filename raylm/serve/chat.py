"""A conversation in the terminal: lines in, streamed answers out, with the history that makes it a conversation.

At a terminal there is a prompt, `/reset`, `/exit` and help; Ctrl-C cuts an answer short. With a pipe each line is one turn and
only the answers are printed, so that a script can hold a conversation too.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from raylm.errors import UserError
from raylm.serve.speaker import Messages, Speaker, endpoint_speaker, loadable, local_speaker

HELP = "/reset forgets the conversation, /exit or Ctrl-D ends it, Ctrl-C cuts an answer short"


def chat(
    model: str | Path,
    *,
    name: str | None = None,
    max_new: int = 128,
    temperature: float = 0.7,
    seed: int = 0,
    source: TextIO | None = None,
    sink: TextIO | None = None,
) -> None:
    """Talk with a model until the input ends.

    `model` is an endpoint's URL (its key comes from RAYLM_API_KEY) or a checkpoint folder, which is loaded into this process.
    `name` is the model's name: which one at an endpoint, what to call a folder. `max_new` bounds an answer, in tokens.
    Raises UserError if the model cannot be reached or loaded.
    """
    source, sink = source or sys.stdin, sink or sys.stdout
    if isinstance(model, str) and model.startswith(("http://", "https://")):
        key = os.environ.get("RAYLM_API_KEY")
        title, speaker = endpoint_speaker(model, api_key=key, name=name, max_new=max_new, temperature=temperature)
        origin = f"{title} at {model}"
    else:
        folder = Path(model)
        if not loadable(folder):
            raise UserError(f"{folder} cannot talk in this process; that needs an unquantised Llama with its tokenizer")
        speaker = local_speaker(folder, max_new=max_new, temperature=temperature, seed=seed)
        origin = f"{name or folder} (in this process, float32)"
    converse(speaker, origin, source, sink)


def converse(speaker: Speaker, origin: str, source: TextIO, sink: TextIO) -> None:
    """Run the conversation: `origin` is named as who talks; `source` and `sink` may be a terminal or a pipe."""
    at_terminal = source.isatty() and sink.isatty()
    if at_terminal:
        print(f"Talking with {origin}. {HELP}.", file=sink)
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  gives input() a line to edit and a history
    else:
        print(f"talking with {origin}", file=sys.stderr)
    history: Messages = []
    for line in _lines(source, at_terminal):
        if line in ("/exit", "/quit"):
            break
        if line.startswith("/"):
            _command(line, history, sink)
        elif line:
            _turn(line, history, speaker, sink)


def _lines(source: TextIO, at_terminal: bool) -> Iterator[str]:
    """Yield stripped lines until the input ends; at a terminal Ctrl-C at the prompt ends it too."""
    if not at_terminal:
        for line in source:
            yield line.strip()
        return
    while True:
        try:
            yield input("you> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return


def _command(line: str, history: Messages, sink: TextIO) -> None:
    if line == "/reset":
        history.clear()
        print("(a new conversation)", file=sink)
    else:
        print(f"({line} is no command; {HELP})", file=sink)


def _turn(line: str, history: Messages, speaker: Speaker, sink: TextIO) -> None:
    """Let the model answer one line; what it said before Ctrl-C counts. A turn that failed is not remembered."""
    history.append({"role": "user", "content": line})
    said: list[str] = []
    try:
        for piece in speaker(history):
            said.append(piece)
            sink.write(printable(piece))
            sink.flush()
    except KeyboardInterrupt:
        sink.write(" (cut short)")
    except UserError as error:
        sink.write(f"({error})")
        if not said:
            history.pop()
            sink.write("\n")
            return
    sink.write("\n" if said else "(no words)\n")
    sink.flush()
    history.append({"role": "assistant", "content": "".join(said)})


def printable(text: str) -> str:
    """Return the text without control characters, so that no model can send escape sequences to a terminal."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
