# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Trigger offsets: how much later than the key camera each camera of a rig is exposed.

Offsets are given, or zero, or learned from stamps. A true offset is a lag that almost every pair
of frames shows, while lags to the neighbouring triggers come and go with their spacing. Where
the spacing is regular several lags are constant; then the time of arrival tells which is meant,
because images of one trigger arrive together even when one camera's clock is wrong.
"""

from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
import logging
from statistics import median
from typing import NamedTuple

from bdc_occ_ros.synchronizer_config import AUTO
from bdc_occ_ros.synchronizer_config import MS
from bdc_occ_ros.synchronizer_config import SynchronizerConfig

HISTORY_FRAMES = 48
MIN_FRAMES = 20
MIN_SUPPORT = 0.9
REACH_NS = 500 * MS
CLEAR_SHARE = 0.4
LEARN_EVERY = 8
VERIFY_EVERY = 96
DRIFT_SHARE = 16

logger = logging.getLogger(__name__)


class Sighting(NamedTuple):
    """When an image was exposed, by its stamp, and when it came, on the steady clock."""

    stamp_ns: int
    receive_ns: int


class Lag(NamedTuple):
    """A difference of stamps that most frames show, and the difference of arrival with it."""

    lag_ns: int
    arrival_ns: int


def constant_lags(reference: Sequence[Sighting], other: Sequence[Sighting],
                  width_ns: int) -> list[Lag]:
    """
    Find the lags that at least nine of ten frames show.

    Frames are those of the slower camera, as far as the other camera was watched at that lag.

    :param reference: Images of the camera that lags count from, oldest first.
    :param other: Images of the other camera.
    :param width_ns: Lags within this width are the same.
    :return: Lags, nearest in arrival first; none if no lag is constant.
    """
    pairs = sorted((o.stamp_ns - r.stamp_ns, o.receive_ns - r.receive_ns)
                   for r in reference for o in other if abs(o.stamp_ns - r.stamp_ns) <= REACH_NS)
    lags = []
    while pairs:
        first, last = _densest(pairs, width_ns)
        members = pairs[first:last]
        lag_ns = members[len(members) // 2][0]
        num_frames = _num_frames(reference, other, lag_ns)
        if len(members) < MIN_FRAMES // 2:
            break
        if num_frames >= MIN_FRAMES // 2 and len(members) >= MIN_SUPPORT * num_frames:
            lags.append(Lag(lag_ns, round(median(arrival for _, arrival in members))))
        pairs = [pair for pair in pairs if abs(pair[0] - lag_ns) > width_ns]
    return sorted(lags, key=lambda lag: abs(lag.arrival_ns))


def _densest(pairs: Sequence[tuple[int, int]], width_ns: int) -> tuple[int, int]:
    """Return the range of sorted pairs that holds most lags within the width."""
    best, first = (0, 0), 0
    for last, (lag_ns, _) in enumerate(pairs, start=1):
        while lag_ns - pairs[first][0] > width_ns:
            first += 1
        best = max(best, (first, last), key=lambda bounds: bounds[1] - bounds[0])
    return best


def _num_frames(reference: Sequence[Sighting], other: Sequence[Sighting], lag_ns: int) -> int:
    """Count the frames of the slower camera whose partner at this lag would have been seen."""
    def num_covered(of: Sequence[Sighting], by: Sequence[Sighting], shift_ns: int) -> int:
        low_ns = min(s.stamp_ns for s in by) - 5 * MS
        high_ns = max(s.stamp_ns for s in by) + 5 * MS
        return sum(low_ns <= s.stamp_ns + shift_ns <= high_ns for s in of)
    return min(num_covered(reference, other, lag_ns), num_covered(other, reference, -lag_ns))


class TriggerOffsets:
    """
    Offset of every camera, given or learned.

    :param config: Cameras, key camera, offsets and tolerance.
    """

    def __init__(self, config: SynchronizerConfig) -> None:
        self._config = config
        self.is_learned = config.offsets_ns == AUTO
        self._history = {name: deque(maxlen=HISTORY_FRAMES) for name in config.cameras}
        self._num_seen = dict.fromkeys(config.cameras, 0)
        self._reference: str | None = None
        self._refusals: dict[str, str] = {}
        given = config.offsets_ns if isinstance(config.offsets_ns, Mapping) else {}
        self._offsets_ns: dict[str, int] = {} if self.is_learned else {
            name: given.get(name, 0) for name in config.cameras}

    def get(self, camera: str) -> int | None:
        """Return the offset in use, nanoseconds; None while it is not known."""
        return self._offsets_ns.get(camera)

    def observe(self, camera: str, stamp_ns: int, receive_ns: int) -> None:
        """
        Learn from one image.

        :param camera: Its camera.
        :param stamp_ns: Its stamp.
        :param receive_ns: When it came, on the steady clock.
        """
        self._history[camera].append(Sighting(stamp_ns, receive_ns))
        if self.is_learned:
            self._num_seen[camera] += 1
            every = VERIFY_EVERY if camera in self._offsets_ns else LEARN_EVERY
            if self._num_seen[camera] % every == 0:
                self._learn(camera)

    def _learn(self, camera: str) -> None:
        """Estimate one camera's offset if there is enough history."""
        num_frames = len(self._history[camera])
        if self._reference is None and num_frames >= MIN_FRAMES:
            if camera == self._config.key_camera or num_frames >= 2 * MIN_FRAMES:
                self._reference = camera
                self._offsets_ns[camera] = 0
        if self._reference is None or camera == self._reference or num_frames < MIN_FRAMES:
            return
        lags = self.measure(camera)
        self._refusals.pop(camera, None)
        if not lags:
            self._refuse(camera, f'no constant lag behind {self._reference}')
        elif len(lags) > 1 and not _is_clear(lags):
            self._refuse(camera, 'ambiguous: ' + ' and '.join(
                f'{lag.lag_ns / MS:+.1f} ms' for lag in lags[:2]) + ' fit equally')
        elif abs(lags[0].lag_ns - self._offsets_ns.get(camera, REACH_NS * 2)) \
                > self._config.tolerance_ns:
            self._offsets_ns[camera] = lags[0].lag_ns
            logger.info('learned: %s is exposed %.1f ms after %s', camera,
                        lags[0].lag_ns / MS, self._reference)

    def _refuse(self, camera: str, text: str) -> None:
        if camera not in self._offsets_ns:
            self._refusals[camera] = text

    def measure(self, camera: str) -> list[Lag]:
        """Return the constant lags of a camera behind the reference, likeliest first."""
        reference = self._reference or self._config.key_camera
        return constant_lags(self._history[reference], self._history[camera],
                             self._config.tolerance_ns)

    def follow(self, stamps_ns: Mapping[str, int]) -> None:
        """
        Follow slow drift of learned offsets.

        :param stamps_ns: Stamps of one set, by camera.
        """
        if not self.is_learned or self._reference not in stamps_ns:
            return
        reference_ns = stamps_ns[self._reference]
        for camera, stamp_ns in stamps_ns.items():
            offset_ns = self._offsets_ns[camera]
            deviation_ns = stamp_ns - reference_ns - offset_ns
            self._offsets_ns[camera] = offset_ns + deviation_ns // DRIFT_SHARE

    def explain(self) -> list[str]:
        """Say which offsets are not known, and which of the given ones the stamps contradict."""
        if self.is_learned:
            return self._explain_learning()
        reasons = []
        for camera in self._config.cameras:
            if len(self._history[camera]) < MIN_FRAMES or camera == self._config.key_camera:
                continue
            lags = self.measure(camera)
            given_ns = self._offsets_ns[camera] - self._offsets_ns[self._config.key_camera]
            is_clear = len(lags) == 1 or (len(lags) > 1 and _is_clear(lags))
            if is_clear and abs(lags[0].lag_ns - given_ns) > self._config.tolerance_ns / 2:
                reasons.append(
                    f'{camera} is exposed {lags[0].lag_ns / MS:.1f} ms after '
                    f'{self._config.key_camera}, its offset says {given_ns / MS:.1f} ms')
        return reasons

    def _explain_learning(self) -> list[str]:
        reasons = [f'trigger offset of {camera} is not usable: {text}; give it as a parameter'
                   for camera, text in self._refusals.items()]
        waiting = [camera for camera in self._config.cameras
                   if camera not in self._offsets_ns and camera not in self._refusals]
        if waiting:
            num_frames = min(len(self._history[camera]) for camera in waiting)
            reasons.append(f'learning trigger offsets of {", ".join(waiting)}: '
                           f'{num_frames} of {MIN_FRAMES} frames')
        return reasons

    def reset(self) -> None:
        """Drop the history after a time jump; offsets belong to the rig and stay."""
        for history in self._history.values():
            history.clear()


def _is_clear(lags: Sequence[Lag]) -> bool:
    """Tell whether the first lag fits the arrival much better than the second."""
    best_ns, second_ns = abs(lags[0].arrival_ns), abs(lags[1].arrival_ns)
    return best_ns <= CLEAR_SHARE * (best_ns + second_ns)
