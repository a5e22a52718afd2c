"""Keys: read from a file or the environment, never shown, known to the endpoint by digest only."""

import stat

import pytest

from raylm.errors import UserError
from raylm.serve.config import ServeConfig, is_loopback
from raylm.serve.endpoint import key_digests, require_free_port
from raylm.serve.keys import KEYS_VARIABLE, create_key_file, digest, generate_key, matches, read_keys

KEY = "sk-raylm-0123456789abcdef"


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch):
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)


def test_digest_is_sha256_and_tells_nothing_of_the_key():
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert matches(KEY, [digest("other"), digest(KEY)]) and not matches(KEY + " ", [digest(KEY)]) and not matches("", [])


def test_generated_keys_are_long_and_differ():
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100 and min(map(len, keys)) >= 50


def test_key_file_is_private_and_never_overwritten(tmp_path):
    path = tmp_path / "keys"
    key = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and read_keys(path) == [key]
    with pytest.raises(UserError, match="exists"):
        create_key_file(path)
    with pytest.raises(UserError, match="cannot write"):
        create_key_file(tmp_path / "no" / "keys")


def test_keys_come_from_file_and_environment(tmp_path, monkeypatch):
    path = tmp_path / "keys"
    path.write_text(f"# the team's\n{KEY}\n\n  {KEY}2  \n")
    monkeypatch.setenv(KEYS_VARIABLE, f"{KEY}3,, {KEY}4")
    assert read_keys(path) == [f"{KEY}3", f"{KEY}4", KEY, f"{KEY}2"]


@pytest.mark.parametrize("content", ["", "# nothing\n", "short\n", b"\xff\xfe"])
def test_unusable_key_file_is_one_line_without_the_key(tmp_path, content):
    path = tmp_path / "keys"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        read_keys(path)
    assert "\n" not in str(caught.value) and "short" not in str(caught.value) and str(path) in str(caught.value)
    with pytest.raises(UserError, match="cannot read"):
        read_keys(tmp_path / "absent")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "model.example", "127.0.0.1.example"])
def test_open_address_without_a_key_is_refused(host, monkeypatch):
    config = ServeConfig(host=host)
    assert not config.loopback
    with pytest.raises(UserError, match="API key is needed"):
        key_digests(config)
    monkeypatch.setenv(KEYS_VARIABLE, KEY)
    assert key_digests(config) == (digest(KEY),)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_key(host):
    assert is_loopback(host) and key_digests(ServeConfig(host=host)) == ()


def test_port_in_use_is_one_line():
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}: Address already in use"):
            require_free_port("127.0.0.1", port)
    require_free_port("127.0.0.1", port)
