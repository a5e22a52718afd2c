"""What a Ray task of the score stage does: sum the sizes of a part, draw the sample from it, train one model, score a part.

A part's scores are written whole; then its summary, with the digest of the models that made them. What a killed run left without a
summary, or with that of other models, is scored again.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray

from raylm.corpus.models.base import ModelConfig
from raylm.corpus.models.bins import histogram
from raylm.corpus.models.labelled import labelled_rows
from raylm.corpus.models.training import ClassifierConfig
from raylm.corpus.parts import write_part
from raylm.corpus.score.asking import Loaded, asked, asked_columns
from raylm.corpus.score.sampling import SAMPLE, SIZES, Draw, drawn, examples, sizes
from raylm.errors import UserError
from raylm.progress import Meter
from raylm.storage import Folder

ROWS = 256
"""Documents taken from a part at a time."""
MARKER = "model.json"
"""Written after a model's other files: the model as the recipe has it, what training told, and a digest of the files."""
MODELS, SCORES, SUMMARIES = "models", "scores", "summaries"


@dataclass(frozen=True)
class Job:
    """What a task needs to know, whichever part it works on."""

    documents: Folder
    output: Folder
    models: tuple[ModelConfig, ...]
    seed: int
    meter: Meter

    def rows(self, part: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read a part's columns in batches; without a column `language`, it is empty."""
        with self.documents.filesystem.open_input_file(self.documents.file(part)) as stream, pq.ParquetFile(stream) as file:
            names = file.schema_arrow.names
            for batch in file.iter_batches(ROWS, columns=[name for name in columns if name in names]):
                table = pa.Table.from_batches([batch])
                if "language" in columns:
                    table = _with_language(table)
                yield table


    def check(self, part: str) -> None:
        """Refuse a cascade over a column that is not there.

        Raises:
            UserError: `only` of a model names no column of the documents and no earlier model.
        """
        with self.documents.filesystem.open_input_file(self.documents.file(part)) as stream:
            names = pq.read_schema(stream).names
        missing = [name for name in asked_columns(self.models) if name not in names]
        if missing:
            raise UserError(f"corpus.models: `only` asks for {', '.join(map(repr, missing))}, which no step measures and no "
                            f"earlier model scores; there are: {', '.join(sorted(names))}")


def _with_language(table: pa.Table) -> pa.Table:
    if "language" not in table.column_names:
        return table.append_column("language", pa.array([""] * table.num_rows, pa.string()))
    return table.set_column(table.column_names.index("language"), "language", table["language"].fill_null(""))


def size_parts(parts: list[str], job: Job) -> pa.Table:
    """Return `SIZES` of parts."""
    tables = [sizes(rows) for part in parts for rows in job.rows(part, ["source", "language", "bytes", "unread"])]
    job.meter.advance(len(parts))
    whole = pa.concat_tables([*tables, SIZES.empty_table()]).group_by(["source", "language"], use_threads=False)
    return whole.aggregate([("bytes", "sum"), ("documents", "sum")]).rename_columns(SIZES.names)


def sample_parts(parts: list[str], job: Job, wanted: list[Draw]) -> pa.Table:
    """Return what parts give to the sample, as `SAMPLE`."""
    columns = ["id", "source", "language", "unread", "text"]
    tables = [drawn(rows, wanted, job.seed) for part in parts for rows in job.rows(part, columns)]
    job.meter.advance(len(parts))
    return pa.concat_tables([*tables, SAMPLE.empty_table()])


def train_model(model: ModelConfig, blocks: list[ray.ObjectRef], job: Job) -> None:
    """Train one model from the sample's blocks and its labelled files, and write it to its folder, the marker last."""
    fetched = ray.get(blocks) if blocks else []
    tables = [rows.filter(pa.compute.equal(rows["model"], model.name)) for rows in fetched if "model" in rows.column_names]
    labelled = labelled_rows(model, job.seed) if isinstance(model, ClassifierConfig) and model.labelled else []
    trained = model.train(examples(model, labelled, pa.concat_tables([*tables, SAMPLE.empty_table()]), job.seed), job.seed)
    folder = job.output.child(MODELS, model.name)
    folder.clear()
    digest = sha256(json.dumps(model.identity(), sort_keys=True).encode())
    for name, data in sorted(trained.files.items()):
        folder.write_bytes(name, data)
        digest.update(name.encode() + sha256(data).digest())
    folder.write_json(MARKER, {"config": model.identity(), "seed": job.seed, "training": trained.metrics,
                               "bytes": sum(map(len, trained.files.values())), "digest": digest.hexdigest()[:16]})


def marker(job: Job, model: ModelConfig) -> dict[str, Any] | None:
    """Return a trained model's marker; None if it is not trained, or was trained otherwise."""
    folder = job.output.child(MODELS, model.name)
    if not folder.exists(MARKER):
        return None
    found: dict[str, Any] = folder.read_json(MARKER)
    # Both as JSON has them: a tuple there is a list.
    same = found["config"] == json.loads(json.dumps(model.identity())) and found["seed"] == job.seed
    return found if same else None


def summary_name(part: str) -> str:
    """Return the name of the file that says that a part is scored."""
    return part.replace(".parquet", ".json")


def score_parts(parts: list[str], job: Job, digest: str) -> pa.Table:
    """Write the scores of parts, each followed by its summary; return the parts' names."""
    models = _loaded(job.output.child(MODELS), job.models, digest)
    for part in parts:
        batches = [_scored(models, rows) for rows in job.rows(part, _columns(job))]
        scores = pa.concat_tables([_schema(job.models).empty_table(), *(batch for batch, _ in batches)])
        write_part(job.output.child(SCORES), int(part.removeprefix("part-").removesuffix(".parquet")), scores)
        languages = [language for _, languages in batches for language in languages]
        told = {"digest": digest, "models": summary(job.models, scores, languages)}
        job.output.child(SUMMARIES).write_json(summary_name(part), told)
        job.meter.advance(scores.num_rows)
    return pa.table({"part": parts})


def summary(models: Sequence[ModelConfig], scores: pa.Table, languages: Sequence[str]) -> dict[str, Any]:
    """Return for each model the documents it scored, and their histogram by language."""
    names = np.array(languages, dtype=object)
    found = {}
    for model in models:
        values = scores[model.name].to_numpy()
        here = sorted(set(names[~np.isnan(values)]))
        found[model.name] = {"scored": int((~np.isnan(values)).sum()),
                             "histograms": {name: histogram(values[names == name], model.scale) for name in here}}
    return {"documents": scores.num_rows, "scores": found}


def _columns(job: Job) -> list[str]:
    return list(dict.fromkeys(["source", "language", "unread", "text", *asked_columns(job.models)]))


def _schema(models: Sequence[ModelConfig]) -> pa.Schema:
    return pa.schema([(model.name, pa.float64()) for model in models])


def _scored(models: Loaded, rows: pa.Table) -> tuple[pa.Table, list[str]]:
    values = asked(models, rows)
    arrays = [pa.array(values[model.name], pa.float64(), mask=np.isnan(values[model.name])) for model, _ in models]
    return pa.table(arrays, schema=_schema([model for model, _ in models])), rows["language"].to_pylist()


_held: dict[str, Loaded] = {}
"""The models that this worker has loaded, by their digest: one set at a time."""


def _loaded(folder: Folder, models: tuple[ModelConfig, ...], digest: str) -> Loaded:
    if digest not in _held:
        _held.clear()
        loaded = []
        for model in models:
            with folder.child(model.name).as_it_is_now() as local:
                loaded.append((model, model.load(local)))
        _held[digest] = loaded
    return _held[digest]
