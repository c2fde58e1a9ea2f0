# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Gather one image per camera into sets of one trigger, and say why a set is not formed.

Cameras of a rig fire one after another, so images belong together when stamp minus trigger
offset agrees, not when stamps are close: on nuScenes a set spans 42.6 ms while the next trigger
may follow after 50 ms. A set is returned by the very call that completes it; what is missing at
the deadline is dropped, handed out partially, or filled with the previous image.
"""

from collections.abc import Callable
import logging
from threading import Lock
from time import monotonic_ns, time_ns
from typing import Any, NamedTuple

from bdc_occ_ros.errors import InvalidConfigError, UsageError
from bdc_occ_ros.sync.config import SynchronizerConfig
from bdc_occ_ros.sync.image_sets import AddResult, DroppedSet, ImageSet, SetAssembly, SetEntry
from bdc_occ_ros.sync.reasons import (
    explain,
    explain_clocks,
    explain_contradictions,
    explain_offsets,
)
from bdc_occ_ros.sync.stamp_checks import (
    Arrival,
    JUMP_NS,
    live_cameras,
    QuorumFilter,
    StampHistory,
)
from bdc_occ_ros.sync.statistics import State, SynchronizerStatistics, Tally
from bdc_occ_ros.sync.trigger_offsets import TriggerOffsets

CLOCK_TOLERANCES = 3
FUTURE_NS = 500_000_000
FIXED = ('cameras', 'key_camera', 'offsets_ns', 'mode', 'stamp_source')

logger = logging.getLogger(__name__)


class Progress(NamedTuple):
    """
    Hold the results of one call of the synchronizer.

    :param sets: Finished sets, oldest first. Where several threads add images, epoch and ref_ns
        say which of their sets came first.
    :param dropped: Triggers that give no set.
    :param result: What became of the image that was added, if one was.
    """

    sets: tuple[ImageSet, ...] = ()
    dropped: tuple[DroppedSet, ...] = ()
    result: AddResult | None = None


class Synchronizer:
    """
    Group images of several cameras; any thread may add them.

    :param clock: The node's clock, nanoseconds; measures deadlines.
    :param steady_clock: A clock that never jumps, nanoseconds; measures ages and arrival.
    """

    def __init__(self, config: SynchronizerConfig, *, clock: Callable[[], int] = time_ns,
                 steady_clock: Callable[[], int] = monotonic_ns) -> None:
        self._config = config
        self._clock = clock
        self._steady_clock = steady_clock
        self._lock = Lock()
        self._tally = Tally(config.cameras, steady_clock())
        self._offsets = TriggerOffsets(config)
        self._has_warned = False
        self._arrivals_ns = {name: camera.receive_ns
                             for name, camera in self._tally.cameras.items()}
        self._assembly = SetAssembly(config, self._offsets, self._arrivals_ns)
        self._begin_epoch(0, uses_receive_time=config.stamp_source == 'receive')

    @property
    def config(self) -> SynchronizerConfig:
        """Return the settings; new ones for the same cameras take effect with the next image."""
        return self._config

    @config.setter
    def config(self, config: SynchronizerConfig) -> None:
        for name in FIXED:
            if getattr(config, name) != getattr(self._config, name):
                raise InvalidConfigError(
                    f'{name} cannot change while images are gathered; make a new synchronizer')
        with self._lock:
            self._config = self._offsets.config = self._assembly.config = config

    def _begin_epoch(self, epoch: int, uses_receive_time: bool) -> None:
        """Reset all that holds images, so that no set spans two epochs."""
        self.epoch = epoch  # sets of earlier epochs are out of date
        self._uses_receive_time = uses_receive_time
        self._is_windowed = uses_receive_time or self._config.mode == 'window'
        self._assembly.begin_epoch(epoch, self._is_windowed)
        self._stamps = {name: StampHistory() for name in self._config.cameras}
        self._back = QuorumFilter(self._config.quorum)
        self._zero = QuorumFilter(self._config.quorum)
        self._offsets.forget_history()

    def add(self, camera: str, stamp_ns: int, payload: Any, size_bytes: int,
            receive_ns: int | None = None) -> Progress:
        """
        Take one image and return the sets that it completes.

        :param stamp_ns: Stamp of its header, 0 if it has none.
        :param payload: The image, best undecoded; not looked at.
        :param size_bytes: How much memory it holds.
        :param receive_ns: When it came, on the steady clock; now if None.
        :raises UsageError: if the camera is not configured.
        """
        if camera not in self._tally.cameras:
            raise UsageError(f'no camera {camera!r}; configured are {self._config.cameras}')
        if receive_ns is None:
            receive_ns = self._steady_clock()
        with self._lock:
            tally = self._tally.cameras[camera]
            tally.count(receive_ns)
            now_ns = self._clock()
            self._assembly.close_expired(now_ns, receive_ns)
            result = self._admit(
                Arrival(camera, stamp_ns, payload, size_bytes, receive_ns), now_ns)
            tally.resolve(result)
            return self._progress(result)

    def poll(self) -> Progress:
        """Close the sets whose deadline has passed; call it more often than the deadline."""
        with self._lock:
            self._assembly.close_expired(self._clock(), self._steady_clock())
            return self._progress()

    def reset(self, reason: str) -> Progress:
        """
        Start a new epoch: forget all images, keep learned offsets and counters.

        :param reason: Why, for the log.
        """
        with self._lock:
            self._jump(reason, uses_receive_time=self._config.stamp_source == 'receive')
            return self._progress()

    def statistics(self) -> SynchronizerStatistics:
        """Return counters, state and the reasons for it."""
        offsets, key, tolerance_ns = (
            self._offsets, self._config.key_camera, self._config.tolerance_ns)
        with self._lock:
            now_ns, tally, offsets_ns = self._steady_clock(), self._tally, offsets.in_use_ns
            reasons = explain(tally, now_ns) + offsets.explain()
            if self._uses_receive_time and self._config.stamp_source != 'receive':
                reasons.append('stamps are zero: images are grouped by time of arrival')
            if not (self._is_windowed or offsets.is_learned):
                reasons += explain_offsets(tally, offsets_ns, key, tolerance_ns / 2)
                reasons += explain_clocks(tally, CLOCK_TOLERANCES * tolerance_ns)
            statistics = tally.report(now_ns, self.epoch, reasons, offsets_ns)._replace(
                num_open=self._assembly.num_open, size_bytes=self._assembly.size_bytes,
                uses_receive_time=self._uses_receive_time)
            is_suspect = 2 * len(tally.incomplete) > len(tally.recent) and not offsets.is_learned
            observations = offsets.observations() if is_suspect else {}
        # estimating takes long, and images need not wait for it
        contradictions = explain_contradictions(observations, offsets_ns, key, tolerance_ns)
        is_worse = contradictions and statistics.state is State.OK
        return statistics._replace(
            reasons=(*statistics.reasons, *contradictions),
            state=State.DEGRADED if is_worse else statistics.state)

    def _progress(self, result: AddResult | None = None) -> Progress:
        """Take and count what is finished."""
        finished = self._assembly.take_finished()
        if not finished:
            return Progress(result=result)
        for item in finished:
            self._tally.count(item, self._steady_clock())
        return Progress(tuple(item for item in finished if isinstance(item, ImageSet)),
                        tuple(item for item in finished if isinstance(item, DroppedSet)), result)

    def _admit(self, image: Arrival, now_ns: int) -> AddResult:
        """Check the stamp, then place the image."""
        if self._uses_receive_time:
            return self._place(image, image.receive_ns, now_ns, now_ns)
        if image.stamp_ns == 0:
            return self._admit_zero(image, now_ns)
        if 0 < now_ns < image.stamp_ns - FUTURE_NS:  # a clock at zero has not started
            return AddResult.FUTURE
        last_ref_ns = self._assembly.last_ref_ns
        if last_ref_ns is not None and image.stamp_ns < last_ref_ns - JUMP_NS:
            return self._admit_back(image, now_ns)
        self._back.forget(image.camera)
        self._zero.forget(image.camera)
        return self._admit_stamped(image, now_ns)

    def _admit_zero(self, image: Arrival, now_ns: int) -> AddResult:
        """Go over to times of arrival as soon as enough cameras do not stamp."""
        if self._config.stamp_source == 'header':
            return AddResult.ZERO_STAMP
        confirmed = self._zero.add(image, self._is_alone(image))
        if not confirmed:
            return AddResult.ZERO_STAMP
        if not self._has_warned:
            self._has_warned = True
            logger.warning('stamps of %s are zero: images are grouped by time of arrival',
                           ', '.join(sorted({other.camera for other in confirmed})))
        self._jump('stamps are zero', uses_receive_time=True)
        return [self._place(other, other.receive_ns, now_ns, now_ns) for other in confirmed][-1]

    def _admit_back(self, image: Arrival, now_ns: int) -> AddResult:
        """Follow a time jump back as soon as enough cameras show it."""
        confirmed = self._back.add(image, self._is_alone(image))
        if not confirmed:
            return AddResult.ASIDE
        self._jump('stamps went back', uses_receive_time=False)
        return [self._admit_stamped(other, now_ns) for other in confirmed][-1]

    def _admit_stamped(self, image: Arrival, now_ns: int) -> AddResult:
        history = self._stamps[image.camera]
        if history.is_repeated(image.stamp_ns):
            return AddResult.DUPLICATE
        if history.append(image.stamp_ns):
            self._tally.cameras[image.camera].num_out_of_order += 1
        if self._is_windowed:
            return self._place(image, image.stamp_ns, image.stamp_ns, now_ns)
        self._offsets.observe(image.camera, image.stamp_ns, image.receive_ns)
        offset_ns = self._offsets.get(image.camera)
        if offset_ns is None:
            return AddResult.LEARNING
        return self._place(image, image.stamp_ns - offset_ns, image.stamp_ns, now_ns)

    def _place(self, image: Arrival, ref_ns: int, stamp_ns: int, now_ns: int) -> AddResult:
        entry = SetEntry(image.payload, stamp_ns, image.receive_ns, False, ref_ns,
                         image.size_bytes)
        return self._assembly.place(image.camera, entry, now_ns)

    def _is_alone(self, image: Arrival) -> bool:
        return live_cameras(self._arrivals_ns, image.receive_ns) == [image.camera]

    def _jump(self, reason: str, uses_receive_time: bool) -> None:
        """Drop everything and begin the next epoch."""
        logger.info('synchronizer starts anew: %s', reason)
        self._begin_epoch(self.epoch + 1, uses_receive_time)
