"""How fast a step goes and how long it still takes, from what it said so far. Pure: the clock's time is an argument.

The rate is taken over the last minute or the last few reports, whichever is longer, by this process' own clock: so a slow start
(compiling), a resumed step that begins at 300 of 1000, or another machine's clock do not spoil the estimate.
"""

from collections import deque

WINDOW = 60.0
"""Seconds over which the rate is taken, if enough reports fall into them."""
FEWEST = 5
"""Reports over which the rate is taken at least, once there are that many."""


class Pace:
    """The recent course of one step."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: deque[tuple[float, float]] = deque()

    def observe(self, now: float, done: float) -> None:
        """Take note that `done` units were done at `now` (seconds of any steady clock). Going back starts anew."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        if not self._seen or done > self._seen[-1][1]:
            self._seen.append((now, done))
        while len(self._seen) > FEWEST and now - self._seen[1][0] > WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Units per second; None before two different counts were seen."""
        if len(self._seen) < 2:
            return None
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end > begin else None

    def seconds_left(self, now: float, total: float | None) -> float | None:
        """Return the seconds until `total` at this rate, counted from the last report.

        None where it cannot be known: no total, no rate yet, or the next report is long overdue.
        """
        rate = self.rate
        if rate is None or not total:
            return None
        last_time, last = self._seen[-1]
        waited = max(now - last_time, 0.0)
        if waited > 3 * (last_time - self._seen[0][0]) / (len(self._seen) - 1) + 10 and last < total:
            return None
        return max((total - last) / rate - waited, 0.0)
