# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Count what every camera sent and how the recent sets ended, and report it as numbers."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import fmean, pstdev
from typing import NamedTuple

from bdc_occ_ros.sync.image_sets import AddResult, DroppedSet, DropReason, ImageSet
from bdc_occ_ros.sync.stamp_checks import SILENT_NS

NUM_RECENT_IMAGES = 32
NUM_RECENT_SETS = 64
STALL_NS = 2_000_000_000
SILENT_INTERVALS = 3


class State(Enum):
    """Enumerate how healthy the synchronizer sees the rig."""

    OK = 'OK'
    DEGRADED = 'DEGRADED'
    STALLED = 'STALLED'


class CameraStatistics(NamedTuple):
    """
    Report what one camera delivered.

    :param num_images: Images since the start.
    :param num_missing: Sets closed without its image.
    :param num_out_of_order: Images older than one before.
    :param results: What became of its images.
    :param rate_hz: Recent rate of arrival; 0 if unknown, or if images have stopped coming.
    :param age_ns: Time since its last image on the steady clock; None before the first.
    :param offset_ns: Trigger offset in use; None if not known.
    :param offset_mean_ns: Exposure after the key camera, mean of recent sets; None before the
        first set.
    """

    num_images: int
    num_missing: int
    num_out_of_order: int
    results: Mapping[AddResult, int]
    rate_hz: float
    age_ns: int | None
    offset_ns: int | None
    offset_mean_ns: float | None
    offset_sigma_ns: float | None


class SynchronizerStatistics(NamedTuple):
    """
    Report what the synchronizer did since the start, and its health.

    :param state: OK, DEGRADED (sets come, but something is not well) or STALLED (none come).
    :param reasons: Why it is not OK, in words; empty exactly when it is.
    :param epoch: Number of time jumps and resets.
    :param num_complete: Sets handed out with a new image of every camera.
    :param num_partial: Sets handed out with images missing.
    :param num_held: Sets handed out with a reused image, none missing.
    :param dropped: Triggers that gave no set, by reason.
    :param max_spread_ns: Largest deviation of trigger times within a recent set.
    :param num_open: Sets that wait for images.
    :param size_bytes: Payload that waits.
    :param uses_receive_time: Whether images are grouped by time of arrival.
    """

    state: State
    reasons: tuple[str, ...]
    epoch: int
    num_complete: int
    num_partial: int
    num_held: int
    dropped: Mapping[DropReason, int]
    max_spread_ns: int
    cameras: Mapping[str, CameraStatistics]
    num_open: int = 0
    size_bytes: int = 0
    uses_receive_time: bool = False


def _recent(length: int) -> deque:
    return field(default_factory=lambda: deque(maxlen=length))


@dataclass
class CameraTally:
    """Count the images of one camera, and keep times of recent ones in nanoseconds."""

    num_images: int = 0
    num_missing: int = 0
    num_out_of_order: int = 0
    results: Counter[AddResult] = field(default_factory=Counter)
    recent_results: deque[AddResult] = _recent(NUM_RECENT_IMAGES)
    receive_ns: deque[int] = _recent(NUM_RECENT_IMAGES)
    lags_ns: deque[int] = _recent(NUM_RECENT_SETS)
    delays_ns: deque[int] = _recent(NUM_RECENT_SETS)

    def count(self, receive_ns: int) -> None:
        """Count one image."""
        self.num_images += 1
        self.receive_ns.append(receive_ns)

    def resolve(self, result: AddResult) -> None:
        """Count what became of it."""
        self.results[result] += 1
        self.recent_results.append(result)

    @property
    def interval_ns(self) -> float | None:
        """Return the mean time between recent images."""
        times = self.receive_ns
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None

    def age_ns(self, now_ns: int) -> int | None:
        """Return the time since the last image, None before the first."""
        return now_ns - self.receive_ns[-1] if self.receive_ns else None

    def is_silent(self, now_ns: int) -> bool:
        """Tell whether images have stopped coming."""
        limit_ns = max(SILENT_NS, SILENT_INTERVALS * (self.interval_ns or 0))
        return bool(self.receive_ns) and now_ns - self.receive_ns[-1] > limit_ns

    def report(self, now_ns: int, offset_ns: int | None) -> CameraStatistics:
        """Return the counters as they are now."""
        return CameraStatistics(
            self.num_images, self.num_missing, self.num_out_of_order, dict(self.results),
            1e9 / self.interval_ns if self.interval_ns and not self.is_silent(now_ns) else 0.0,
            self.age_ns(now_ns), offset_ns,
            fmean(self.lags_ns) if self.lags_ns else None,
            pstdev(self.lags_ns) if self.lags_ns else None)


