"""Proofs 1 and 8 of the corpus' rules: the decisions of datatrove's filters on real documents, and documents per second.

datatrove counts spaCy's words, so the decisions are compared twice: with its splitter in both, where every difference is printed
with the definition that explains it, and with ours, where the agreement is told as it is. datatrove runs in an environment of its
own, whose Python `--peer` names (`pip install datatrove==0.10.1 spacy numpy pydantic pyyaml`); this module's child runs there.

    python -m benchmarks.corpus_rules --peer PEER/bin/python
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness import RESULTS, machine, summarise, table

if TYPE_CHECKING:
    from raylm.corpus.document import Document

ROOT = Path(__file__).parents[1]
PAGE = 3_000
"""Characters of a page of a book."""
PEER, OURS, PLUGGED = "datatrove 0.10.1 as shipped", "raylm", "raylm with datatrove's splitter"
RULES = ("gopher_repetition", "gopher_quality", "c4", "fineweb")
"""In the order in which the chain asks them."""

REASONS: dict[str, dict[str, str]] = {
    "gopher_quality": {
        "gopher_short_doc": "too few words", "gopher_long_doc": "too many words", "gopher_below_avg_threshold": "words too short",
        "gopher_above_avg_threshold": "words too long", "gopher_too_many_hashes": "too many hashes",
        "gopher_too_many_ellipsis": "too many ellipses", "gopher_too_many_bullets": "too many bullets",
        "gopher_too_many_end_ellipsis": "too many lines end in an ellipsis",
        "gopher_below_alpha_threshold": "too few words with letters",
        "gopher_enough_stop_words": "too few stop words",
    },
    "gopher_repetition": {
        "dup_para_frac": "repeated paragraphs", "dup_para_char_frac": "characters in repeated paragraphs",
        "dup_line_frac": "repeated lines", "dup_line_char_frac": "characters in repeated lines",
        **{f"top_{n}_gram": f"one {n}-gram too frequent" for n in (2, 3, 4)},
        **{f"duplicated_{n}_n_grams": f"repeated {n}-grams" for n in range(5, 11)},
    },
    "c4": {"lorem_ipsum": "lorem ipsum", "curly_bracket": "curly bracket", "too_few_sentences": "too few sentences"},
    "fineweb": {"line_punct_ratio": "too few lines end a sentence", "short_line_ratio": "too many short lines",
                "char_dup_ratio": "characters in repeated lines", "list_ratio": "too many newlines"},
}
"""datatrove's reasons in our words."""


def documents(data: Path, more: int) -> list[str]:
    """Return the 300 documents of C4, then so many further ones: always the same for the same data.

    They are taken in turn from passages, dialogues, answers, articles, pages of books; the last 200 are what installed packages say
    of themselves, Markdown most of it.
    """
    found = [row["text"] for row in _rows(data / "web_text/c4_300.jsonl.gz")]
    kinds: list[Iterator[str]] = [
        (row["query"] for row in _rows(data / "eval/boolq.jsonl.gz")),
        (row["chosen"] for row in _rows(data / "preference/harmless_1600.jsonl.gz")),
        (row["context"] + row["continuation"] for row in _rows(data / "eval/lambada_openai.jsonl.gz")),
        (row["output"] for row in _rows(data / "instruction/alpaca_en.json.gz")),
        (row["articleBody"] for row in json.loads((data / "web/ground-truth.json").read_text()).values()),
        (page for book in sorted((data / "books").glob("*.txt*")) for page in _pages(_text(book))),
        (page for page in _pages(_text(data / "web_text/wikipedia_30.txt.gz"))),
        (row["query"] for row in _rows(data / "pii/enterprise_pii_classification.jsonl.gz")),
        (row["question"] + "\n" + row["answer"] for row in _rows(data / "math/gsm8k_train.jsonl.gz")),
    ]
    packages = sorted(Path(sys.prefix).glob("lib/python*/site-packages/*/METADATA"))[:200 if more >= 1_000 else 0]
    while kinds and len(found) < 300 + more - len(packages):
        for kind in list(kinds):
            text = next(kind, None)
            if text is None:
                kinds.remove(kind)
            elif text.strip():
                found.append(text)
    return found[:300 + max(more, 0) - len(packages)] + [path.read_text("utf-8", "replace") for path in packages]


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace").replace("\r\n", "\n")


