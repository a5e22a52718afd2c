"""Does an answer in prose come to an end? For prompts that ask for no code."""

from raylm.posttrain.rlhf.rewards.registry import Answer, check

_CLOSERS = "\"'”’»)]*_` \n\t"


@check("ends")
def ends(answer: Answer) -> float:
    """1 if the model ended the answer itself after a sentence's end mark, 0.5 if after anything else, 0 if cut or empty."""
    text = answer.text.rstrip(_CLOSERS)
    if not answer.ended or not text:
        return 0.0
    return 1.0 if text[-1] in ".!?…。！？" else 0.5
