"""raylm: from raw text to a served, aligned, compressed language model, on Ray.

    import raylm
    run = raylm.run("jobs/recipes/quickstart.yaml")
    run.stage("pretrain").metrics["heldout_loss"]
    raylm.load("runs/quickstart").report()
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["load", "run"]

if TYPE_CHECKING:
    from raylm.pipeline.run import load, run


def __getattr__(name: str) -> Any:
    # Importing raylm must stay cheap: Ray workers do it thousands of times, and the pipeline imports every stage's schema.
    if name in __all__:
        from raylm.pipeline import run as module

        return getattr(module, name)
    raise AttributeError(f"module 'raylm' has no attribute {name!r}")
