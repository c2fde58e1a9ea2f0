# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
message_filters' ApproximateTimeSynchronizer in the place of our own, for those who ask for it.

It matches stamps that are close, so it may mix triggers of a rig whose cameras fire one after
another, and it knows neither deadlines nor policies for missing cameras.
"""

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from bdc_occ_ros.errors import MissingDependencyError
from bdc_occ_ros.ros.stamps import to_nanoseconds
from bdc_occ_ros.sync.image_set import AddResult, ImageSet, SetEntry
from bdc_occ_ros.sync.synchronizer_config import SynchronizerConfig
from bdc_occ_ros.sync.synchronizer_reasons import explain
from bdc_occ_ros.sync.synchronizer_statistics import SynchronizerStatistics
from bdc_occ_ros.sync.synchronizer_tally import Tally

QUEUE_SIZE = 10


class ApproximateTime:
    """
    Behaves as Synchronizer does where the node uses it.

    :param config: Cameras, and the window that serves as slop.
    :raises MissingDependencyError: if message_filters is not installed.
    """

    def __init__(self, config: SynchronizerConfig, consumer: Callable[[ImageSet], None]) -> None:
        try:
            import message_filters
        except ImportError as error:
            raise MissingDependencyError(
                f'sync.mode approximate needs message_filters ({error}); install '
                'ros-$ROS_DISTRO-message-filters or set sync.mode to offsets') from error
        self.config = config
        self._consumer = consumer
        self._message_filters = message_filters
        self._tally = Tally(config.cameras, monotonic_ns())
        self._epoch = 0
        self._begin()

    def add(self, camera: str, stamp_ns: int, payload: Any, size_bytes: int,
            receive_ns: int) -> AddResult:
        """
        Take one image and hand out the set that it completes.

        :param camera: Name of its camera.
        :param stamp_ns: Stamp of its header.
        :param payload: Message with that header.
        :param size_bytes: Not used: the queues are bounded by number.
        :param receive_ns: When it came, on the steady clock.
        :return: That it joined; the library does not tell more.
        """
        tally = self._tally.cameras[camera]
        tally.count(receive_ns)
        tally.resolve(AddResult.JOINED if stamp_ns else AddResult.ZERO_STAMP)
        if stamp_ns:
            self._inputs[camera].signalMessage(payload)
        return AddResult.JOINED

    def poll(self) -> None:
        """Do nothing: the library has no deadlines."""

    def reset(self, _: str) -> None:
        """Forget all images and begin anew."""
        self._epoch += 1
        self._begin()

    def statistics(self) -> SynchronizerStatistics:
        """Return counters, state and the reasons for it."""
        now_ns = monotonic_ns()
        return self._tally.report(now_ns, self._epoch, explain(self._tally, now_ns), {})

    def _begin(self) -> None:
        """Make the library's synchronizer, which cannot be reset."""
        self._inputs = {name: self._message_filters.SimpleFilter()
                        for name in self.config.cameras}
        matcher = self._message_filters.ApproximateTimeSynchronizer(
            list(self._inputs.values()), QUEUE_SIZE, self.config.window_ns / 1e9)
        matcher.registerCallback(self._matched)

    def _matched(self, *messages: Any) -> None:
        now_ns = monotonic_ns()
        stamps_ns = {name: to_nanoseconds(message.header.stamp)
                     for name, message in zip(self.config.cameras, messages)}
        key_stamp_ns = stamps_ns[self.config.key_camera]
        entries = {name: SetEntry(message, stamps_ns[name], now_ns, False, key_stamp_ns,
                                  len(message.data))
                   for name, message in zip(self.config.cameras, messages)}
        image_set = ImageSet(self._epoch, key_stamp_ns, key_stamp_ns, entries, ())
        self._tally.count_set(image_set, now_ns)
        self._consumer(image_set)
