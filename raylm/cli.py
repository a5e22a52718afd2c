"""The command line: a thin layer over `raylm.run`, `raylm.load` and the functions that they use.

A mistake of the user's (`UserError`) ends with its one line and exit status 2; an interrupt with 130. Heavy libraries are
imported by the commands that need them, so that `raylm --help` answers at once.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from raylm.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:2] == ["corpus", "clusters"]:  # reads better where one has just typed `raylm corpus RECIPE`
        del given[0]
    parser = _parser()
    options = parser.parse_args(given)
    if not hasattr(options, "command"):
        parser.print_help()
        return 2
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"raylm: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("raylm: interrupted; the same command goes on where it stood", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141


def entry() -> None:
    """The console script: exits with the status of `main`."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    from raylm import __version__
    from raylm.pipeline.stages import STAGES

    parser = argparse.ArgumentParser(prog="raylm", description="From raw text to a served, aligned, compressed language model.")
    parser.add_argument("--version", action="version", version=f"raylm {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    _recipe_command(commands, "run", "build all that a recipe describes, and its report", None)
    for stage in STAGES:
        _recipe_command(commands, stage.name, f"build up to this stage. {stage.sentence}", stage.name)
    _run_command(commands, "serve", "answer the OpenAI API with a run's model", _serve, _serve_options)
    _run_command(commands, "chat", "talk to a run's model in the terminal", _chat, _chat_options)
    _run_command(commands, "status", "say what of a run is done", _status)
    _run_command(commands, "report", "rebuild a run's HTML report", _report)
    _run_command(commands, "clusters", "show the largest clusters of duplicates side by side (also: raylm corpus clusters RUN)",
                 _clusters, _clusters_options)
    keys = commands.add_parser("keys", help="list the keys of a recipe, their defaults and what they mean")
    keys.add_argument("prefix", metavar="KEY", nargs="?", default="", help="only keys below this one, such as pretrain.train")
    keys.set_defaults(command=_keys)
    doctor = commands.add_parser("doctor", help="say what this machine lacks and how to get it")
    doctor.add_argument("--deep", action="store_true", help="also import the large libraries (takes a minute)")
    doctor.set_defaults(command=_doctor)
    submit = _recipe_command(commands, "submit", "run a recipe as a Ray job on a cluster and follow its log", None)
    submit.add_argument("--address", required=True, help="the cluster's dashboard, such as http://HEAD:8265")
    submit.set_defaults(command=_submit)
    return parser


def _recipe_command(commands: Any, name: str, text: str, until: str | None) -> argparse.ArgumentParser:
    short = text.removeprefix("build up to this stage. ").split(". ")[0]
    parser: argparse.ArgumentParser = commands.add_parser(name, help=short, description=text)
    parser.add_argument("recipe", metavar="RECIPE", type=Path, help="a recipe file (YAML)")
    parser.add_argument("--folder", help="value of ${folder} in the recipe: the folder of your own files")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="value of ${NAME} in the recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes",
                        help="override a key of the recipe, such as pretrain.train.steps=100; may be repeated")
    parser.set_defaults(command=_build, until=until)
    return parser


def _run_command(commands: Any, name: str, text: str, command: Callable[[argparse.Namespace], int],
                 options: Callable[[argparse.ArgumentParser], None] | None = None) -> None:
    parser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("run", metavar="RUN", help="a run's folder, such as runs/quickstart")
    if options:
        options(parser)
    parser.set_defaults(command=command)


def _variables(options: argparse.Namespace) -> dict[str, str]:
    variables: dict[str, str] = {}
    for item in options.var:
        name, equals, value = item.partition("=")
        if not equals:
            raise UserError(f"--var {item}: got no '=', allowed: NAME=VALUE")
        variables[name] = value
    if options.folder is not None:
        variables["folder"] = str(Path(options.folder).expanduser().resolve()) if "://" not in options.folder else options.folder
    return variables


