"""Does an answer hold a Python function that parses and does something?

The check is Python's own parser behind guards: text of a model can be long, deeply nested or full of null bytes, and must cost
milliseconds and raise nothing. It never executes what it reads.
"""

import ast
import re
import warnings

from raylm.posttrain.rlhf.rewards.registry import Answer, check

LONGEST = 20_000
"""Characters of code that are looked at: parsing takes time and a hundred times the memory in proportion."""
_FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def extract_code(text: str) -> str:
    """Return the first fenced block of an answer, or all of it where there is no fence."""
    fenced = _FENCE.search(text)
    return fenced.group(1) if fenced else text


def parse(code: str) -> ast.Module | None:
    """Parse Python, or return None: for what is no Python, and for what is too long or too deep to parse safely."""
    if len(code) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the model's business
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def has_function(tree: ast.Module) -> bool:
    """Whether a function at the top says more than nothing: a docstring or any statement but `pass` and `...`."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not all(map(_is_empty, node.body))
               for node in tree.body)


def _is_empty(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and statement.value.value is ...


@check("parses")
def parses(answer: Answer) -> float:
    """1 if the answer's code parses and defines a function that is not empty, else 0."""
    tree = parse(extract_code(answer.text))
    return float(tree is not None and has_function(tree))
