# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Make the synchronizer that the parameters ask for: ours, or that of message_filters."""

from collections.abc import Callable, Mapping
from time import monotonic_ns
from typing import Any

from bdc_occ_ros.errors import MissingDependencyError
from bdc_occ_ros.ros.conversions import to_nanoseconds
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.sync.config import MS, SynchronizerConfig
from bdc_occ_ros.sync.image_sets import AddResult, ImageSet, SetEntry
from bdc_occ_ros.sync.reasons import explain
from bdc_occ_ros.sync.statistics import SynchronizerStatistics, Tally
from bdc_occ_ros.sync.synchronizer import Progress, Synchronizer

QUEUE_SIZE = 10


def make_synchronizer(config: NodeConfig,
                      clock: Callable[[], int]) -> 'Synchronizer | ApproximateTime':
    """
    Return the synchronizer.

    :param clock: The node's clock, nanoseconds.
    :raises InvalidConfigError: if two parameters contradict each other.
    :raises MissingDependencyError: if message_filters is wanted and not installed.
    """
    sync = config.sync
    is_approximate = sync.mode == 'approximate'
    settings = SynchronizerConfig(
        cameras=config.cameras, key_camera=config.key_camera, offsets_ns=_offsets_ns(config),
        mode='offsets' if is_approximate else sync.mode, stamp_source=config.stamp_source,
        tolerance_ns=round(sync.tolerance_ms * MS), window_ns=round(sync.window_ms * MS),
        deadline_ns=round(sync.deadline_ms * MS), max_groups=sync.max_groups,
        max_bytes=sync.max_bytes, missing_policy=sync.missing_policy,
        min_cameras=sync.min_cameras, hold_max_age_ns=round(sync.hold_max_age_ms * MS),
        max_rate_hz=sync.max_rate_hz)
    return ApproximateTime(settings) if is_approximate else Synchronizer(settings, clock=clock)


def _offsets_ns(config: NodeConfig) -> Mapping[str, int] | str | None:
    """Return trigger offsets counted from the key camera, 'auto', or None for none."""
    if config.sync.mode != 'offsets' or config.sync.offsets == 'none':
        return None
    if config.sync.offsets == 'auto':
        return 'auto'
    key_ms = config.camera[config.key_camera].offset_ms
    return {name: round((config.camera[name].offset_ms - key_ms) * MS) for name in config.cameras}


class ApproximateTime:
    """
    Wrap an ApproximateTimeSynchronizer in the interface that the node uses of Synchronizer.

    That one matches stamps that are close, so it may mix triggers of a rig whose cameras fire
    one after another, and it knows neither deadlines nor policies for missing cameras.

    :param config: Cameras, and the window that serves as slop.
    :raises MissingDependencyError: if message_filters is not installed.
    """

    def __init__(self, config: SynchronizerConfig) -> None:
        try:
            import message_filters
        except ImportError as error:
            raise MissingDependencyError(
                f'sync.mode approximate needs message_filters ({error}); install '
                'ros-$ROS_DISTRO-message-filters or set sync.mode to offsets') from error
        self.config = config
        self.epoch = 0
        self._message_filters = message_filters
        self._tally = Tally(config.cameras, monotonic_ns())
        self._sets: list[ImageSet] = []
        self._begin()

    def add(self, camera: str, stamp_ns: int, payload: Any, size_bytes: int,
            receive_ns: int) -> Progress:
        """
        Take one image and return the sets that it completes.

        :param payload: Message whose header has the stamp.
        :param size_bytes: Not used: the queues are bounded by number.
        :param receive_ns: When it came, on the steady clock.
        """
        tally = self._tally.cameras[camera]
        tally.count(receive_ns)
        result = AddResult.JOINED if stamp_ns else AddResult.ZERO_STAMP
        tally.resolve(result)
        if stamp_ns:
            self._inputs[camera].signalMessage(payload)
        sets, self._sets = tuple(self._sets), []
        return Progress(sets, result=result)

    def poll(self) -> Progress:
        """Do nothing: the library has no deadlines."""
        return Progress()

    def reset(self, _: str) -> Progress:
        """Forget all images and begin anew."""
        self.epoch += 1
        self._begin()
        return Progress()

    def statistics(self) -> SynchronizerStatistics:
        """Return counters, state and the reasons for it."""
        now_ns = monotonic_ns()
        return self._tally.report(now_ns, self.epoch, explain(self._tally, now_ns), {})

    def _begin(self) -> None:
        """Make the library's synchronizer, which cannot be reset."""
        self._inputs = {name: self._message_filters.SimpleFilter()
                        for name in self.config.cameras}
        matcher = self._message_filters.ApproximateTimeSynchronizer(
            list(self._inputs.values()), QUEUE_SIZE, self.config.window_ns / 1e9)
        matcher.registerCallback(self._keep)

    def _keep(self, *messages: Any) -> None:
        """Keep what the library matched until the image is added that completed it."""
        now_ns = monotonic_ns()
        stamps_ns = {name: to_nanoseconds(message.header.stamp)
                     for name, message in zip(self.config.cameras, messages)}
        key_stamp_ns = stamps_ns[self.config.key_camera]
        entries = {name: SetEntry(message, stamps_ns[name], now_ns, False, key_stamp_ns,
                                  len(message.data))
                   for name, message in zip(self.config.cameras, messages)}
        image_set = ImageSet(self.epoch, key_stamp_ns, key_stamp_ns, entries, ())
        self._tally.count(image_set, now_ns)
        self._sets.append(image_set)
