"""An instruction and its answer as token ids in the chat format, with the place where the answer begins."""

from dataclasses import dataclass

from raylm.posttrain.pairs.instruction import Instruction
from raylm.tokenizer.text import Tokenizer

IGNORED = -100
"""The label of a position that carries no loss."""


@dataclass(frozen=True)
class Turns:
    """A user's turn and the assistant's, tokenised."""

    tokens: list[int]
    answer: int
    """Index of the first token of the answer; the last token is the end of the assistant's turn."""

    def labels(self) -> list[int]:
        """Return for each token the next one if that belongs to the answer (its end token included), else `IGNORED`."""
        following = [*self.tokens[1:], IGNORED]
        return [IGNORED] * (self.answer - 1) + following[self.answer - 1:]


def encode(tokenizer: Tokenizer, instruction: Instruction) -> Turns:
    """Tokenise an instruction and its answer with the tokenizer's chat template.

    Raises:
        ValueError: the template writes the user's turn differently once an answer follows.
    """
    question = [{"role": "user", "content": instruction.prompt}]
    prompt = tokenizer.chat(question, generation_prompt=True)
    whole = tokenizer.chat([*question, {"role": "assistant", "content": instruction.answer}], generation_prompt=False)
    if whole[:len(prompt)] != prompt:
        raise ValueError("the chat template's prompt is not a prefix of the conversation")
    return Turns(whole, len(prompt))


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Return the tokens after which the model is to answer."""
    return tokenizer.chat([{"role": "user", "content": prompt}], generation_prompt=True)
