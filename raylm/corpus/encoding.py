"""From bytes to text: which encoding they are in, told by marks and declarations, else by uchardet on a bounded sample.

A wrong guess makes text that nobody can read and no rule removes, so a guess counts only if all of the data decodes by it,
strictly, and what comes out looks like writing: letters, no controls, no capitals in the middle of words.
"""

import codecs
import contextlib
import io
import re
import tokenize
import unicodedata

from raylm.corpus.files.errors import ReadError

UNKNOWN = "unknown encoding"
BYTE_ORDER_MARKS = (  # UTF-32's begin with UTF-16's, so they come first
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 1 << 16
"""Bytes that an encoding is guessed from."""
_LOOK = 20_000
"""Characters that are looked at to see whether a guess gave text."""
_WIDER = {  # by Python's name: the little larger encoding that programs really wrote under it
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949", "iso8859-1": "cp1252",
    "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874", "koi8-r": "koi8-u"}
_WINDOWS = {"iso8859-2": "cp1250", "iso8859-7": "cp1253", "iso8859-13": "cp1257", "iso8859-15": "cp1252", "iso8859-16": "cp1250",
            "iso8859-10": "cp1252", "iso8859-3": "cp1252", "cp865": "cp1252", "cp852": "cp1250"}
"""Windows' variant of an encoding, in which 0x80 to 0x9f are letters and quotation marks where ISO's has controls."""
_WEB = frozenset((
    "utf-8", "gb18030", "big5hkscs", "cp932", "cp949", "euc_jp", "iso2022_jp", "cp866", "koi8-u", "mac-roman", "mac-cyrillic",
    "cp874", *(f"cp125{number}" for number in range(9)),
    *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16))))
"""Encodings of the WHATWG standard, after `_WIDER`, but for UTF-16, which no page that can say so is in."""
_NO_ENCODING = frozenset(("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"))
"""Codecs that Python lists with the encodings of text. One only fails; one takes the square of a text's length."""
_LABELS = {
    "uhc": "cp949", "windows-949": "cp949", "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949", "ksc_5601": "cp949",
    "windows-31j": "cp932", "x-sjis": "cp932", "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030", "gb_2312-80": "gb18030", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs",
    "windows-874": "cp874", "dos-874": "cp874", "koi8": "koi8-r", "koi8-ru": "koi8-u",
    "mac": "mac-roman", "x-mac-roman": "mac-roman", "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic",
    "iso-8859-6-e": "iso8859-6", "iso-8859-6-i": "iso8859-6",
    "iso-8859-8-e": "iso8859-8", "iso-8859-8-i": "iso8859-8", "visual": "iso8859-8", "logical": "iso8859-8"}
"""Labels of that standard that Python does not know, and the one of uchardet."""
_SHIFTS = (b"\x1b$B", b"\x1b$@")
"""How ISO-2022-JP turns to Japanese."""
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([a-zA-Z0-9_:.-]{2,40})""")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x80-\x9f\ufffd\ufffe\uffff\ue000-\uf8ff]")
_FOREIGN = re.compile("[^\x00-\x7f]")
_CASE = re.compile("[^\\W\\d_]{2,}")


def codec_of(label: str) -> str | None:
    """Return Python's name of the encoding that a declaration means, or None if it means no encoding of text."""
    name = label.strip().lower()
    try:
        found = codecs.lookup(_LABELS.get(name, name))
    except (LookupError, ValueError):
        return None
    is_text = getattr(found, "_is_text_encoding", True) and found.name not in _NO_ENCODING
    return _WIDER.get(found.name, found.name) if is_text else None


def web_codec(label: str) -> str | None:
    """Return Python's name of the encoding that a page's or server's `charset` means, or None if the web has no such encoding."""
    codec = codec_of(label)
    return codec if codec in _WEB else None


