"""How rules are asked in tests: documents are measured, then decided on from the columns alone, as the stages do."""

import json

import pyarrow as pa

from raylm.corpus.document import Document
from raylm.corpus.rules import RULES

KNOWN = {"content": pa.string(), "bytes": pa.int64(), "url": pa.string(), "metadata": pa.string(), "language": pa.string(),
         "language_score": pa.float64(), "language_lines": pa.float64()}


def rule(do, **keys):
    return RULES[do](do=do, **keys)


def columns(measure, *documents):
    """What a measure says of documents: rows of its columns."""
    return [dict(zip(measure.columns, row, strict=True)) for row in zip(*measure.measure(documents).values(), strict=True)]


def judged(asked, text="", content="prose", **known):
    """The reason of one rule against one document, or None; `known` are columns that its source or an identifier gave."""
    document = Document(text, content, path=known.pop("path", ""))
    given = {"content": content, "bytes": len(text.encode("utf-8", "replace")), **known}
    if isinstance(given.get("metadata"), dict):
        given["metadata"] = json.dumps(given["metadata"])
    row = {name: pa.array([given.get(name)], kind) for name, kind in KNOWN.items()}
    for measure in asked.measures():
        for name, values in measure.measure([document]).items():
            row[name] = pa.array(values, pa.type_for_alias(measure.columns[name]))
    reason, = asked.reasons(pa.table(row))
    return reason
