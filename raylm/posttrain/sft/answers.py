"""What a checkpoint answers to a few prompts: the part of the report that a person reads first."""

from typing import Any

import ray

from raylm.model.generate import generate
from raylm.model.hf_io import load_decoder
from raylm.posttrain.pairs.chat import encode_prompt
from raylm.posttrain.pairs.instruction import Instruction
from raylm.storage import Folder
from raylm.tokenizer.text import Tokenizer


def answers(checkpoint: Folder, tokenizer: Folder, prompts: list[str], max_new: int) -> list[str]:
    """Return the most likely answer (greedy, token by token) to each prompt; empty for one that fills the context."""
    text = Tokenizer.open(tokenizer.local())
    decoder = load_decoder(checkpoint.local())
    encoded = [encode_prompt(text, prompt) for prompt in prompts]
    fitting = [index for index, tokens in enumerate(encoded) if len(tokens) < decoder.config.context]
    found = [""] * len(prompts)
    if fitting:
        rollout = generate(decoder, [encoded[index] for index in fitting], max_new=max_new, temperature=0.0,
                           stop={text.end, text.eos})
        for index, tokens in zip(fitting, rollout.tokens, strict=True):
            found[index] = text.decode(tokens)
    return found


def compare(instructions: list[Instruction], before: Folder, after: Folder, tokenizer: Folder,
            max_new: int) -> list[dict[str, Any]]:
    """Return for each instruction its direction, prompt, the true answer, and both checkpoints' own, each from a Ray task."""
    if not instructions:
        return []
    prompts = [instruction.prompt for instruction in instructions]
    ask = ray.remote(num_cpus=1)(answers)
    both = ray.get([ask.remote(checkpoint, tokenizer, prompts, max_new) for checkpoint in (before, after)])
    return [{"direction": i.direction, "prompt": i.prompt, "true": i.answer, "before": old, "after": new}
            for i, old, new in zip(instructions, *both, strict=True)]
