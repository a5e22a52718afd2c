"""Names by the words around them: after a title or in a salutation, after *my name is* or a form's *Name:*; in Chinese a surname
and one or two characters before a form of address or after 姓名. Finds few names, and is seldom wrong; a model finds more.
"""

import re
from collections.abc import Iterator

_WORD = r"[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)*"
_INITIAL = r"[A-Z]\."
_NO_PART = r"(?!(?:I|Apt|Suite|Unit|PO|PSC|Box|And|From|For|The)\b)"
_PARTICLE = r"(?:van|von|de|der|den|da|del|la|bin|al)(?= )"
_NAME = rf"(?:{_INITIAL}|{_NO_PART}{_WORD})(?: (?:{_INITIAL}|{_NO_PART}{_WORD}|{_PARTICLE})){{0,3}}"
_CAPITAL = r"(?=[^\W\d_a-z])"
_TITLED = re.compile(
    rf"(?<!\w)(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Herr|Frau|Monsieur|Madame|Señora?)\.? {_CAPITAL}({_NAME})"
)
_INTRODUCED = re.compile(
    r"(?<!\w)(?:[Mm]y name is|[Nn]ame is|I am called|(?:[Ff]irst|[Ll]ast|[Ff]ull) [Nn]ame:|Name:|Name on card:|Dear|Hi|Hello),? "
    rf"{_CAPITAL}({_NAME})"
)
_TRIGGERS = (
    "Mr", "Ms", "Miss", "Dr", "Prof", "Herr", "Frau", "Monsieur", "Madame", "Señor", "ame is", "called", "ame:", "card:", "Dear",
    "Hi", "Hello",
)
_NO_NAMES = frozenset({
    "Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Professor", "Sir", "Madam", "All", "Customer", "Friend", "Friends",
    "Team", "Colleague",
    "Colleagues", "Everyone", "Reader", "Readers",
    "The", "There", "World", "Santa", "Lord", "God", "President",
})

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦"
    "付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭董呂鍾譚陸賈韋鄒龍賀顧龔"
)
_DOUBLE = "欧阳|歐陽|上官|司马|司馬|诸葛|諸葛|司徒|夏侯|皇甫|尉迟|慕容|令狐"
_GIVEN = r"[\u4e00-\u9fff]"
_CHINESE_NAME = rf"(?:{_DOUBLE}|[{_SURNAMES}]){_GIVEN}"
_CHINESE_ADDRESSED = re.compile(
    rf"({_CHINESE_NAME}{{0,2}}?)(?=先生|女士|小姐|老师|老師|教授|医生|醫生|同学|同學|师傅)"
)
_CHINESE_LABELLED = re.compile(
    rf"(?:姓名|联系人|聯繫人|收件人|收货人|我叫|名叫)[:： 是]{{0,2}}({_CHINESE_NAME}{{1,2}})(?!{_GIVEN}{{1,2}}[省市县区])"
)


class TitledNames:
    """The recogniser `titles`."""

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the places of names, titles left out."""
        found: set[tuple[int, int]] = set()
        if any(trigger in text for trigger in _TRIGGERS):
            for pattern in (_TITLED, _INTRODUCED):
                found.update(match.span(1) for match in pattern.finditer(text) if match[1].split()[0].rstrip(".") not in _NO_NAMES)
        if not text.isascii():
            for pattern in (_CHINESE_ADDRESSED, _CHINESE_LABELLED):
                found.update(match.span(1) for match in pattern.finditer(text))
        end = 0
        for place in sorted(found, key=lambda span: (span[0], -span[1])):
            if place[0] >= end:
                end = place[1]
                yield place
