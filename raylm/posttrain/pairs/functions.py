"""Functions with a docstring, found in Python source: a signature, a summary line, and the body where it is short.

Parsing instead of matching text gives exactly the functions that Python sees, and `ast.unparse` gives each one spelling
(one line, four blanks, no comments), so equal functions are equal text and every answer made from them parses.
"""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from raylm.posttrain.pairs.instruction import Instruction

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

MAX_SOURCE = 400_000
"""Characters of a file that is parsed at all: a syntax tree takes some hundred times the memory of its text."""
SUMMARY_LENGTH = (12, 120)
MAX_SIGNATURE = 160
MAX_BODY = 200
MAX_BODY_LINES = 6
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]", re.MULTILINE)
_NOT_PROSE = re.compile(r"^(?:>>>|:|@|#|\.\.|-{3}|={3}|\{|<|[A-Za-z_][\w.]*\(|(?:TODO|FIXME|XXX)\b)")
_NOT_QUOTABLE = re.compile(r'"""|\\|"$|[\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Function:
    """A function or method and its summary."""

    asks: ClassVar[str] = "implement"
    rewards: ClassVar[dict[str, float]] = {"model": 1.0, "parses": 1.0}
    example: ClassVar[str] = "Write a Python function: Return the sum of two numbers."

    name: str
    """Qualified name within the file, as `__qualname__` would be: `Class.method`, `outer.<locals>.inner`."""
    signature: str
    """`def name(arguments) -> result:` on one line, without decorators."""
    docstring: str
    """The docstring's first line, where that is a whole summary."""
    body: str
    """The statements after the docstring, not indented; empty where there are none or they are not short."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two functions the same pair; bodies may differ."""
        return self.signature, self.docstring

    @property
    def code(self) -> str:
        """The function as Python source: signature, summary, body."""
        return write_code(self.signature, self.docstring, self.body)

    def instructions(self) -> list[Instruction]:
        """Return both directions: describe the function; implement the description."""
        return [Instruction("describe", describe_prompt(self.signature), self.docstring),
                Instruction("implement", implement_prompt(self.docstring), self.code)]

    def swapped(self, other: "Function") -> list[str]:
        """Return wrong answers to `instructions()`, in their order, made of another function.

        The wrong code keeps the right docstring: were it the other function's, the two answers could be told apart by
        whether they copy the prompt, and a reward model would learn to reward nothing else.
        """
        return [other.docstring, write_code(other.signature, self.docstring, other.body)]


def describe_prompt(signature: str) -> str:
    """The user's turn that asks for a summary of a function."""
    return f"Write the docstring's first line of this function:\n{signature}"


def implement_prompt(docstring: str) -> str:
    """The user's turn that asks for a function with this summary."""
    return f"Write a Python function: {docstring}"


def write_code(signature: str, docstring: str, body: str) -> str:
    """Return a whole function. The docstring alone is a valid body, so a function without a short body still parses."""
    lines = [signature, f'    """{docstring}"""']
    return "\n".join([*lines, textwrap.indent(body, "    ")] if body else lines)


def extract(text: str) -> list[Function]:
    """Return the functions of Python source that have a whole one-line summary, in the order of the file.

    Text that is not Python, is too long to parse safely or too deeply nested gives an empty list, never an error.
    """
    if len(text) > MAX_SOURCE or not _DEFINITION.search(text):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's code are not our news
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = (_function(node, prefix) for node, prefix in _definitions(tree))
    return [function for function in found if function is not None]


def summary_line(docstring: str) -> str | None:
    """Return a docstring's first line, blanks normalised, or None where it is not a whole summary in prose.

    Whole means that the line ends a sentence or a blank line follows: the first line of a wrapped sentence teaches to
    stop in the middle.
    """
    lines = docstring.strip().splitlines() or [""]
    line = " ".join(lines[0].split())
    whole = len(lines) == 1 or not lines[1].strip() or line.endswith((".", "!", "?"))
    shortest, longest = SUMMARY_LENGTH
    if not whole or not shortest <= len(line) <= longest or len(line.split()) < 3:
        return None
    return None if _NOT_PROSE.search(line) or _NOT_QUOTABLE.search(line) else line


def _definitions(tree: ast.Module) -> Iterator[tuple[FunctionNode, str]]:
    """Every function with its qualified name's prefix, in source order; a loop, for recursion could overflow."""
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, prefix = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, prefix
            prefix = f"{prefix}{node.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            prefix = f"{prefix}{node.name}."
        elif isinstance(node, ast.expr):
            continue  # no definition is inside an expression
        stack.extend((child, prefix) for child in reversed(list(ast.iter_child_nodes(node))))


def _function(node: FunctionNode, prefix: str) -> Function | None:
    docstring = ast.get_docstring(node)
    summary = summary_line(docstring) if docstring else None
    if summary is None:
        return None
    try:
        signature = _signature(node)
        body = _body(node)
    except RecursionError:
        return None
    if len(signature) > MAX_SIGNATURE or "\n" in signature:
        return None
    return Function(prefix + node.name, signature, summary, body)


def _signature(node: FunctionNode) -> str:
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{keyword} {node.name}({ast.unparse(node.args)}){result}:"


def _body(node: FunctionNode) -> str:
    statements = node.body[1:]
    if not statements or len(statements) > MAX_BODY_LINES:
        return ""
    # Unparsing a long function only to find it long is most of the work: comments and blank lines are the only slack.
    if (statements[-1].end_lineno or 0) - statements[0].lineno > 3 * MAX_BODY_LINES:
        return ""
    body = "\n".join(ast.unparse(statement) for statement in statements)
    empty = body in ("pass", "...")
    return "" if empty or len(body) > MAX_BODY or body.count("\n") >= MAX_BODY_LINES else body
