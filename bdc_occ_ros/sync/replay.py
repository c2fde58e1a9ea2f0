# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replay simulated camera streams through the synchronizer and compare with the truth."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
import gc
from time import thread_time_ns

from bdc_occ_ros.sync.config import SynchronizerConfig
from bdc_occ_ros.sync.image_sets import AddResult, DroppedSet, ImageSet
from bdc_occ_ros.sync.statistics import SynchronizerStatistics
from bdc_occ_ros.sync.synchronizer import Progress, Synchronizer
from bdc_occ_ros.sync.synthetic_triggers import MS, NO_TRIGGER, SyntheticImage

POLL_NS = 20 * MS
SETTLE_NS = 300 * MS
IMAGE_BYTES = 150_000


@dataclass(frozen=True)
class EmittedSet:
    """
    Hold a set as it was handed out.

    :param image_set: The set; payloads are the synthetic images.
    :param emitted_ns: When, on the node's clock.
    """

    image_set: ImageSet
    emitted_ns: int

    @property
    def triggers(self) -> set[int]:
        """Return the triggers that its new images belong to."""
        return {e.payload.trigger for e in self.image_set.entries.values() if not e.held}

    @property
    def added_ns(self) -> int:
        """Return the time between the arrival of its last image and its emission."""
        return self.emitted_ns - max(e.payload.arrival_ns
                                     for e in self.image_set.entries.values())


@dataclass(frozen=True)
class Replay:
    """
    Hold the results of replaying a stream.

    :param emitted: Sets handed out, in order.
    :param dropped: Triggers that gave no set, in order.
    :param results: What became of every image, in order of arrival.
    :param statistics: The synchronizer's own account at the end.
    :param us_per_message: Processor time per image.
    """

    emitted: tuple[EmittedSet, ...]
    dropped: tuple[DroppedSet, ...]
    results: tuple[AddResult, ...]
    statistics: SynchronizerStatistics
    us_per_message: float

    @property
    def complete(self) -> list[EmittedSet]:
        """Return the sets with a new image of every camera."""
        return [emitted for emitted in self.emitted if emitted.image_set.is_complete]

    @property
    def num_mixed(self) -> int:
        """Return how many sets hold images of different triggers."""
        return sum(len(emitted.triggers) > 1 for emitted in self.emitted)


def replay(config: SynchronizerConfig, images: Sequence[SyntheticImage],
           clock_ahead_ns: int = 0) -> Replay:
    """
    Run a stream through a synchronizer whose clocks follow the arrivals.

    :param images: Images in the order of arrival.
    :param clock_ahead_ns: How far the node's clock is ahead of arrival.
    """
    now_ns = images[0].arrival_ns
    synchronizer = Synchronizer(config, clock=lambda: now_ns + clock_ahead_ns,
                                steady_clock=lambda: now_ns)
    emitted: list[EmittedSet] = []
    dropped: list[DroppedSet] = []
    results = []

    def keep(progress: Progress) -> None:
        emitted.extend(EmittedSet(image_set, now_ns) for image_set in progress.sets)
        dropped.extend(progress.dropped)

    spent_ns = 0
    next_poll_ns = now_ns + POLL_NS
    gc.disable()  # as timeit does: its pauses depend on what else lives in the process
    for image in images:
        while next_poll_ns < image.arrival_ns:
            now_ns = next_poll_ns
            keep(synchronizer.poll())
            next_poll_ns += POLL_NS
        now_ns = image.arrival_ns
        start_ns = thread_time_ns()
        progress = synchronizer.add(image.camera, image.stamp_ns, image, IMAGE_BYTES)
        spent_ns += thread_time_ns() - start_ns
        results.append(progress.result)
        keep(progress)
    gc.enable()
    now_ns += SETTLE_NS
    keep(synchronizer.poll())
    return Replay(tuple(emitted), tuple(dropped), tuple(results), synchronizer.statistics(),
                  spent_ns / len(images) / 1000)


def completable_triggers(images: Sequence[SyntheticImage], cameras: Sequence[str]) -> set[int]:
    """
    Return the triggers that a perfect synchronizer hands out, in order and without waiting.

    :param images: Images in the order of arrival.
    :return: Triggers of which every image comes, and before a newer trigger is complete.
    """
    present: dict[int, set[str]] = defaultdict(set)
    completable: set[int] = set()
    newest = -1
    for image in images:
        present[image.trigger].add(image.camera)
        if len(present[image.trigger]) == len(cameras) and image.trigger > newest:
            completable.add(image.trigger)
            newest = image.trigger
    return completable


def causes_of(result: Replay, images: Sequence[SyntheticImage],
              num_triggers: int) -> Counter[str]:
    """
    Name the cause of every trigger that no complete set was handed out for.

    :return: Number of triggers by cause; 'unknown' if the synchronizer named none.
    """
    formed = {t for emitted in result.complete for t in emitted.triggers}
    causes = dict.fromkeys(set(range(num_triggers)) - formed, 'no image came')
    for image, outcome in zip(images, result.results):
        is_in_group = outcome in (AddResult.JOINED, AddResult.COMPLETED)
        causes[image.trigger] = 'unknown' if is_in_group else outcome.value
    for dropped in result.dropped:
        causes.update((entry.payload.trigger, dropped.reason.value)
                      for entry in dropped.entries.values())
    for emitted in result.emitted:
        causes.update((trigger, 'handed out partially') for trigger in emitted.triggers)
    return Counter(cause for trigger, cause in causes.items()
                   if trigger not in formed and trigger != NO_TRIGGER)