def _rows(path: Path) -> list[dict[str, Any]]:
    text = _text(path)
    rows: list[dict[str, Any]] = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    return rows


def _pages(text: str) -> Iterator[str]:
    """Cut a text between paragraphs."""
    page = ""
    for paragraph in text.split("\n\n"):
        page += paragraph + "\n\n"
        if len(page) >= PAGE:
            yield page
            page = ""
    yield page


# In the peer's environment --------------------------------------------------------------------------------------------------------


def _filters() -> dict[str, Any]:
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

    return {"gopher_repetition": GopherRepetitionFilter(), "gopher_quality": GopherQualityFilter(), "c4": C4QualityFilter(),
            "fineweb": FineWebQualityFilter()}


def _judged(chosen: Any, text: str) -> str:
    """Return a filter's reason, empty if it keeps the text."""
    from datatrove.data import Document as PeerDocument

    try:
        result = chosen.filter(PeerDocument(text=text, id=""))
    except ZeroDivisionError:
        return "division by zero"
    return result[1] if isinstance(result, tuple) else "" if result else "removed"


class PeerSplitter:
    """datatrove's words and sentences, for our views."""

    def words(self, text: str) -> list[str]:
        """Return spaCy's tokens."""
        from datatrove.utils.text import split_into_words

        words: list[str] = split_into_words(text)
        return words

    def sentences(self, text: str) -> list[str]:
        """Return spaCy's sentences."""
        from datatrove.utils.text import split_into_sentences

        sentences: list[str] = split_into_sentences(text)
        return sentences


def reference(texts: Sequence[str]) -> dict[str, Any]:
    """Return datatrove's reasons by rule, our columns with its splitter, and those that differ with its punctuation too."""
    from datatrove.utils.text import PUNCTUATION_SET

    from raylm.corpus.document import Document
    from raylm.corpus.measures import words
    from raylm.corpus.text import TextView

    TextView.splitter = PeerSplitter()
    filters = _filters()
    reasons: dict[str, list[str]] = {name: [] for name in RULES}
    made = [Document(text) for text in texts]
    for document in made:
        # datatrove remembers its last five splits: C4, which splits line by line, comes when all others have had the words.
        for name in sorted(RULES, key="c4".__eq__):
            _ = document.view.words if name == "c4" else None
            reasons[name].append(_judged(filters[name], document.text))
    found = columns(made)
    words.SYMBOLS = "".join(sorted(PUNCTUATION_SET))
    return {"reasons": reasons, "columns": found, "punctuation": found | dict(words.Words().measure(made))}


def peer_speed(texts: Sequence[str]) -> dict[str, float]:
    """Time datatrove's filters one after the other, each on what the one before kept, as its pipeline runs them."""
    from datatrove.data import Document as PeerDocument

    filters = _filters()
    made = [PeerDocument(text=text, id="") for text in texts]
    _judged(filters["gopher_quality"], texts[0])  # loads spaCy

    def work() -> None:
        for document in made:
            for name in RULES:
                if filters[name].filter(document) is not True:
                    break

    return _rate(work, len(texts))


def plugged_speed(texts: Sequence[str]) -> dict[str, float]:
    """Time our measures with datatrove's splitter."""
    from raylm.corpus.text import TextView

    TextView.splitter = PeerSplitter()
    return our_speed(texts)


# In either ------------------------------------------------------------------------------------------------------------------------


