"""Who answers in a chat: a model behind an OpenAI-compatible endpoint, or a checkpoint loaded into this process.

A speaker is a function from the messages so far to the pieces of the answer as they come. The local one needs no vLLM and is
ready in a second, which is what a look at a fresh checkpoint wants.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from raylm.errors import UserError

Messages = list[dict[str, str]]
Speaker = Callable[[Messages], Iterator[str]]

CHUNK = 8
"""Tokens generated between two pieces of an answer: each reads the conversation anew, which small models do in no time."""


def loadable(folder: Path) -> bool:
    """Return whether `raylm.model` can load this checkpoint: an unquantised Llama, with our tokenizer beside it."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    from raylm.tokenizer.text import model_file

    plain = "quantization_config" not in config and "LlamaForCausalLM" in config.get("architectures", [])
    return plain and model_file(folder) is not None


def first_loadable(folders: list[Path]) -> Path:
    """Return the first of these checkpoint folders that can talk in this process; UserError if none can."""
    for folder in folders:
        if loadable(folder):
            return folder
    raise UserError(
        f"no checkpoint here can talk without an endpoint (tried {', '.join(map(str, folders)) or 'none'}); "
        "an int8 checkpoint needs `raylm serve` and then its URL"
    )


def endpoint_speaker(
    url: str, *, api_key: str | None = None, name: str | None = None, max_new: int = 128, temperature: float = 0.7
) -> tuple[str, Speaker]:
    """Return the name of the model at an endpoint and its speaker. `url` is with or without `/v1`.

    `name` chooses among several models. Raises UserError if nothing answers there, the key is refused or no model has the name.
    """
    import openai

    base = url.rstrip("/").removesuffix("/v1") + "/v1"
    client = openai.OpenAI(base_url=base, api_key=api_key or "none", max_retries=1)
    try:
        served = [model.id for model in client.models.list()]
    except openai.AuthenticationError:
        raise UserError(f"{url} refused the API key; set RAYLM_API_KEY to one of its keys") from None
    except openai.APIError as error:
        raise UserError(f"no model answers at {url}: {error}") from None
    model = name or (served[0] if served else "")
    if model not in served:
        raise UserError(f"{url} serves {', '.join(served) or 'no model'}, not {name}")

    def speak(messages: Messages) -> Iterator[str]:
        try:
            with client.chat.completions.create(
                model=model, messages=cast(Any, messages), max_tokens=max_new, temperature=temperature, stream=True
            ) as stream:
                for event in stream:
                    if event.choices and event.choices[0].delta.content:
                        yield event.choices[0].delta.content
        except openai.APIError as error:
            raise UserError(f"the endpoint did not answer: {error}") from None

    return model, speak


def local_speaker(folder: Path, *, max_new: int = 128, temperature: float = 0.7, seed: int = 0) -> Speaker:
    """Load a checkpoint of ours into this process (float32) and return its speaker.

    The oldest turns are left out once a conversation no longer fits the model's context.
    """
    import torch

    from raylm.model.generate import generate
    from raylm.model.hf_io import load_decoder
    from raylm.tokenizer.text import Tokenizer

    tokenizer, decoder = Tokenizer.open(folder), load_decoder(folder).eval()
    generator = torch.Generator().manual_seed(seed)
    stop, context = {tokenizer.end, tokenizer.eos}, decoder.config.context
    room = min(max_new, context // 2)

    def speak(messages: Messages) -> Iterator[str]:
        prompt = fitting(messages, lambda turns: tokenizer.chat(turns, generation_prompt=True), context - room)
        said: list[int] = []
        shown = ""
        while len(said) < room and not (said and said[-1] in stop):
            step = min(CHUNK, room - len(said))
            said += generate(
                decoder, [prompt + said], max_new=step, temperature=temperature, stop=stop, generator=generator
            ).tokens[0]
            text = tokenizer.decode([token for token in said if token not in stop])
            ready = text.rstrip("�")  # a character whose last bytes are still to come
            if ready.startswith(shown) and len(ready) > len(shown):
                yield ready[len(shown) :]
                shown = ready

    return speak


def fitting(messages: Messages, encode: Callable[[Messages], list[int]], limit: int) -> list[int]:
    """Return the ids of the newest messages that fit `limit` tokens, starting at a user's turn.

    Raises UserError if the last message alone is too long.
    """
    for first in range(len(messages)):
        if messages[first]["role"] != "user":
            continue
        ids = encode(messages[first:])
        if len(ids) <= limit:
            return ids
    raise UserError(f"this message is too long for the model: at most {limit} tokens fit")
