# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Counters of the synchronizer: what every camera sent, and how the recent sets ended."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import NamedTuple

from bdc_occ_ros.sync.image_set import AddResult, Cause, ImageSet, UnformedSet
from bdc_occ_ros.sync.synchronizer_statistics import (
    CameraStatistics,
    State,
    SynchronizerStatistics,
)

NUM_RECENT_IMAGES = 32
NUM_RECENT_SETS = 64
STALL_NS = 2_000_000_000
SILENT_NS = 1_000_000_000
SILENT_INTERVALS = 3


class CameraTally:
    """Counters of one camera."""

    def __init__(self) -> None:
        self.num_images = 0
        self.num_missing = 0
        self.num_out_of_order = 0
        self.results: Counter[AddResult] = Counter()
        self.recent_results: deque[AddResult] = deque(maxlen=NUM_RECENT_IMAGES)
        self.receive_ns: deque[int] = deque(maxlen=NUM_RECENT_IMAGES)
        self.lags_ns: deque[int] = deque(maxlen=NUM_RECENT_SETS)
        self.delays_ns: deque[int] = deque(maxlen=NUM_RECENT_SETS)

    def count(self, receive_ns: int) -> None:
        """
        Count one image.

        :param receive_ns: When it came, on the steady clock.
        """
        self.num_images += 1
        self.receive_ns.append(receive_ns)

    def resolve(self, result: AddResult) -> None:
        """Count what became of it."""
        self.results[result] += 1
        self.recent_results.append(result)

    @property
    def interval_ns(self) -> float | None:
        """Mean time between recent images."""
        times = self.receive_ns
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None

    def age_ns(self, now_ns: int) -> int | None:
        """
        Return the time since the last image, None before the first.

        :param now_ns: Time on the steady clock.
        """
        return now_ns - self.receive_ns[-1] if self.receive_ns else None

    def is_silent(self, now_ns: int) -> bool:
        """
        Tell whether images have stopped coming.

        :param now_ns: Time on the steady clock.
        """
        limit_ns = max(SILENT_NS, SILENT_INTERVALS * (self.interval_ns or 0))
        return bool(self.receive_ns) and now_ns - self.receive_ns[-1] > limit_ns

    def snapshot(self, now_ns: int, offset_ns: int | None) -> CameraStatistics:
        """
        Return the counters as they are now.

        :param now_ns: Time on the steady clock.
        :param offset_ns: Trigger offset in use.
        """
        return CameraStatistics(
            self.num_images, self.num_missing, self.num_out_of_order, dict(self.results),
            1e9 / self.interval_ns if self.interval_ns else 0.0, self.age_ns(now_ns), offset_ns,
            fmean(self.lags_ns) if self.lags_ns else None,
            pstdev(self.lags_ns) if self.lags_ns else None)


class Outcome(NamedTuple):
    """How one recent set ended; the cause is None if it was handed out."""

    cause: Cause | None
    absent: tuple[str, ...]
    spread_ns: int


class Tally:
    """
    Counters of all cameras and sets.

    :param start_ns: Time on the steady clock.
    """

    def __init__(self, cameras: Sequence[str], start_ns: int) -> None:
        self.cameras = {name: CameraTally() for name in cameras}
        self.num_complete = 0
        self.num_partial = 0
        self.num_held = 0
        self.unformed: Counter[Cause] = Counter()
        self.last_set_ns = start_ns
        self.recent: deque[Outcome] = deque(maxlen=NUM_RECENT_SETS)

    def count_set(self, image_set: ImageSet, now_ns: int) -> None:
        """
        Count a set that is handed out.

        :param now_ns: Time on the steady clock.
        """
        self.last_set_ns = now_ns
        fresh = {name: e for name, e in image_set.entries.items() if not e.held}
        if len(fresh) == len(self.cameras):
            self.num_complete += 1
        elif image_set.missing:
            self.num_partial += 1
        else:
            self.num_held += 1
        self.recent.append(Outcome(None, self._count_absent(fresh), image_set.spread_ns))
        for name, entry in fresh.items():
            camera = self.cameras[name]
            camera.lags_ns.append(entry.stamp_ns - image_set.key_stamp_ns)
            camera.delays_ns.append(entry.receive_ns - entry.stamp_ns)

    def count_unformed(self, unformed: UnformedSet) -> None:
        """
        Count a set that is not handed out.

        :param unformed: What there is of it.
        """
        self.unformed[unformed.cause] += 1
        if unformed.cause is Cause.RATE:
            self.last_set_ns = max(self.last_set_ns,
                                   max(e.receive_ns for e in unformed.entries.values()))
        else:
            absent = self._count_absent(unformed.entries)
            self.recent.append(Outcome(unformed.cause, absent, 0))

    def _count_absent(self, present: Sequence[str]) -> tuple[str, ...]:
        if len(present) == len(self.cameras):
            return ()
        absent = tuple(name for name in self.cameras if name not in present)
        for name in absent:
            self.cameras[name].num_missing += 1
        return absent

    @property
    def num_sets(self) -> int:
        """Sets handed out."""
        return self.num_complete + self.num_partial + self.num_held

    @property
    def incomplete(self) -> list[Outcome]:
        """Recent sets that were not handed out complete."""
        return [outcome for outcome in self.recent if outcome.cause or outcome.absent]

    def live_cameras(self, now_ns: int) -> list[str]:
        """
        Return the cameras that have delivered within a second.

        :param now_ns: Time on the steady clock.
        """
        return [name for name, tally in self.cameras.items()
                if tally.receive_ns and now_ns - tally.receive_ns[-1] < SILENT_NS]

    def is_stalled(self, now_ns: int) -> bool:
        """
        Tell whether no set has come yet, or for two seconds.

        :param now_ns: Time on the steady clock.
        """
        return not self.num_sets or now_ns - self.last_set_ns > STALL_NS

    def report(self, now_ns: int, epoch: int, reasons: Sequence[str],
               offsets_ns: Mapping[str, int]) -> SynchronizerStatistics:
        """
        Return the counters as they are now.

        :param now_ns: Time on the steady clock.
        :param epoch: Number of time jumps and resets.
        :param reasons: Why the rig is not well.
        """
        state = (State.STALLED if self.is_stalled(now_ns) else
                 State.DEGRADED if reasons else State.OK)
        return SynchronizerStatistics(
            state, tuple(reasons), epoch, self.num_complete, self.num_partial, self.num_held,
            dict(self.unformed), max((outcome.spread_ns for outcome in self.recent), default=0),
            {name: camera.snapshot(now_ns, offsets_ns.get(name))
             for name, camera in self.cameras.items()})
