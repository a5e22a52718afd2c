"""The conversation loop with a speaker made for the test, and real ones where they are quick."""

import io
import json

import pytest

from raylm.errors import UserError
from raylm.serve.chat import chat, converse, printable
from raylm.serve.speaker import first_loadable, fitting, loadable


class Parrot:
    """Answers with the number of messages it was given and the last one, in two pieces."""

    def __init__(self):
        self.heard = []

    def __call__(self, messages):
        self.heard.append([dict(message) for message in messages])
        yield f"{len(messages)}:"
        yield messages[-1]["content"]


def talk(text, speaker):
    sink = io.StringIO()
    converse(speaker, "a parrot", io.StringIO(text), sink)
    return sink.getvalue()


def test_piped_lines_are_turns_with_history_and_only_answers_come_out(capsys):
    parrot = Parrot()
    assert talk("hello\n\nagain\n", parrot) == "1:hello\n3:again\n"
    assert [m["role"] for m in parrot.heard[1]] == ["user", "assistant", "user"]
    assert parrot.heard[1][1]["content"] == "1:hello"
    assert "a parrot" in capsys.readouterr().err


def test_reset_forgets_and_exit_ends():
    parrot = Parrot()
    out = talk("one\n/reset\ntwo\n/exit\nthree\n", parrot)
    assert [len(heard) for heard in parrot.heard] == [1, 1] and "three" not in out


def test_unknown_command_is_not_sent_to_the_model():
    parrot = Parrot()
    assert "/help is no command" in talk("/help\n", parrot) and parrot.heard == []


def test_interrupted_answer_is_kept_as_far_as_it_went():
    class Interrupted(Parrot):
        def __call__(self, messages):
            self.heard.append([dict(message) for message in messages])
            yield "so far"
            if len(messages) == 1:
                raise KeyboardInterrupt

    speaker = Interrupted()
    assert talk("one\ntwo\n", speaker) == "so far (cut short)\nso far\n"
    assert speaker.heard[1][1] == {"role": "assistant", "content": "so far"}


def test_failed_turn_is_said_and_forgotten():
    class Failing(Parrot):
        def __call__(self, messages):
            if messages[-1]["content"] == "bad":
                raise UserError("the endpoint did not answer")
            yield from super().__call__(messages)

    speaker = Failing()
    assert talk("bad\ngood\n", speaker) == "(the endpoint did not answer)\n1:good\n"


def test_model_cannot_send_escape_sequences():
    assert printable("a\x1b[31mb\x07\n\tc\r\x9b") == "a[31mb\n\tc"


def test_oldest_turns_go_first_and_a_user_begins():
    turns = [{"role": role, "content": letter * 4} for role, letter in (("user", "a"), ("assistant", "b"), ("user", "c"))]
    size = lambda messages: [0] * sum(len(m["content"]) for m in messages)  # noqa: E731
    assert len(fitting(turns, size, 12)) == 12
    assert len(fitting(turns, size, 11)) == 4
    with pytest.raises(UserError, match="too long"):
        fitting(turns, size, 3)


def test_int8_checkpoint_is_passed_over_for_one_that_can_talk(tmp_path):
    folders = []
    for name, extra in (("compress", {"quantization_config": {}}), ("rlhf", {})):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"], **extra}))
        (folder / "tokenizer.model").write_bytes(b"")
        folders.append(folder)
    assert first_loadable(folders) == folders[1] and not loadable(tmp_path)
    with pytest.raises(UserError, match="raylm serve"):
        first_loadable(folders[:1])
    with pytest.raises(UserError, match="cannot talk"):
        chat(folders[0])


def test_unreachable_endpoint_is_one_line(monkeypatch):
    with pytest.raises(UserError, match="no model answers"):
        chat("http://127.0.0.1:9", source=io.StringIO(""), sink=io.StringIO())
