# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a case of the synchronizer's benchmark through message_filters' own synchronizer."""

from time import thread_time_ns
from types import SimpleNamespace

from message_filters import ApproximateTimeSynchronizer, SimpleFilter
from rclpy.time import Time

from bdc_occ_ros.bench.sync import OtherResult
from bdc_occ_ros.sync.cases import SyncCase

SLOP_S = 0.05
QUEUE_SIZE = 10


def replay_stock(case: SyncCase) -> OtherResult:
    """
    Feed a stream to an ApproximateTimeSynchronizer (queue 10, slop 0.05 s).

    :param case: The stream and its cameras.
    :return: The sets that it forms.
    """
    inputs = {camera: SimpleFilter() for camera in case.config.cameras}
    synchronizer = ApproximateTimeSynchronizer(list(inputs.values()), QUEUE_SIZE, SLOP_S)
    sets = []
    synchronizer.registerCallback(
        lambda *messages: sets.append([message.image for message in messages]))
    spent_ns = 0
    for image in case.images:
        message = SimpleNamespace(
            image=image, header=SimpleNamespace(stamp=Time(nanoseconds=image.stamp_ns)))
        start_ns = thread_time_ns()
        inputs[image.camera].signalMessage(message)
        spent_ns += thread_time_ns() - start_ns
    return OtherResult(sets, spent_ns / len(case.images) / 1000)