def columns(documents: "Sequence[Document]") -> dict[str, list[float | None]]:
    """Return what the four rules decide by: every measure of every document, nothing passed over."""
    from raylm.corpus.rules import RULES as OWN

    measures = dict.fromkeys(measure for name in RULES for measure in OWN[name](do=name).measures())
    found: dict[str, list[float | None]] = {}
    for start in range(0, len(documents), 256):
        for measure in measures:
            for name, values in measure.measure(documents[start:start + 256]).items():
                found.setdefault(name, []).extend(values)
    return found


def our_speed(texts: Sequence[str]) -> dict[str, float]:
    """Time our measures; deciding from columns is not worth a clock."""
    from raylm.corpus.document import Document

    columns([Document(texts[0])])
    return _rate(lambda: columns([Document(text) for text in texts]), len(texts))


def _rate(work: Callable[[], Any], count: int) -> dict[str, float]:
    """Return documents per second of this one process' CPU time: both are one thread, and a busy machine is unjust to neither."""
    wall, started = time.perf_counter(), time.process_time()
    work()
    seconds = time.process_time() - started
    return {"rate": count / seconds, "seconds": seconds, "wall_seconds": time.perf_counter() - wall}


# In the parent --------------------------------------------------------------------------------------------------------------------


def decide(found: dict[str, list[float | None]]) -> dict[str, list[str]]:
    """Return our reasons by rule, empty where the document is kept."""
    import pyarrow as pa

    from raylm.corpus.rules import RULES as OWN

    rows = pa.table({name: pa.array(values, pa.float64()) for name, values in found.items()})
    return {name: [reason or "" for reason in OWN[name](do=name).reasons(rows)] for name in RULES}


def explanation(theirs: str, ours: str, with_theirs: str) -> str:
    """Return the definition that makes a decision differ although the words are the same; empty if none is known.

    `with_theirs` is ours with datatrove's list of punctuation.
    """
    if theirs == "division by zero":
        return "datatrove divides by the number of words or lines, and there are none"
    if theirs == "empty":
        return "datatrove has a reason of its own for a text without lines; a share of nothing objects to nothing"
    if {theirs, ours} == {"curly bracket", "lorem ipsum"}:
        return "both are there: datatrove names the first line's, we name lorem ipsum"
    if with_theirs == theirs:
        return "what is punctuation: its list lacks \u2018 and has the full-width 1; with its list we decide the same"
    return ""


