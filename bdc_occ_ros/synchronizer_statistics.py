# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Counters of the synchronizer, and what they say about the rig in words."""

from collections import Counter
from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from statistics import pstdev
from typing import NamedTuple

from bdc_occ_ros.image_set import AddResult
from bdc_occ_ros.image_set import Cause
from bdc_occ_ros.image_set import ImageSet
from bdc_occ_ros.image_set import UnformedSet

NUM_RECENT_IMAGES = 32
NUM_RECENT_SETS = 64
STALL_NS = 2_000_000_000
SILENT_NS = 1_000_000_000
SILENT_INTERVALS = 3
SLOW_SHARE = 0.75
REJECTED_SHARE = 0.1
INCOMPLETE_SHARE = 0.05
ACCEPTED = (AddResult.JOINED, AddResult.COMPLETED)


class State(Enum):
    """Health of the rig as the synchronizer sees it."""

    OK = 'OK'
    DEGRADED = 'DEGRADED'
    STALLED = 'STALLED'


@dataclass(frozen=True)
class CameraStatistics:
    """
    What one camera delivered.

    :param num_images: Images since the start.
    :param num_missing: Sets closed without its image.
    :param num_out_of_order: Images older than one before.
    :param results: What became of its images.
    :param rate_hz: Recent rate of arrival; 0 if unknown.
    :param age_ns: Time since its last image on the steady clock; None before the first.
    :param offset_ns: Trigger offset in use; None if not known.
    :param offset_mean_ns: Measured offset, mean of recent sets; None before the first set.
    :param offset_sigma_ns: Its standard deviation.
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


@dataclass(frozen=True)
class SynchronizerStatistics:
    """
    What the synchronizer did since the start, and how it is.

    :param state: OK, DEGRADED (it works, for a reason not well) or STALLED (no sets come).
    :param reasons: Why it is not OK, in words; empty exactly when it is.
    :param epoch: Number of time jumps and resets.
    :param num_complete: Sets handed out with a new image of every camera.
    :param num_partial: Sets handed out with images missing.
    :param num_held: Sets handed out with a reused image, none missing.
    :param unformed: Sets not handed out, by cause.
    :param num_consumer_errors: Sets at which the consumer raised.
    :param max_spread_ns: Largest deviation of trigger times within a recent set.
    :param num_open: Sets that wait for images.
    :param size_bytes: Payload that waits.
    :param uses_receive_time: Whether images are grouped by time of arrival.
    :param cameras: Statistics by camera.
    """

    state: State
    reasons: tuple[str, ...]
    epoch: int
    num_complete: int
    num_partial: int
    num_held: int
    unformed: Mapping[Cause, int]
    num_consumer_errors: int
    max_spread_ns: int
    num_open: int
    size_bytes: int
    uses_receive_time: bool
    cameras: Mapping[str, CameraStatistics]


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
        """Mean time between recent images."""
        times = self.receive_ns
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None

    def age_ns(self, now_ns: int) -> int | None:
        """Return the time since the last image."""
        return now_ns - self.receive_ns[-1] if self.receive_ns else None

    def is_silent(self, now_ns: int) -> bool:
        """Tell whether images have stopped coming."""
        limit_ns = max(SILENT_NS, SILENT_INTERVALS * (self.interval_ns or 0))
        return bool(self.receive_ns) and now_ns - self.receive_ns[-1] > limit_ns

    def snapshot(self, now_ns: int, offset_ns: int | None) -> CameraStatistics:
        """Return the counters as they are now."""
        return CameraStatistics(
            self.num_images, self.num_missing, self.num_out_of_order, dict(self.results),
            1e9 / self.interval_ns if self.interval_ns else 0.0, self.age_ns(now_ns), offset_ns,
            fmean(self.lags_ns) if self.lags_ns else None,
            pstdev(self.lags_ns) if self.lags_ns else None)


class Outcome(NamedTuple):
    """How one recent set ended; cause is None if it was handed out."""

    cause: Cause | None
    missing: tuple[str, ...]
    spread_ns: int


class Tally:
    """
    Counters of all cameras and sets.

    :param cameras: Camera names.
    """

    def __init__(self, cameras: Sequence[str], start_ns: int) -> None:
        self.cameras = {name: CameraTally() for name in cameras}
        self.num_complete = 0
        self.num_partial = 0
        self.num_held = 0
        self.unformed: Counter[Cause] = Counter()
        self.num_consumer_errors = 0
        self.last_consumer_error = ''
        self.last_set_ns = start_ns
        self.recent: deque[Outcome] = deque(maxlen=NUM_RECENT_SETS)

    def count_set(self, image_set: ImageSet, now_ns: int) -> None:
        """Count a set that is handed out."""
        self.last_set_ns = now_ns
        if image_set.missing:
            self.num_partial += 1
        elif image_set.is_complete:
            self.num_complete += 1
        else:
            self.num_held += 1
        absent = self._count_missing(
            tuple(n for n, entry in image_set.entries.items() if not entry.held))
        self.recent.append(Outcome(None, absent, image_set.spread_ns))
        for name, entry in image_set.entries.items():
            if not entry.held:
                self.cameras[name].lags_ns.append(entry.stamp_ns - image_set.key_stamp_ns)

    def count_unformed(self, unformed: UnformedSet) -> None:
        """Count a set that is not handed out."""
        self.unformed[unformed.cause] += 1
        if unformed.cause is not Cause.RATE:
            self._count_missing(unformed.present)
            self.recent.append(Outcome(unformed.cause, unformed.missing, 0))

    def _count_missing(self, present: Sequence[str]) -> tuple[str, ...]:
        absent = tuple(name for name in self.cameras if name not in present)
        for name in absent:
            self.cameras[name].num_missing += 1
        return absent

    def live_cameras(self, now_ns: int) -> list[str]:
        """Return the cameras that have delivered within a second."""
        return [name for name, tally in self.cameras.items()
                if tally.receive_ns and now_ns - tally.receive_ns[-1] < SILENT_NS]

    def is_stalled(self, now_ns: int) -> bool:
        """Tell whether no set has come for so long that something is wrong."""
        return now_ns - self.last_set_ns > STALL_NS or not (self.num_complete or self.num_partial
                                                            or self.num_held)

    def explain(self, now_ns: int) -> list[str]:
        """Say in words what is wrong with the cameras and the sets."""
        waiting = [n for n, tally in self.cameras.items() if not tally.num_images]
        reasons = [f'waiting for the first image of {", ".join(waiting)}'] if waiting else []
        for name, tally in self.cameras.items():
            if tally.is_silent(now_ns):
                reasons.append(f'{name} silent for {tally.age_ns(now_ns) / 1e9:.1f} s')
        return (reasons + self._explain_rates(now_ns) + self._explain_rejected()
                + self._explain_sets())

    def _explain_rates(self, now_ns: int) -> list[str]:
        rates_hz = {name: 1e9 / tally.interval_ns for name, tally in self.cameras.items()
                    if tally.interval_ns and not tally.is_silent(now_ns)}
        fastest_hz = max(rates_hz.values(), default=0.0)
        return [f'{name} delivers {rate_hz:.1f} Hz, the fastest camera {fastest_hz:.1f} Hz'
                for name, rate_hz in rates_hz.items() if rate_hz < SLOW_SHARE * fastest_hz]

    def _explain_rejected(self) -> list[str]:
        reasons = []
        for name, tally in self.cameras.items():
            for result, count in Counter(tally.recent_results).items():
                share = count / len(tally.recent_results)
                if result not in (*ACCEPTED, AddResult.LEARNING) and share > REJECTED_SHARE:
                    reasons.append(f'{name}: {share:.0%} of its recent images are left out: '
                                   f'{result.value}')
        return reasons

    def _explain_sets(self) -> list[str]:
        reasons = []
        incomplete = [outcome for outcome in self.recent if outcome.cause or outcome.missing]
        if len(incomplete) > INCOMPLETE_SHARE * len(self.recent):
            absent = Counter(name for outcome in incomplete for name in outcome.missing)
            causes = Counter(o.cause.value for o in incomplete if o.cause)
            text = f'{len(incomplete)} of the last {len(self.recent)} sets were not complete'
            if absent:
                text += f', mostly without {absent.most_common(1)[0][0]}'
            if causes:
                text += f'; {causes.most_common(1)[0][0]}'
            reasons.append(text)
        if self.num_consumer_errors:
            reasons.append(f'the consumer failed at {self.num_consumer_errors} sets, last with '
                           f'{self.last_consumer_error}')
        return reasons