class Outcome(NamedTuple):
    """Hold how one recent set ended; the reason is None if it was handed out."""

    reason: DropReason | None
    absent: tuple[str, ...]
    spread_ns: int


class Tally:
    """
    Count the images of all cameras and the sets; all times are of the steady clock.

    :param start_ns: When counting begins.
    """

    def __init__(self, cameras: Sequence[str], start_ns: int) -> None:
        self.cameras = {name: CameraTally() for name in cameras}
        self.num_complete = 0
        self.num_partial = 0
        self.num_held = 0
        self.dropped: Counter[DropReason] = Counter()
        self.last_set_ns = start_ns
        self.recent: deque[Outcome] = deque(maxlen=NUM_RECENT_SETS)

    def count(self, item: ImageSet | DroppedSet, now_ns: int) -> None:
        """Count a set that is handed out, or a trigger that gives none."""
        if isinstance(item, ImageSet):
            self.last_set_ns = now_ns
            fresh = {name: e for name, e in item.entries.items() if not e.held}
            self.num_complete += len(fresh) == len(self.cameras)
            self.num_partial += bool(item.missing)
            self.num_held += len(fresh) < len(self.cameras) and not item.missing
            self.recent.append(Outcome(None, self._count_absent(fresh), item.spread_ns))
            for name, entry in fresh.items():
                self.cameras[name].lags_ns.append(entry.stamp_ns - item.key_stamp_ns)
                self.cameras[name].delays_ns.append(entry.receive_ns - entry.stamp_ns)
            return
        self.dropped[item.reason] += 1
        if item.reason is DropReason.RATE:
            newest_ns = max(entry.receive_ns for entry in item.entries.values())
            self.last_set_ns = max(self.last_set_ns, newest_ns)
        else:
            self.recent.append(Outcome(item.reason, self._count_absent(item.entries), 0))

    def _count_absent(self, present: Mapping[str, object]) -> tuple[str, ...]:
        absent = tuple(name for name in self.cameras if name not in present)
        for name in absent:
            self.cameras[name].num_missing += 1
        return absent

    @property
    def incomplete(self) -> list[Outcome]:
        """Return the recent sets that were not handed out complete."""
        return [outcome for outcome in self.recent if outcome.reason or outcome.absent]

    def is_stalled(self, now_ns: int) -> bool:
        """Tell whether no set has come yet, or for two seconds."""
        num_sets = self.num_complete + self.num_partial + self.num_held
        return not num_sets or now_ns - self.last_set_ns > STALL_NS

    def report(self, now_ns: int, epoch: int, reasons: Sequence[str],
               offsets_ns: Mapping[str, int]) -> SynchronizerStatistics:
        """
        Return the counters as they are now.

        :param reasons: Why the rig is not well.
        """
        state = (State.STALLED if self.is_stalled(now_ns) else
                 State.DEGRADED if reasons else State.OK)
        return SynchronizerStatistics(
            state, tuple(reasons), epoch, self.num_complete, self.num_partial, self.num_held,
            dict(self.dropped), max((outcome.spread_ns for outcome in self.recent), default=0),
            {name: camera.report(now_ns, offsets_ns.get(name))
             for name, camera in self.cameras.items()})
