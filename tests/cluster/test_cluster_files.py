"""The cluster files parse, fit Ray's own schema, and keep what we promise of them: tokens on, dashboards on loopback."""

from pathlib import Path

import pytest
import yaml

CLUSTER = Path(__file__).resolve().parents[2] / "cluster"


def read(name):
    return yaml.safe_load((CLUSTER / name).read_text(encoding="utf-8"))


def test_launcher_file_fits_rays_schema_offline():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = read("ray-aws.yaml")
    validate_config(prepare_config(config))
    assert config["head_node_type"] in config["available_node_types"]
    assert config["available_node_types"][config["head_node_type"]]["resources"] == {"CPU": 0}


def test_launcher_nodes_use_the_one_installer_and_token_authentication():
    config = read("ray-aws.yaml")
    setup = " ".join(config["setup_commands"])
    assert "bash cluster/install.sh" in setup and "RAY_AUTH_MODE=token" in setup
    assert "~/.ray/auth_token" in config["file_mounts"]
    assert "--dashboard-host=127.0.0.1" in " ".join(config["head_start_ray_commands"])


def test_kuberay_cluster_asks_for_tokens_and_scales_from_zero():
    cluster = read("kuberay.yaml")
    assert (cluster["apiVersion"], cluster["kind"]) == ("ray.io/v1", "RayCluster")
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    head = cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"]
    for group in cluster["spec"]["workerGroupSpecs"]:
        assert group["minReplicas"] == 0 < group["maxReplicas"]
        assert group["template"]["spec"]["containers"][0]["image"] == head[0]["image"]


def test_cluster_files_name_the_ray_that_pyproject_installs():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((CLUSTER.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ray = next(r for r in map(Requirement, project["dependencies"]) if r.name == "ray")
    assert ray.specifier.contains(read("kuberay.yaml")["spec"]["rayVersion"])


@pytest.mark.parametrize("name", ["ray-aws.yaml", "kuberay.yaml"])
def test_cluster_files_open_with_how_to_use_them(name):
    assert (CLUSTER / name).read_text(encoding="utf-8").startswith("# ")
