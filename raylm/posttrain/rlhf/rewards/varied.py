"""Does an answer keep saying new things? The commonest way for a small model to please a reward model is to repeat itself."""

from raylm.posttrain.rlhf.rewards.registry import Answer, check

SHORTEST = 20
"""Characters below which an answer says too little to be called varied."""
_LONGEST = 20_000


@check("varied")
def varied(answer: Answer) -> float:
    """Share of an answer's windows of 8 characters that are distinct; 0 for answers under `SHORTEST` characters."""
    text = " ".join(answer.text[:_LONGEST].split())
    if len(text) < SHORTEST:
        return 0.0
    windows = [text[at:at + 8] for at in range(len(text) - 7)]
    return len(set(windows)) / len(windows)