def decode(data: bytes, python: bool = False) -> str:
    """Return the text in `data`: by byte order mark, as UTF-8, by Python's declaration (PEP 263), else as detected.

    Raises:
        ReadError: none of these fits.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _strict(data, encoding)
    if any(shift in data for shift in _SHIFTS):  # seven bits only, so it would pass as UTF-8
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("iso2022_jp_ext")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if python and (declared := _declared(data)):
        with contextlib.suppress(UnicodeError, LookupError):
            return data.decode(declared)
    likely = detected(data)
    if likely is None:
        raise ReadError(UNKNOWN, len(data))
    return _strict(data, likely)


def detected(data: bytes, more: bool = False) -> str | None:
    """Return the encoding that bytes which are no UTF-8 are written in, or None if none is likely.

    The guess is made from the part around the first byte that is not ASCII.

    Args:
        data: Bytes.
        more: Whether they are the beginning of something, which may be cut off within a character.
    """
    from resiliparse.parse.encoding import detect_encoding

    first = next(iter(re.finditer(rb"[\x80-\xff]|\x1b", data)), None)
    if first is None:
        return None
    start = max(0, first.start() - SAMPLE // 4)
    sample = data[start : start + SAMPLE]
    label = detect_encoding(sample, 0, False)
    for encoding in _candidates(label, sample):
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(sample) - 4 or (start + SAMPLE >= len(data) and not more):
                continue
            text = sample[: error.start].decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if plausible(text[:_LOOK]):
            return encoding
    return None


def _candidates(label: str | None, sample: bytes) -> list[str]:
    western = ["cp1252"] if _western(sample) else []
    codec = codec_of(label) if label else None
    if codec is None or codec == "utf-8":
        return western
    windows = [_WINDOWS[codec]] if codec in _WINDOWS and re.search(rb"[\x80-\x9f]", sample) else []
    return list(dict.fromkeys([*windows, codec, *western]))


def _western(sample: bytes) -> bool:
    """Whether western European accents stand alone among ASCII; other encodings' bytes come in runs."""
    foreign = len(re.findall(rb"[\x80-\xff]", sample))
    runs = len(re.findall(rb"[\x80-\xff](?=[\x80-\xff])", sample))
    return 0 < foreign <= 0.2 * len(sample) and runs <= 0.3 * foreign + 1


def plausible(text: str) -> bool:
    """Whether decoding gave writing: what is not ASCII is letters for the most part, no controls, no capitals inside words."""
    foreign = _FOREIGN.findall(text)
    if not foreign:
        return True
    kinds = [unicodedata.category(character)[0] for character in foreign]
    written = sum(kinds.count(kind) for kind in "LMP")
    if written < 0.7 * len(foreign) or len(_CONTROL.findall(text)) > 0.002 * len(text):
        return False
    words = [word for word in _CASE.findall(text) if not word.isascii()]
    inside = sum(word != word.lower() and word != word.upper() and word[1:] != word[1:].lower() for word in words)
    return inside <= 0.2 * len(words) + 1


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        raise ReadError(UNKNOWN, len(data)) from None


def _declared(data: bytes) -> str | None:
    """Return the encoding that a Python file declares in its first two lines, if that is an encoding of text."""
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except (SyntaxError, UnicodeError):
        return None
    return None if encoding.startswith("utf-8") or codec_of(encoding) is None else encoding


class Lines:
    """Decodes the rows of one file: each as UTF-8, else in the encoding that the file's beginning is in."""

    def __init__(self, head: bytes) -> None:
        """Guess from the first bytes of the file."""
        self._encoding: str | None = None
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head)
        except UnicodeDecodeError:
            self._encoding = detected(head, more=True)

    def text(self, data: bytes) -> str:
        """Decode one row.

        Raises:
            ReadError: it is not in the file's encoding.
        """
        try:
            return data.decode("utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8")
        except UnicodeDecodeError as error:
            if self._encoding:
                return _strict(data, self._encoding)
            if _western(data):
                text = data.decode("cp1252", "replace")
                if "\ufffd" not in text and plausible(text):
                    return text
            raise ReadError(UNKNOWN, len(data)) from error


def decode_html(data: bytes, declared: str | None = None) -> str:
    """Return the text of an HTML page, whatever is wrong with single bytes of it.

    In the order of the HTML standard: byte order mark, what the server declared, what the page declares in its first kilobytes;
    then UTF-8, what is detected, and Windows-1252. A declaration that a hundredth of the page contradicts is not believed.

    Args:
        data: The page.
        declared: The server's `charset`.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    head = data[:4096]
    own = _XML.match(head) or _META.search(head)
    labels = [declared, own[1].decode("ascii") if own else None, "utf-8"]
    for label in labels:
        codec = web_codec(label) if label else None
        if codec is None:
            continue
        text = data.decode(codec, "replace")
        if text.count("\ufffd") <= len(text) // 1000:
            return text
    return data.decode(detected(data) or "cp1252", "replace")
