"""Prompts that ask for a Python function, and whether an answer is one. Python's own parser decides; nothing is executed.

A checkpoint before fine-tuning knows no turns of a chat: it is given the docstring as a comment and the beginning of a
definition, and what it writes up to the end of that function is its answer.
"""

import ast
import re
import warnings

from raylm.posttrain.pairs.chat import encode_prompt
from raylm.posttrain.pairs.functions import Function, implement_prompt
from raylm.tokenizer.text import Tokenizer

LONGEST = 20_000
"""Characters that are parsed at most: the parser takes a hundred times the memory of its text."""
_FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
OPENING = "def"


def chat_prompt(tokenizer: Tokenizer, function: Function) -> list[int]:
    """Return the prompt as fine-tuned checkpoints know it."""
    return encode_prompt(tokenizer, implement_prompt(function.docstring))


def plain_prompt(tokenizer: Tokenizer, function: Function) -> list[int]:
    """Return the prompt for a checkpoint that only continues text."""
    return [tokenizer.bos, *tokenizer.encode(f"# {function.docstring}\n{OPENING}")]


def plain_answer(text: str) -> str:
    """Return the function in a continuation of `plain_prompt`: up to the first line that leaves it."""
    first, *rest = (OPENING + text).split("\n")
    body = []
    for line in rest:
        if line.strip() and not line[0].isspace():
            break
        body.append(line)
    return "\n".join([first, *body])


def parses(answer: str) -> bool:
    """Whether an answer, or its first fenced block, is Python with a function at the top that does more than `pass`."""
    fenced = _FENCE.search(answer)
    code = fenced.group(1) if fenced else answer
    if len(code) > LONGEST:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return any(not all(map(_says_nothing, function.body)) for function in functions)


def _says_nothing(statement: ast.stmt) -> bool:
    dots = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...
    return dots or isinstance(statement, ast.Pass)
