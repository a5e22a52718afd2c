"""Run a recipe on the cluster that this script is started on, for those who use `ray job submit` itself.

    ray job submit --address http://HEAD:8265 --working-dir jobs -- \
        python run.py recipes/quickstart.yaml storage=s3://bucket/prefix

`raylm submit` does the same with checks before anything is sent. Everything after the recipe is a `key=value` override.
"""

import sys

from raylm.cli import main

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python run.py RECIPE [KEY=VALUE ...]")
    recipe, *changes = sys.argv[1:]
    sys.exit(main(["run", recipe, *(part for change in changes for part in ("--set", change))]))
