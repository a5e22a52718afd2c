"""What all tests share: real data where it is at hand, a Ray session, and a token file of our own."""

import os
import tempfile
from pathlib import Path

import pytest

from raylm.pipeline.session import WARM

# Before anything imports ray: tests must neither use nor write the user's token.
_PRIVATE = Path(tempfile.mkdtemp(prefix="raylm-tests-"))
os.environ["RAY_AUTH_TOKEN_PATH"] = str(_PRIVATE / "ray-token")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.3")
for _name, _value in WARM.items():
    os.environ.setdefault(_name, _value)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout; tests that read it skip where it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is not here")
    return folder


@pytest.fixture(scope="session")
def ray_cluster():
    """A private Ray of two CPUs, started once."""
    import ray

    from raylm.pipeline.quiet import quiet_ray

    quiet_ray()
    (_PRIVATE / "ray-token").write_text("t" * 64)
    (_PRIVATE / "ray-token").chmod(0o600)
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=300_000_000,
             log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()
