# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Estimate by how much one camera is exposed later than another, from stamps and arrival alone.

The true lag is one that almost every pair of frames shows, while lags to the neighbouring
triggers come and go with their spacing. Where the spacing repeats, several lags are constant;
then arrival tells which is meant, because images of one trigger arrive together even when one
camera's clock is wrong.
"""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

MIN_FRAMES = 20
MIN_SUPPORT = 0.9
REACH_NS = 500_000_000
CLEAR_SHARE = 0.4


class Observation(NamedTuple):
    """Hold the exposure time of an image, by its stamp, and its arrival on the steady clock."""

    stamp_ns: int
    receive_ns: int


class OffsetCandidate(NamedTuple):
    """Hold a lag of stamps that most frames show, and the lag of arrival with it."""

    offset_ns: int
    arrival_ns: int


def estimate_offsets(reference: Sequence[Observation], other: Sequence[Observation],
                     width_ns: int) -> list[OffsetCandidate]:
    """
    Return the lags up to half a second that at least nine of ten frames show.

    Frames are those of the slower camera, as far as the other camera was watched at that lag.

    :param reference: Images of the camera that offsets count from.
    :param width_ns: A lag is constant if it varies by no more than this.
    :return: Candidates, nearest in arrival first; none if no lag is constant.
    """
    if min(len(reference), len(other)) < MIN_FRAMES:
        return []
    candidates = []
    for cluster in _clusters(_pairs(sorted(reference), sorted(other)), width_ns):
        lag_ns = cluster[len(cluster) // 2][0]
        num_frames = _num_frames(reference, other, lag_ns, width_ns)
        if num_frames >= MIN_FRAMES // 2 and len(cluster) >= MIN_SUPPORT * num_frames:
            arrival_ns = round(median(arrival_ns for _, arrival_ns in cluster))
            candidates.append(OffsetCandidate(lag_ns, arrival_ns))
    return sorted(candidates, key=lambda candidate: abs(candidate.arrival_ns))


def is_unambiguous(candidates: Sequence[OffsetCandidate]) -> bool:
    """
    Tell whether the first candidate fits the arrival much better than the second.

    :param candidates: At least one, nearest in arrival first.
    """
    if len(candidates) == 1:
        return True
    best_ns, second_ns = abs(candidates[0].arrival_ns), abs(candidates[1].arrival_ns)
    return best_ns <= CLEAR_SHARE * (best_ns + second_ns)


def _pairs(reference: Sequence[Observation],
           other: Sequence[Observation]) -> list[tuple[int, int]]:
    """Return the differences of stamp and arrival of images in reach of each other, sorted."""
    pairs, first = [], 0
    for stamp_ns, receive_ns in reference:
        while first < len(other) and other[first].stamp_ns < stamp_ns - REACH_NS:
            first += 1
        for later in other[first:]:
            if later.stamp_ns > stamp_ns + REACH_NS:
                break
            pairs.append((later.stamp_ns - stamp_ns, later.receive_ns - receive_ns))
    return sorted(pairs)


def _clusters(pairs: Sequence[tuple[int, int]],
              width_ns: int) -> Iterator[Sequence[tuple[int, int]]]:
    """Split sorted pairs where the lag leaps by half the width; leave out what is wider."""
    first = 0
    for last in range(1, len(pairs) + 1):
        if last == len(pairs) or pairs[last][0] - pairs[last - 1][0] > width_ns / 2:
            if pairs[last - 1][0] - pairs[first][0] <= width_ns:
                yield pairs[first:last]
            first = last


def _num_frames(reference: Sequence[Observation], other: Sequence[Observation], lag_ns: int,
                width_ns: int) -> int:
    """Count the frames of the slower camera whose partner at this lag would have been seen."""
    def num_covered(of: Sequence[Observation], by: Sequence[Observation], shift_ns: int) -> int:
        low_ns = min(observation.stamp_ns for observation in by) - width_ns // 2
        high_ns = max(observation.stamp_ns for observation in by) + width_ns // 2
        return sum(low_ns <= observation.stamp_ns + shift_ns <= high_ns for observation in of)
    return min(num_covered(reference, other, lag_ns), num_covered(other, reference, -lag_ns))
