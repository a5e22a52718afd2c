"""Faulty files, always the same ones: what a crawl, a full disk, a careless program or an enemy makes of text, tables and archives.

Each `Fault` says what has to come of it: how many texts are still read, and for what else which reason is counted. The list is
made from small pieces (formats, packings, places of the damage), so that a format or a packing more is one line here.
"""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import zstandard
from fault import (
    BINARY,
    BOMB,
    EMPTY,
    MEGA,
    NO_RECORDS,
    NO_TEXT,
    NOT_JSON,
    PACKINGS,
    RECORD,
    ROW,
    TOO_LARGE,
    UNKNOWN,
    Fault,
    answer,
    data,
    html,
    whole,
)
from fault_pages import archive_faults, page_faults
from fault_places import place_faults
from fault_tables import parquet_faults, row_faults
from fault_texts import text_faults


@cache
def pack(content: bytes, packing: str) -> bytes:
    if packing == ".gz":
        return gzip.compress(content, mtime=0)
    return bz2.compress(content) if packing == ".bz2" else zstandard.ZstdCompressor(write_checksum=True).compress(content)


def unpacked_prefix(content: bytes, packing: str) -> bytes:
    """What any program can get of a cut file."""
    if packing == ".gz":
        return zlib.decompressobj(31).decompress(content)
    unpacker = bz2.BZ2Decompressor() if packing == ".bz2" else zstandard.ZstdDecompressor().decompressobj()
    return unpacker.decompress(content) if content else b""


def texts_before(ending: str, found: bytes) -> int:
    """How many documents are whole in the beginning of a file of `whole`."""
    if ending == ".jsonl":
        return found.count(b"\n")
    if ending == ".csv":
        return max(0, found.count(b"\n") - 1)
    if ending == ".wet" or ending == ".warc":  # a record is known to be whole when another one begins after it
        return max(0, found.count(b"WARC/1.0\r\n") - 1)
    return 0


def packed_faults() -> Iterator[Fault]:
    for ending in (".txt", ".md", ".jsonl", ".csv", ".html", ".warc", ".wet"):
        for packing, program in PACKINGS.items():
            content = pack(whole(ending), packing)
            for place in (0.02, 0.5, 0.9):
                cut = content[: int(len(content) * place)]
                yield Fault(f"cut-{place}{ending}{packing}", f"truncated {program}", data(cut),
                            texts_before(ending, unpacked_prefix(cut, packing)), (f"truncated {program}",))
            yield Fault(f"cut-head{ending}{packing}", f"truncated {program}", data(content[:6]), 0, (f"truncated {program}",))
            for name, place in (("head", 2), ("middle", len(content) // 2), ("end", len(content) - 3)):
                damaged = bytearray(content)
                damaged[place] ^= 0x55
                # Checksums come behind what they are of: rows that follow the damage may be rubbish before it is noticed.
                rubbish = (NOT_JSON, ROW, NO_TEXT, UNKNOWN, RECORD) if name == "middle" else ()
                yield Fault(f"damaged-{name}{ending}{packing}", f"damaged {program}", data(bytes(damaged)), -1,
                            (f"damaged {program}", f"truncated {program}", *rubbish), either=True)
            yield Fault(f"nothing{ending}{packing}", "empty", data(b""), 0,
                        ("truncated bzip2" if packing == ".bz2" else EMPTY,))
            yield Fault(f"other{ending}{packing}", f"damaged {program}", data(b"this was never packed " * 40), 0,
                        (f"damaged {program}",))
        yield Fault(f"after{ending}.gz", "damaged gzip", data(pack(whole(ending, 50), ".gz") + b"and then some"), -1,
                    ("damaged gzip",))
    for packing, program in PACKINGS.items():
        for ending, reasons in ((".txt", (TOO_LARGE,)), (".jsonl", (TOO_LARGE, BOMB)), (".csv", (TOO_LARGE, BOMB, NO_TEXT)),
                                (".wet", (BOMB, NO_RECORDS)), (".html", (TOO_LARGE,))):
            yield Fault(f"bomb{ending}{packing}", f"{program} bomb", partial(_bomb, b"a", packing, 100), 0, reasons, either=True,
                        heavy=True)
        yield Fault(f"nul.txt{packing}", f"{program} bomb", partial(_bomb, b"\0", packing, 100), 0, (BINARY,))
        yield Fault(f"lines.jsonl{packing}", f"{program} bomb", partial(_bomb, b'{"text": "%s"}\n' % (b" " * MEGA), packing, 100),
                    -1, (BOMB,), heavy=True)
        yield Fault(f"nested.txt{packing}", f"{program} bomb", partial(_nested, packing), 0, (BINARY, UNKNOWN), either=True)
    for packing, coding in ((".gz", "gzip"), (".zst", "zstd")):
        yield Fault(f"response-{coding}.warc", "bomb in WARC", partial(_bomb_in_response, packing, coding), 2, (TOO_LARGE,),
                    heavy=True)


def _bomb(content: bytes, packing: str, times: int, path: Path) -> None:
    """Twenty megabytes, packed once, so many times: all three packings may have many parts."""
    path.write_bytes(pack(content * (20 * MEGA // len(content)), packing) * times)


def _nested(packing: str, path: Path) -> None:
    path.write_bytes(pack(pack(pack(b"a" * 20 * MEGA, packing) * 100, packing), packing))


def _bomb_in_response(packing: str, coding: str, path: Path) -> None:
    body = pack(b"<p>" + b"a" * 500 * MEGA, packing)
    path.write_bytes(answer(html()) + answer(body, f"Content-Encoding: {coding}\r\n") + answer(html()))


def faults() -> list[Fault]:
    """All of them, always the same ones in the same order."""
    return [*place_faults(), *text_faults(), *packed_faults(), *row_faults(), *parquet_faults(), *archive_faults(), *page_faults()]


def written(fault: Fault, root: Path) -> Path:
    """Make one below a folder; return its path."""
    path = root / fault.relative
    path.parent.mkdir(parents=True, exist_ok=True)
    fault.write(path)
    return path
