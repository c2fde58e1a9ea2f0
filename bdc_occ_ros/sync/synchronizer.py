# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Gathers one image per camera into sets of one trigger, and says why a set is not formed.

Cameras of a rig fire one after another, so images belong together when stamp minus trigger
offset agrees, not when stamps are close: on nuScenes a set spans 42.6 ms while the next trigger
may follow after 50 ms. A set is handed out by the very call that completes it; what is missing
at the deadline is dropped, handed out partially, or filled with the previous image.
"""

from collections.abc import Callable
from dataclasses import replace
import logging
from threading import Lock
from time import monotonic_ns, time_ns
from typing import Any

from bdc_occ_ros.errors import InvalidConfigError, UsageError
from bdc_occ_ros.sync.image_set import AddResult, ImageSet, SetEntry, UnformedSet
from bdc_occ_ros.sync.offset_estimation import constant_lags, is_clear, Sighting
from bdc_occ_ros.sync.outbox import Outbox
from bdc_occ_ros.sync.set_assembly import SetAssembly, Surroundings
from bdc_occ_ros.sync.stamp_checks import Arrival, is_future, JUMP_NS, SetAside, StampHistory
from bdc_occ_ros.sync.synchronizer_config import SynchronizerConfig
from bdc_occ_ros.sync.synchronizer_reasons import (
    deviation,
    explain,
    explain_clocks,
    explain_offsets,
)
from bdc_occ_ros.sync.synchronizer_statistics import SynchronizerStatistics
from bdc_occ_ros.sync.synchronizer_tally import Tally
from bdc_occ_ros.sync.trigger_offsets import TriggerOffsets

CLOCK_TOLERANCES = 3
FIXED = ('cameras', 'key_camera', 'offsets_ns', 'mode', 'stamp_source')

logger = logging.getLogger(__name__)
Sightings = dict[str, tuple[Sighting, ...]]


class Synchronizer:
    """
    Groups images of several cameras; any thread may add them.

    :param config: Cameras, offsets, limits and policy.
    :param consumer: Gets every set, in order and one at a time, outside the lock, from the
        thread that added the last image or polled. What it raises is logged and counted.
    :param on_unformed: Told about every trigger that no set is handed out for.
    :param clock: The node's clock, nanoseconds; measures deadlines.
    :param steady_clock: A clock that never jumps, nanoseconds; measures ages and arrival.
    """

    def __init__(self, config: SynchronizerConfig, consumer: Callable[[ImageSet], None], *,
                 on_unformed: Callable[[UnformedSet], None] | None = None,
                 clock: Callable[[], int] = time_ns,
                 steady_clock: Callable[[], int] = monotonic_ns) -> None:
        self._config = config
        self._clock = clock
        self._steady_clock = steady_clock
        self._lock = Lock()
        self._outbox = Outbox(consumer, on_unformed, capacity=4 * config.max_groups)
        self._tally = Tally(config.cameras, steady_clock())
        self._offsets = TriggerOffsets(config)
        self._epoch = 0
        self._has_warned = False
        self._begin_epoch(uses_receive_time=config.stamp_source == 'receive')

    @property
    def config(self) -> SynchronizerConfig:
        """Settings; new ones for the same cameras take effect with the next image."""
        return self._config

    @config.setter
    def config(self, config: SynchronizerConfig) -> None:
        for name in FIXED:
            if getattr(config, name) != getattr(self._config, name):
                raise InvalidConfigError(
                    f'{name} cannot change while images are gathered; make a new synchronizer')
        with self._lock:
            self._config = config
            self._offsets.reconfigure(config)
            self._assembly.reconfigure(config)

    def _begin_epoch(self, uses_receive_time: bool) -> None:
        """Start from nothing: no image of before may meet one of after."""
        config = self._config
        self._uses_receive_time = uses_receive_time
        self._is_windowed = uses_receive_time or config.mode == 'window'
        self._assembly = SetAssembly(config, self._epoch, self._is_windowed, Surroundings(
            self._offsets, lambda: len(self._tally.live_cameras(self._steady_clock())),
            self._emit))
        self._stamps = {name: StampHistory() for name in config.cameras}
        self._back = SetAside(config.quorum)
        self._zero = SetAside(config.quorum)
        self._offsets.forget_history()

    def add(self, camera: str, stamp_ns: int, payload: Any, size_bytes: int,
            receive_ns: int | None = None) -> AddResult:
        """
        Take one image and hand out the sets that it completes.

        :param camera: Name of its camera.
        :param stamp_ns: Stamp of its header, 0 if it has none.
        :param payload: The image, best undecoded; not looked at.
        :param size_bytes: How much memory it holds.
        :param receive_ns: When it came, on the steady clock; now if None.
        :return: What became of it.
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
            self._assembly.close_expired(now_ns)
            result = self._admit(
                Arrival(camera, stamp_ns, payload, size_bytes, receive_ns), now_ns)
            tally.resolve(result)
        self._outbox.deliver()
        return result

    def poll(self) -> None:
        """Close the sets whose deadline has passed; call it more often than the deadline."""
        with self._lock:
            self._assembly.close_expired(self._clock())
        self._outbox.deliver()

    def reset(self, reason: str) -> None:
        """
        Start a new epoch: forget all images, keep learned offsets and counters.

        :param reason: Why, for the log.
        """
        with self._lock:
            self._jump(reason, uses_receive_time=self._config.stamp_source == 'receive')
        self._outbox.deliver()

    def statistics(self) -> SynchronizerStatistics:
        """Return counters, state and the reasons for it."""
        with self._lock:
            statistics, sightings = self._snapshot(self._steady_clock())
        return statistics.with_reasons(self._contradicted_offsets(sightings))

    def _snapshot(self, now_ns: int) -> tuple[SynchronizerStatistics, Sightings]:
        """Copy what is reported, and what has to be looked at without holding the lock."""
        tally, offsets, tolerance_ns = self._tally, self._offsets, self._config.tolerance_ns
        reasons = explain(tally, now_ns) + self._outbox.explain() + offsets.explain()
        if self._uses_receive_time and self._config.stamp_source != 'receive':
            reasons.append('stamps are zero: images are grouped by time of arrival')
        if not (self._is_windowed or offsets.is_learned):
            reasons += explain_offsets(tally, offsets.in_use_ns, self._config.key_camera,
                                       tolerance_ns / 2)
            reasons += explain_clocks(tally, CLOCK_TOLERANCES * tolerance_ns)
        statistics = replace(
            tally.report(now_ns, self._epoch, reasons, offsets.in_use_ns),
            num_undelivered=self._outbox.num_lost, num_consumer_errors=self._outbox.num_errors,
            num_open=self._assembly.num_open, size_bytes=self._assembly.size_bytes,
            uses_receive_time=self._uses_receive_time)
        is_suspect = 2 * len(tally.incomplete) > len(tally.recent)
        return statistics, offsets.sightings(self._config.cameras if is_suspect else ())

    def _contradicted_offsets(self, sightings: Sightings) -> list[str]:
        """Say which given offsets the stamps of a failing rig contradict."""
        offsets_ns, key = self._offsets.in_use_ns, self._config.key_camera
        reasons = []
        for camera in sightings if not self._offsets.is_learned else ():
            lags = constant_lags(sightings[key], sightings[camera], self._config.tolerance_ns)
            given_ns = offsets_ns[camera] - offsets_ns[key]
            if (lags and is_clear(lags)
                    and abs(lags[0].lag_ns - given_ns) > self._config.tolerance_ns):
                reasons.append(deviation(camera, key, lags[0].lag_ns, given_ns))
        return reasons

    def _emit(self, item: ImageSet | UnformedSet) -> None:
        """Count a set, or a trigger without one, and queue it for its receiver."""
        if isinstance(item, ImageSet):
            self._tally.count_set(item, self._steady_clock())
        else:
            self._tally.count_unformed(item)
        self._outbox.post(item)

    def _admit(self, image: Arrival, now_ns: int) -> AddResult:
        """Check the stamp, then place the image."""
        if self._uses_receive_time:
            return self._admit_unstamped(image, now_ns)
        if image.stamp_ns == 0:
            return self._admit_zero(image, now_ns)
        if is_future(image.stamp_ns, now_ns):
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
        return [self._admit_unstamped(other, now_ns) for other in confirmed][-1]

    def _admit_back(self, image: Arrival, now_ns: int) -> AddResult:
        """Follow a time jump back as soon as enough cameras show it."""
        confirmed = self._back.add(image, self._is_alone(image))
        if not confirmed:
            return AddResult.ASIDE
        self._jump('stamps went back', uses_receive_time=False)
        return [self._admit_stamped(other, now_ns) for other in confirmed][-1]

    def _admit_unstamped(self, image: Arrival, now_ns: int) -> AddResult:
        return self._place(image, image.receive_ns, now_ns, now_ns)

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
        return self._assembly.place(image.camera, SetEntry(
            image.payload, stamp_ns, image.receive_ns, False, ref_ns, image.size_bytes), now_ns)

    def _is_alone(self, image: Arrival) -> bool:
        return self._tally.live_cameras(image.receive_ns) == [image.camera]

    def _jump(self, reason: str, uses_receive_time: bool) -> None:
        """Drop everything and begin the next epoch."""
        self._assembly.flush()
        logger.info('synchronizer starts anew: %s', reason)
        self._epoch += 1
        self._begin_epoch(uses_receive_time)
