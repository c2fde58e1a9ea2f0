# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Gathers one image per camera into sets of one trigger, and says why a set is not formed.

Cameras of a rig fire one after another, so images belong together when stamp minus trigger
offset agrees, not when stamps are close: on nuScenes a set spans 42.6 ms while the next trigger
may follow after 50 ms. A set is handed out by the very call that completes it; what is missing
at the deadline is dropped, handed out partially, or filled with the previous image.
"""

from collections import deque
from collections.abc import Callable
import logging
from threading import Lock
from time import monotonic_ns
from time import time_ns
from typing import Any

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.image_groups import ImageGroup
from bdc_occ_ros.image_groups import ImageGroups
from bdc_occ_ros.image_set import AddResult
from bdc_occ_ros.image_set import Cause
from bdc_occ_ros.image_set import ImageSet
from bdc_occ_ros.image_set import SetEntry
from bdc_occ_ros.image_set import UnformedSet
from bdc_occ_ros.stamp_checks import Arrival
from bdc_occ_ros.stamp_checks import is_future
from bdc_occ_ros.stamp_checks import JUMP_NS
from bdc_occ_ros.stamp_checks import SetAside
from bdc_occ_ros.stamp_checks import StampHistory
from bdc_occ_ros.synchronizer_config import SynchronizerConfig
from bdc_occ_ros.synchronizer_statistics import State
from bdc_occ_ros.synchronizer_statistics import SynchronizerStatistics
from bdc_occ_ros.synchronizer_statistics import Tally
from bdc_occ_ros.trigger_offsets import TriggerOffsets

logger = logging.getLogger(__name__)


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
        self.config = config
        self._consumer = consumer
        self._on_unformed = on_unformed
        self._clock = clock
        self._steady_clock = steady_clock
        self._lock = Lock()
        self._delivery_lock = Lock()
        self._outbox: deque[ImageSet | UnformedSet] = deque()
        self._tally = Tally(config.cameras, steady_clock())
        self._offsets = TriggerOffsets(config)
        self._epoch = 0
        self._begin_epoch(uses_receive_time=config.stamp_source == 'receive')

    def _begin_epoch(self, uses_receive_time: bool) -> None:
        """Start from nothing: no image of before may meet one of after."""
        self._uses_receive_time = uses_receive_time
        is_windowed = uses_receive_time or self.config.mode == 'window'
        reach_ns = self.config.window_ns if is_windowed else self.config.tolerance_ns
        self._is_windowed = is_windowed
        self._groups = ImageGroups(reach_ns, takes_oldest=is_windowed)
        self._stamps = {name: StampHistory() for name in self.config.cameras}
        self._back = SetAside(self.config.quorum)
        self._zero = SetAside(self.config.quorum)
        self._previous: dict[str, SetEntry] = {}
        self._last_ref_ns: int | None = None
        self._next_due_ns: float | None = None
        self._offsets.reset()

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
            raise UsageError(f'no camera {camera!r}; configured are {self.config.cameras}')
        if receive_ns is None:
            receive_ns = self._steady_clock()
        image = Arrival(camera, stamp_ns, payload, size_bytes, receive_ns)
        with self._lock:
            tally = self._tally.cameras[camera]
            tally.count(receive_ns)
            now_ns = self._clock()
            self._close_expired(now_ns)
            result = self._admit(image, now_ns)
            tally.resolve(result)
        self._deliver()
        return result

    def poll(self) -> None:
        """Close the sets whose deadline has passed; call it more often than the deadline."""
        with self._lock:
            self._close_expired(self._clock())
        self._deliver()

    def reset(self, reason: str) -> None:
        """
        Start a new epoch: forget all images, keep learned offsets and counters.

        :param reason: Why, for the log.
        """
        with self._lock:
            self._jump(reason, uses_receive_time=self.config.stamp_source == 'receive')
        self._deliver()

    def statistics(self) -> SynchronizerStatistics:
        """Return counters, state and the reasons for it."""
        with self._lock:
            now_ns, tally = self._steady_clock(), self._tally
            reasons = tally.explain(now_ns)
            if self._uses_receive_time and self.config.stamp_source != 'receive':
                reasons.append('stamps are zero: images are grouped by time of arrival')
            if not self._is_windowed:
                reasons += self._offsets.explain()
            is_stalled = tally.is_stalled(now_ns)
            if is_stalled and not reasons:
                reasons.append('no set has been complete yet' if not tally.num_complete else
                               f'no set for {(now_ns - tally.last_set_ns) / 1e9:.1f} s')
            state = State.STALLED if is_stalled else State.DEGRADED if reasons else State.OK
            return SynchronizerStatistics(
                state, tuple(reasons), self._epoch, tally.num_complete, tally.num_partial,
                tally.num_held, dict(tally.unformed), tally.num_consumer_errors,
                max((outcome.spread_ns for outcome in tally.recent), default=0),
                len(self._groups.open), self._size_bytes, self._uses_receive_time,
                {name: camera.snapshot(now_ns, self._offsets.get(name))
                 for name, camera in tally.cameras.items()})

    @property
    def _size_bytes(self) -> int:
        return self._groups.size_bytes + sum(e.size_bytes for e in self._previous.values())

    def _admit(self, image: Arrival, now_ns: int) -> AddResult:
        """Check the stamp, then place the image."""
        if self._uses_receive_time:
            return self._place(image, image.receive_ns, now_ns, now_ns)
        if image.stamp_ns == 0:
            return self._admit_zero(image, now_ns)
        if is_future(image.stamp_ns, now_ns):
            return AddResult.FUTURE
        if self._last_ref_ns is not None and image.stamp_ns < self._last_ref_ns - JUMP_NS:
            return self._admit_back(image, now_ns)
        self._back.forget(image.camera)
        self._zero.forget(image.camera)
        return self._admit_stamped(image, now_ns)

    def _admit_zero(self, image: Arrival, now_ns: int) -> AddResult:
        if self.config.stamp_source == 'header':
            return AddResult.ZERO_STAMP
        confirmed = self._zero.add(image, self._is_alone(image))
        if not confirmed:
            return AddResult.ZERO_STAMP
        logger.warning('stamps of %s are zero: images are grouped by time of arrival',
                       ', '.join(sorted({other.camera for other in confirmed})))
        self._jump('stamps are zero', uses_receive_time=True)
        return [self._place(other, other.receive_ns, now_ns, now_ns) for other in confirmed][-1]

    def _admit_back(self, image: Arrival, now_ns: int) -> AddResult:
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

    def _is_alone(self, image: Arrival) -> bool:
        return self._tally.live_cameras(image.receive_ns) == [image.camera]

    def _place(self, image: Arrival, ref_ns: int, stamp_ns: int, now_ns: int) -> AddResult:
        """Put an image into its group, opening one if need be."""
        groups = self._groups
        group = groups.find(image.camera, ref_ns)
        if group is None:
            if self._last_ref_ns is not None and ref_ns <= self._last_ref_ns:
                return AddResult.LATE
            if groups.was_closed_without(image.camera, ref_ns):
                return AddResult.LATE
        if not self._make_room(image.size_bytes, group):
            return AddResult.TOO_LARGE
        if group is None:
            if len(groups.open) >= self.config.max_groups:
                self._drop(groups.open[0], Cause.GROUPS)
            group = groups.start(ref_ns, now_ns)
        groups.join(group, image.camera, SetEntry(
            image.payload, stamp_ns, image.receive_ns, False, ref_ns, image.size_bytes))
        if len(group.entries) < len(self.config.cameras):
            return AddResult.JOINED
        self._close(group, None)
        return AddResult.COMPLETED

    def _make_room(self, size_bytes: int, keep: ImageGroup | None) -> bool:
        """Close the oldest groups until an image fits; tell whether it does."""
        while self._size_bytes + size_bytes > self.config.max_bytes:
            oldest = next((group for group in self._groups.open if group is not keep), None)
            if oldest is not None:
                self._drop(oldest, Cause.MEMORY)
            elif self._previous:
                self._previous.clear()
            else:
                return False
        return True

    def _close_expired(self, now_ns: int) -> None:
        for group in [*self._groups.open]:
            group.opened_ns = min(group.opened_ns, now_ns)
            if now_ns - group.opened_ns >= self.config.deadline_ns and group in self._groups.open:
                self._close(group, Cause.DEADLINE)

    def _close(self, group: ImageGroup, cause: Cause | None) -> None:
        """Close a group and hand it out if it is complete or the policy wants it."""
        is_wanted = cause is None or (self.config.missing_policy != 'drop'
                                      and len(group.entries) >= self.config.min_cameras)
        if is_wanted and self._is_isolated(group):
            is_wanted, cause = False, Cause.ISOLATED
        if not is_wanted:
            self._drop(group, cause)
            return
        for older in [g for g in self._groups.open if g.ref_ns < group.ref_ns]:
            if older in self._groups.open:
                self._close(older, Cause.SUPERSEDED)
        self._emit(group)

    def _is_isolated(self, group: ImageGroup) -> bool:
        """Tell whether too few cameras claim a time that would shut out all others."""
        if self._last_ref_ns is None or group.ref_ns <= self._last_ref_ns + JUMP_NS:
            return False
        num_live = len(self._tally.live_cameras(self._steady_clock()))
        return len(group.entries) < min(self.config.quorum, num_live)

    def _emit(self, group: ImageGroup) -> None:
        """Hand a group out, unless the rate limit skips it."""
        self._groups.close(group)
        self._last_ref_ns = group.ref_ns
        entries = {name: entry for name in self.config.cameras
                   if (entry := group.entries.get(name) or self._held(name, group.ref_ns))}
        missing = tuple(name for name in self.config.cameras if name not in entries)
        self._keep(group)
        if self._is_over_rate(group.ref_ns):
            self._report(group, Cause.RATE)
            return
        image_set = ImageSet(self._epoch, group.ref_ns, self._key_stamp_ns(group), entries,
                             missing)
        if not self._is_windowed:
            self._offsets.follow({n: entry.stamp_ns for n, entry in group.entries.items()})
        self._tally.count_set(image_set, self._steady_clock())
        self._post(image_set)

    def _drop(self, group: ImageGroup, cause: Cause) -> None:
        self._groups.close(group)
        self._keep(group)
        self._report(group, cause)

    def _report(self, group: ImageGroup, cause: Cause) -> None:
        missing = tuple(name for name in self.config.cameras if name not in group.entries)
        unformed = UnformedSet(self._epoch, group.ref_ns, cause, tuple(group.entries), missing)
        self._tally.count_unformed(unformed)
        self._post(unformed)

    def _keep(self, group: ImageGroup) -> None:
        """Remember a closed group's images for sets that will lack one."""
        if self.config.missing_policy == 'hold':
            for name, entry in group.entries.items():
                previous = self._previous.get(name)
                if previous is None or previous.ref_ns < entry.ref_ns:
                    self._previous[name] = entry._replace(held=True)

    def _held(self, camera: str, ref_ns: int) -> SetEntry | None:
        """Return the camera's previous image if it may stand in."""
        entry = self._previous.get(camera)
        if entry and 0 < ref_ns - entry.ref_ns <= self.config.hold_max_age_ns:
            return entry
        return None

    def _key_stamp_ns(self, group: ImageGroup) -> int:
        key = self.config.key_camera
        if key in group.entries:
            return group.entries[key].stamp_ns
        if self._is_windowed:
            return min(entry.stamp_ns for entry in group.entries.values())
        return group.ref_ns + (self._offsets.get(key) or 0)

    def _is_over_rate(self, ref_ns: int) -> bool:
        """Spend or save the credit of the rate limit."""
        if not self.config.max_rate_hz:
            return False
        interval_ns = 1e9 / self.config.max_rate_hz
        due_ns = ref_ns if self._next_due_ns is None else self._next_due_ns
        if ref_ns < due_ns:
            return True
        self._next_due_ns = max(due_ns, ref_ns - interval_ns) + interval_ns
        return False

    def _jump(self, reason: str, uses_receive_time: bool) -> None:
        """Flush everything and begin the next epoch."""
        for group in [*self._groups.open]:
            self._drop(group, Cause.RESET)
        logger.info('synchronizer starts anew: %s', reason)
        self._epoch += 1
        self._begin_epoch(uses_receive_time)

    def _post(self, item: ImageSet | UnformedSet) -> None:
        """Queue something to hand out after the lock is released."""
        if len(self._outbox) >= 4 * self.config.max_groups:
            self._outbox.popleft()
            self._tally.unformed[Cause.CONSUMER] += 1
        self._outbox.append(item)

    def _deliver(self) -> None:
        """Hand out what is queued, in order; one thread at a time does it for all."""
        while self._outbox and self._delivery_lock.acquire(blocking=False):
            try:
                while self._outbox:
                    self._hand_out(self._outbox.popleft())
            finally:
                self._delivery_lock.release()

    def _hand_out(self, item: ImageSet | UnformedSet) -> None:
        receiver = self._consumer if isinstance(item, ImageSet) else self._on_unformed
        if receiver is None:
            return
        try:
            receiver(item)
        except Exception as error:  # whatever a foreign consumer raises must not stop reception
            logger.exception('the consumer failed at a set; the next one is handed out')
            with self._lock:
                self._tally.num_consumer_errors += 1
                self._tally.last_consumer_error = f'{type(error).__name__}: {error}'
