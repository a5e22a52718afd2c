"""Ray without its own progress bars and log lines on the driver's terminal, which would tear the display.

Nothing is lost: the workers' output and every library's log stay in the files of Ray's session folder (`logs/`). What cannot be
set here is set where Ray is used: `ray.init(log_to_driver=False)` in the session, `RunConfig(verbose=0)` for Ray Tune.
"""

import logging
import os
import warnings

ENVIRONMENT = {
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",  # for datasets that run inside actors; the driver's are set below
    "RAY_DEDUP_LOGS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",  # neither its question nor its traffic
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a warning about a change to come, in every worker
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # prints of training workers go to their files only
    "RAY_AIR_NEW_OUTPUT": "0",  # Ray Tune's newer output prints its frame even with `verbose=0`
    "TQDM_DISABLE": "1",
    "PYTHONWARNINGS": "ignore",  # of workers: they inherit it
}
"""Settings that this process and the Ray processes it starts inherit; what the user has set stays."""

LOGGERS = ("ray", "ray.train", "ray.tune", "ray.air", "ray.util", "ray._private", "torch", "DeepSpeed", "filelock")


def quiet_ray() -> None:
    """Silence what Ray's libraries print on this process' terminal below errors. Call before `ray.init` and again after it.

    Before, for what is inherited and what `ray.init` itself says; after, because Ray sets up its loggers only then.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", module=r"(ray|torch|deepspeed)(\.|$)")
    _quiet_data()
    for name in LOGGERS:
        quiet_logger(logging.getLogger(name))
    # It logs the traceback of an error that it also raises, which is told in one line and kept in the run's folder.
    quiet_logger(logging.getLogger("ray.data"), logging.CRITICAL)


def quiet_logger(logger: logging.Logger, level: int = logging.ERROR) -> None:
    """Let only errors (records of `level` or more) through to the terminal; handlers that write to files keep all that they had.

    The level of a logger without a handler of its own is raised instead, since Python prints its warnings through a default
    handler.
    """
    consoles = [handler for handler in logger.handlers if _writes_to_terminal(handler)]
    for handler in consoles:
        handler.setLevel(max(handler.level, level))
    if len(consoles) == len(logger.handlers):
        logger.setLevel(max(logger.level, level))


def _writes_to_terminal(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)


def _quiet_data() -> None:
    """Turn off Ray Data's bars and its line at every start of a pipeline; datasets take this context to their tasks."""
    from ray.data import DataContext  # the import also sets up the logger that is quieted next

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.enable_operator_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.verbose_progress = False
