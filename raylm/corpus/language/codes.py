"""The languages that are told apart, one ISO 639-1 code each, and what the identifiers call them."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

TRIED = (
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu", "fa", "fi",
    "fr", "ga", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "ko", "la", "lg", "lt", "lv", "mi",
    "mk", "mn", "mr", "ms", "nb", "nl", "nn", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sn", "so", "sq", "sr", "st", "sv",
    "sw", "ta", "te", "th", "tl", "tn", "tr", "ts", "uk", "ur", "vi", "xh", "yo", "zh", "zu",
)
"""The 75 languages whose identification is measured (`benchmarks.corpus_language`)."""

FURTHER = (
    "am", "as", "br", "dz", "fo", "fy", "gd", "gl", "ha", "ht", "ig", "jv", "km", "kn", "ku", "ky", "lb", "lo", "mg", "ml",
    "mt", "my", "ne", "oc", "om", "or", "ps", "qu", "rw", "sa", "si", "tg", "tk", "tt", "ug", "uz",
)
"""Languages that both default identifiers know. They are found too, so that they are not taken for a neighbour; not measured."""

LANGUAGES = TRIED + FURTHER
"""All languages that a text can be said to be in. Every array over languages has this order."""

INDEX = {code: position for position, code in enumerate(LANGUAGES)}

ALIASES = {
    "no": "nb", "iw": "he", "in": "id", "fil": "tl", "jw": "jv", "zh-Hant": "zh", "yue": "zh", "wuu": "zh", "ary": "ar",
    "arz": "ar", "hbo": "he", "grc": "el", "sdh": "ku", "ckb": "ku", "uzs": "uz", "ltg": "lv", "sr-ME": "sr", "sh": "sr",
}
"""What models call these languages, or a near variety of them, by our code. Serbo-Croatian as such is counted as Serbian."""

CLOSEST = (("bs", "hr", "sr"), ("id", "ms"), ("nb", "nn"))
"""Languages that no identifier tells well: they share most of their words and their spelling."""

TWINS = (
    ("bs", "hr", "sr"), ("id", "ms"), ("nb", "nn", "da"), ("cs", "sk"),
    ("es", "gl", "pt"), ("hi", "ne", "mr"), ("xh", "zu"), ("st", "tn"),
)
"""Languages so close that a line, or a cheap identifier, often takes one for another."""

_TWINS = {code: frozenset(group) for group in TWINS for code in group}


def position(label: str) -> int | None:
    """Return the place in `LANGUAGES` of a model's label; None for one that we do not tell."""
    return INDEX.get(ALIASES.get(label, label))


def twins(code: str) -> frozenset[str]:
    """Return the languages easily taken for `code`, itself among them."""
    return _TWINS.get(code, frozenset((code,)))


def check_languages(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return language codes of a recipe.

    Raises:
        ValueError: one is none that documents are told to be in; a step for it would wait for ever.
    """
    for code in codes:
        if code not in INDEX:
            known = f" (say {ALIASES[code]!r})" if code in ALIASES else ""
            raise ValueError(f"languages that are told apart, by their codes; {code!r} is none{known}; there are "
                             f"{', '.join(LANGUAGES)}")
    return codes


def read_languages(value: object) -> object:
    """Return what a recipe gives for a list of languages, a text alone as a list of one.

    Raises:
        ValueError: YAML read Norway's `no` as false.
    """
    if isinstance(value, list | tuple) and any(one is False for one in value):
        raise ValueError("languages by their codes; YAML takes `no` for false: write nb, for Bokmål, or nn")
    return [value] if isinstance(value, str) else value


Languages = Annotated[tuple[str, ...], BeforeValidator(read_languages), AfterValidator(check_languages)]
"""A recipe's list of languages."""
