"""Packing conversations into windows without cutting one: best-fit decreasing, and the arrays that come of it.

Cutting would leave answers without their prompt, padding alone would waste most of each window on short pairs. Best fit
wastes a few percent (Ding et al. 2024, arXiv:2404.10830). Attention stays inside each conversation by its document number.
"""

from bisect import bisect_left, insort

import numpy as np
from numpy.typing import NDArray

from raylm.posttrain.pairs.chat import IGNORED, Turns

IDS, LABELS, DOCUMENTS = 0, 1, 2
"""The planes of a window array (3, windows, length)."""


def pack(lengths: list[int], window: int) -> list[list[int]]:
    """Assign pieces to windows: the longest first, each to the window that it fills best.

    Args:
        lengths: tokens of each piece.
        window: tokens of a window.

    Returns:
        The pieces' indices for each window; pieces longer than a window are in none.
    """
    windows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (free tokens, window), sorted
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        size = lengths[index]
        if size > window:
            continue
        place = bisect_left(room, (size, 0))
        if place == len(room):
            windows.append([index])
            free, chosen = window, len(windows) - 1
        else:
            free, chosen = room.pop(place)
            windows[chosen].append(index)
        insort(room, (free - size, chosen))
    return windows


def lay_out(turns: list[Turns], windows: list[list[int]], length: int, pad: int) -> NDArray[np.int32]:
    """Return packed windows as int32 (3, windows, length): ids, labels (the next token or -100), document numbers.

    Documents are counted from 0 in each window; the padding is one document more, without labels.
    """
    packed = np.empty((3, len(windows), length), np.int32)
    packed[IDS], packed[LABELS] = pad, IGNORED
    for row, members in enumerate(windows):
        packed[DOCUMENTS, row] = len(members)
        first = 0
        for number, member in enumerate(members):
            last = first + len(turns[member].tokens)
            packed[IDS, row, first:last] = turns[member].tokens
            packed[LABELS, row, first:last] = turns[member].labels()
            packed[DOCUMENTS, row, first:last] = number
            first = last
    return packed
