# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Model bursts of images, for stamps that tell delivery and not exposure.

Without exposure times a lost image lets the next one of its camera slip into its place. So the
usual lag of every camera within a burst is learned, and an image far from it starts a new burst;
and when sets are seen to straddle the pause between bursts, the cut is moved into the pause.
"""

from collections import deque
from collections.abc import Mapping

MIN_SETS = 6
NUM_INTERVALS = 16
LEARN_SHARE = 16
FIT_SHARE = 0.6
SHORT_PART = 8
CUT_RATIO = 1.25
NUM_SHIFTED = 3


class BurstModel:
    """Learn the usual lags of the cameras and the pauses between bursts."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lags_ns: dict[str, float] = {}
        self._intervals_ns: deque[float] = deque(maxlen=NUM_INTERVALS)
        self._center_ns: float | None = None
        self._num_sets = 0
        self._cut: frozenset[str] = frozenset()
        self._num_cut = 0

    def fits(self, camera: str, ref_ns: int, refs_ns: Mapping[str, int]) -> bool:
        """
        Tell whether an image comes when its camera usually comes in a burst.

        :param refs_ns: Times of the burst's images so far, at least one.
        """
        if self._num_sets < MIN_SETS:
            return True
        start_ns = sum(time_ns - self._lags_ns[name] for name, time_ns in refs_ns.items())
        deviation_ns = ref_ns - self._lags_ns[camera] - start_ns / len(refs_ns)
        short_ns = sorted(self._intervals_ns)[len(self._intervals_ns) // SHORT_PART]
        return abs(deviation_ns) <= FIT_SHARE * short_ns

    def learn(self, refs_ns: Mapping[str, int]) -> None:
        """Learn from the times of a complete burst."""
        center_ns = sum(refs_ns.values()) / len(refs_ns)
        if self._center_ns is not None:
            self._intervals_ns.append(center_ns - self._center_ns)
        self._center_ns = center_ns
        for name, ref_ns in refs_ns.items():
            lag_ns = ref_ns - center_ns
            known_ns = self._lags_ns.get(name, lag_ns)
            share = min(self._num_sets + 1, LEARN_SHARE)
            self._lags_ns[name] = known_ns + (lag_ns - known_ns) / share
        self._num_sets += 1

    def leftovers(self, refs_ns: Mapping[str, int]) -> frozenset[str]:
        """
        Return the cameras whose image of a full burst is left over from the burst before.

        That is so when, in several sets in a row, a pause within the set is longer than the one
        after it. Bursts that overlap (longer than their period) have no pause to cut at.
        """
        if len(self._intervals_ns) < NUM_SHIFTED or len(refs_ns) < 2:
            return frozenset()
        ordered = sorted((ref_ns, name) for name, ref_ns in refs_ns.items())
        pauses = [later[0] - earlier[0] for earlier, later in zip(ordered, ordered[1:])]
        longest_ns = max(pauses)
        period_ns = sorted(self._intervals_ns)[len(self._intervals_ns) // 2]
        after_ns = ordered[0][0] + period_ns - ordered[-1][0]
        if after_ns < 0 or longest_ns <= CUT_RATIO * after_ns:
            self._num_cut = 0
            return frozenset()
        cut = frozenset(name for _, name in ordered[:pauses.index(longest_ns) + 1])
        self._num_cut = self._num_cut + 1 if cut == self._cut else 1
        self._cut = cut
        if self._num_cut < NUM_SHIFTED:
            return frozenset()
        self._reset()
        return cut