def _build(options: argparse.Namespace) -> int:
    from raylm.pipeline.recipe import read_recipe
    from raylm.pipeline.run import plan

    recipe = read_recipe(options.recipe, _variables(options), options.changes)
    run = plan(recipe).build(options.until)
    print(run.summary(options.until))
    print(f"\nreport: {run.report()}")
    if options.until == "corpus":
        corpus = run.stage("corpus").folder
        print(f"clean text: {corpus.child('documents').uri} (Parquet, column `text`)")
        print(f"removed, and why: {corpus.child('removed').uri}")
    if options.until is None:
        print("\n" + "\n".join(run.commands()))
    return 0


def _clusters_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clusters", type=int, default=5, metavar="N", help="clusters to show, the largest first (5)")
    parser.add_argument("--members", type=int, default=2, metavar="N", help="removed ones of each, the least similar first (2)")
    parser.add_argument("--lines", type=int, default=12, metavar="N", help="lines of each comparison (12)")
    parser.add_argument("--step", help="only those of this step, such as near")


def _clusters(options: argparse.Namespace) -> int:
    from raylm.corpus.clusters import as_text, largest
    from raylm.pipeline.readable import plain_text
    from raylm.pipeline.run import load

    run = load(options.run)
    found = largest(run.stage("corpus"), run.stage("read"), options.clusters, options.members, options.step)
    width = shutil.get_terminal_size((120, 24)).columns
    shown = "\n\n".join(as_text(cluster, width, options.lines) for cluster in found) or "no duplicates were removed"
    print("\n".join(map(plain_text, shown.split("\n"))))
    return 0


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (the recipe's, 127.0.0.1); beyond loopback an API key is required")
    parser.add_argument("--port", type=int, help="port to listen on (the recipe's, 8000)")
    parser.add_argument("--api-key-file", help="a file with one API key per line")
    parser.add_argument("--stage", help="serve the checkpoint of this stage (the last one built)")


def _serve(options: argparse.Namespace) -> int:
    from raylm.pipeline.quiet import quiet_ray
    from raylm.pipeline.run import load
    from raylm.recipe.reading import validate
    from raylm.serve.config import ServeConfig
    from raylm.serve.endpoint import serve_until_interrupted

    run = load(options.run)
    given = {"host": options.host, "port": options.port, "api_key_file": options.api_key_file}
    data = run.recipe.serve.model_dump() | {key: value for key, value in given.items() if value is not None}
    quiet_ray()
    serve_until_interrupted(run.checkpoint(options.stage), validate(ServeConfig, data, "serve"), name=run.recipe.name)
    return 0


def _chat_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="talk to a running endpoint, such as http://127.0.0.1:8000/v1")
    parser.add_argument("--stage", help="talk to the checkpoint of this stage (the last one before compression)")


def _chat(options: argparse.Namespace) -> int:
    from raylm.pipeline.run import CHECKPOINTS, load
    from raylm.serve.chat import chat

    run = load(options.run)
    if options.url:
        chat(options.url)
        return 0
    # Chat computes in this process, in plain PyTorch, which the 8-bit checkpoint is not for.
    built = [stage for stage in CHECKPOINTS if stage != "compress" and run.artifact(stage).published]
    stage = options.stage or next(iter(built), None)
    chat(run.checkpoint(stage), name=f"{run.recipe.name} ({stage})")
    return 0


def _status(options: argparse.Namespace) -> int:
    from raylm.pipeline.run import load

    print(load(options.run).status())
    return 0


def _report(options: argparse.Namespace) -> int:
    from raylm.pipeline.run import load

    print(load(options.run).report())
    return 0


def _keys(options: argparse.Namespace) -> int:
    from raylm.pipeline.recipe import Recipe
    from raylm.recipe.explain import explain

    for key in explain(Recipe, options.prefix):
        print(f"{key.path}  ({key.kind}; {key.default})\n    {key.meaning}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from raylm.doctor import main as doctor

    return doctor(deep=options.deep)


def _submit(options: argparse.Namespace) -> int:
    from raylm.pipeline.submit import submit

    return submit(options.recipe, options.address, variables=_variables(options), changes=options.changes)


if __name__ == "__main__":
    entry()