def compare(texts: Sequence[str], theirs: dict[str, list[str]], ours: dict[str, list[str]],
            with_theirs: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """Print and return the agreement by rule: equal decision, and equal reason too; with a third opinion, explain differences."""
    result: dict[str, Any] = {}
    for rule in RULES:
        translated = [REASONS[rule].get(reason, reason) for reason in theirs[rule]]
        pairs = list(zip(translated, ours[rule], strict=True))
        equal = [one == other for one, other in pairs]
        decision = sum(bool(one) == bool(other) for one, other in pairs) / len(pairs)
        print(f"  {rule:18s} removed {sum(map(bool, translated)):6,d} / {sum(map(bool, ours[rule])):6,d}   equal decision "
              f"{100 * decision:8.4f} %   and reason {100 * sum(equal) / len(equal):8.4f} %")
        differ = [number for number, same in enumerate(equal) if not same]
        result[rule] = {"documents": len(pairs), "removed_theirs": sum(map(bool, translated)),
                        "removed_ours": sum(map(bool, ours[rule])), "decision": decision, "reason": sum(equal) / len(equal),
                        "different": len(differ)}
        if with_theirs is not None:
            result[rule]["unexplained"] = 0
            for number in differ:
                one, other = pairs[number]
                why = explanation(one, other, with_theirs[rule][number])
                result[rule]["unexplained"] += not why
                print(f"      {one or 'kept'} / {other or 'kept'}: {texts[number][:40]!r}: {why or 'NOT EXPLAINED'}")
        else:
            changes = Counter(f"{one or 'kept'} -> {other or 'kept'}" for one, other in pairs if one != other)
            result[rule]["changes"] = dict(changes.most_common())
            for change, count in changes.most_common(4):
                print(f"      {count:6,d}  {change}")
    return result


CHILDREN: dict[str, Callable[[Sequence[str]], dict[str, Any]]] = {
    "reference": reference, "peer": peer_speed, "plugged": plugged_speed, "ours": our_speed,
}


def child(python: str, name: str, texts: Path, folder: Path) -> dict[str, Any]:
    """Run one of `CHILDREN` under a Python and return its answer."""
    answer = folder / f"{name}.json"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "LOGURU_LEVEL": "ERROR"}
    done = subprocess.run([python, "-m", "benchmarks.corpus_rules", "--child", name, str(texts), str(answer)], cwd=ROOT,
                          env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed under {python}:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(answer.read_text())
    return result


def decisions(peer: str, texts: Sequence[str], folder: Path) -> dict[str, Any]:
    """Print and return how often we decide as datatrove does, with its splitter and with ours."""
    (folder / "all.json").write_text(json.dumps(texts))
    print(f"{len(texts):,d} documents, {statistics.median(map(len, texts)):,.0f} characters the median; theirs / ours", flush=True)
    from raylm.corpus.document import Document

    own = decide(columns([Document(text) for text in texts]))
    made = child(peer, "reference", folder / "all.json", folder)
    print("\nwith datatrove's splitter in both:")
    same = compare(texts, made["reasons"], decide(made["columns"]), decide(made["punctuation"]))
    print("\nwith our splitter against datatrove's:")
    return {"documents": len(texts), "same_splitter": same,
            "own_splitter": compare(texts, made["reasons"], own)}


def speeds(peer: str, documents: Sequence[str], folder: Path, rounds: int) -> dict[str, Any]:
    """Print and return documents per second on the documents of C4, the contenders taking turns."""
    texts = folder / "c4.json"
    texts.write_text(json.dumps(documents))
    contenders = {PEER: (peer, "peer"), PLUGGED: (peer, "plugged"), OURS: (sys.executable, "ours")}
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, (python, which) in contenders.items():
            samples[name].append(child(python, which, texts, folder))
            print(f"  round {number + 1}/{rounds}  {name:32s} {samples[name][-1]['rate']:10,.0f} documents/s", flush=True)
    result = summarise(samples, PEER)
    print("\n" + table(result, "documents/s", PEER))
    return result


def main() -> int:
    """Run the proofs and write `results/corpus_rules.json`; fail where the decisions differ too often or without explanation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="Python of an environment with datatrove 0.10.1 and spaCy")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="folder of the real data (../shared/data)")
    parser.add_argument("--documents", type=int, default=12_000, help="besides the 300 of C4 (12000); -1 for no decisions")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the timing (3); 0 for none")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, source, answer = arguments.child
        Path(answer).write_text(json.dumps(CHILDREN[name](json.loads(Path(source).read_text()))))
        return 0
    if not arguments.peer:
        parser.error("--peer is needed")
    texts = documents(arguments.data, arguments.documents)
    target = RESULTS / "corpus_rules.json"
    kept = json.loads(target.read_text()) if target.exists() else {}
    result: dict[str, Any] = {"benchmark": "corpus_rules", **{part: kept.get(part) for part in ("decisions", "speed")}}
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.documents >= 0:
            result["decisions"] = decisions(arguments.peer, texts, Path(temporary))
        if arguments.rounds:
            result["speed"] = speeds(arguments.peer, texts[:300], Path(temporary), arguments.rounds)
    RESULTS.mkdir(exist_ok=True)
    target.write_text(json.dumps(result | {"machine": machine(), "finished": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1) + "\n")
    wrong = [rule for rule, row in (result["decisions"] or {}).get("same_splitter", {}).items()
             if row["reason"] < 0.999 or row["unexplained"]]
    print(f"\n{'FAILED: ' + ', '.join(wrong) if wrong else 'equal to 99.9 %, all differences explained'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
