"""The rules. To add one: a small file here with a `Rule`, and its line in `RULES`."""

from raylm.corpus.rules.base import Rule
from raylm.corpus.rules.c4 import C4Rule
from raylm.corpus.rules.characters import CharactersRule
from raylm.corpus.rules.code import CodeRule
from raylm.corpus.rules.comments import CommentsRule
from raylm.corpus.rules.field import FieldRule
from raylm.corpus.rules.fineweb import FineWebRule
from raylm.corpus.rules.generated import GeneratedRule
from raylm.corpus.rules.gopher_quality import GopherQualityRule
from raylm.corpus.rules.gopher_repetition import GopherRepetitionRule
from raylm.corpus.rules.keywords import KeywordsRule
from raylm.corpus.rules.language import LanguageRule
from raylm.corpus.rules.length import LengthRule
from raylm.corpus.rules.lines import LinesRule
from raylm.corpus.rules.markup import MarkupRule
from raylm.corpus.rules.personal_data import PersonalDataRule
from raylm.corpus.rules.repeats import RepeatsRule
from raylm.corpus.rules.repetition import RepetitionRule
from raylm.corpus.rules.score import PerplexityRule, ScoreRule, VoteRule
from raylm.corpus.rules.stop_words import StopWordsRule
from raylm.corpus.rules.symbols import SymbolsRule
from raylm.corpus.rules.url_lists import UrlListsRule
from raylm.corpus.rules.words import WordsRule

__all__ = ["RULES", "Rule"]

RULES: dict[str, type[Rule]] = {
    "length": LengthRule,
    "comments": CommentsRule,
    "lines": LinesRule,
    "characters": CharactersRule,
    "repetition": RepetitionRule,
    "generated": GeneratedRule,
    "personal_data": PersonalDataRule,
    "score": ScoreRule,
    "perplexity": PerplexityRule,
    "vote": VoteRule,
    "language": LanguageRule,
    "words": WordsRule,
    "repeats": RepeatsRule,
    "symbols": SymbolsRule,
    "stop_words": StopWordsRule,
    "keywords": KeywordsRule,
    "markup": MarkupRule,
    "field": FieldRule,
    "url_lists": UrlListsRule,
    "gopher_quality": GopherQualityRule,
    "gopher_repetition": GopherRepetitionRule,
    "c4": C4Rule,
    "fineweb": FineWebRule,
    "code": CodeRule,
}
"""By the recipe's `do`."""
