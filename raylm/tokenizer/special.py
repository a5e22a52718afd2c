"""The special tokens and the chat format, stated once for SentencePiece, Hugging Face and ourselves.

The chat template is Jinja because that is what transformers and vLLM run; `render` says the same in Python for training code,
and a test holds the two together.
"""

from collections.abc import Iterable, Mapping, Sequence

from raylm.errors import UserError

UNKNOWN, BOS, EOS, PAD = "<unk>", "<s>", "</s>", "<pad>"
USER, ASSISTANT, END = "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL = (UNKNOWN, BOS, EOS, PAD, USER, ASSISTANT, END)
"""The special tokens that the chain needs; in a tokenizer learned here, a token's position is its id."""


def defuse(content: str, tokens: Iterable[str] = SPECIAL) -> str:
    """Break special tokens that are spelt out in a message, by a space after their first character.

    The engines that render the template tokenize the whole chat as one string and would take a message's `<|end|>` for the real
    one: a user could end their turn and speak as the assistant.
    """
    for token in tokens:
        content = content.replace(token, f"{token[0]} {token[1:]}")
    return content


def chat_template(tokens: Iterable[str] = SPECIAL) -> str:
    """Return the Jinja template of a chat, for a tokenizer whose special tokens these are (our seven among them)."""
    defused = "".join(f" | replace('{_quoted(token)}', '{_quoted(f'{token[0]} {token[1:]}')}')" for token in tokens)
    return (
        "{{- bos_token -}}"
        "{%- set pending = namespace(system='') -%}"
        "{%- for message in messages -%}"
        f"{{%- set content = message['content']{defused} -%}}"
        "{%- if message['role'] == 'system' -%}"
        "{%- set pending.system = pending.system + content + '\\n\\n' -%}"
        "{%- elif message['role'] == 'user' -%}"
        f"{{{{- '{USER}' + pending.system + content + '{END}' -}}}}{{%- set pending.system = '' -%}}"
        "{%- elif message['role'] == 'assistant' -%}"
        f"{{{{- '{ASSISTANT}' + content + '{END}' -}}}}"
        "{%- else -%}"
        "{{- raise_exception('a message has the role system, user or assistant, not ' + message['role']) -}}"
        "{%- endif -%}"
        "{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- '{ASSISTANT}' -}}}}{{%- endif -%}}"
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def render(messages: Iterable[Mapping[str, str]], generation_prompt: bool, tokens: Sequence[str] = SPECIAL) -> list[str]:
    """Return a chat as a list of parts, each either one special token or plain text (never empty).

    Args:
        messages: each with `role` (system, user or assistant) and `content`. A system message opens the next user turn.
        generation_prompt: whether to end with the token that asks the assistant to speak.
        tokens: all special tokens of the tokenizer.

    Raises:
        UserError: a message has another role.
    """
    parts, system = [BOS], ""
    for message in messages:
        role, content = message["role"], defuse(message["content"], tokens)
        if role == "system":
            system += content + "\n\n"
        elif role == "user":
            parts += [USER, system + content, END]
            system = ""
        elif role == "assistant":
            parts += [ASSISTANT, content, END]
        else:
            raise UserError(f"chat: a message has the role system, user or assistant, not {role!r}")
    return [part for part in parts if part] + ([ASSISTANT] if generation_prompt else [])
