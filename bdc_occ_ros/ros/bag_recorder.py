# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Records topics into a bag, the bytes as they came over the wire."""

from collections.abc import Callable
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer

from bdc_occ_ros.bags.bag_file import qos
from bdc_occ_ros.bags.bag_file import VERSION_OF_HUMBLE
from bdc_occ_ros.bags.message_types import message_types
from bdc_occ_ros.errors import UsageError

DEPTH = 50


class BagRecorder:
    """
    A bag that topics are recorded into; use it in a with statement.

    :param node: Node that subscribes; whoever spins it records.
    :param path: Folder to create.
    :param topics: Message class by topic.
    :param clock: Returns the stamp of what is received now, nanoseconds.
    :raises UsageError: if the folder exists already.
    """

    def __init__(self, node: Node, path: str | Path, topics: Mapping[str, type],
                 clock: Callable[[], int]) -> None:
        if Path(path).exists():
            raise UsageError(f'{path} exists already; choose another name or remove it')
        self._node, self._clock = node, clock
        self._topics = dict(topics)
        self._writer = Writer(path, version=VERSION_OF_HUMBLE, storage_plugin=StoragePlugin.MCAP)
        self._subscriptions = []
        self.counts = dict.fromkeys(topics, 0)

    def __enter__(self) -> 'BagRecorder':
        self._writer.open()
        for topic, kind in self._topics.items():
            connection = self._writer.add_connection(
                topic, f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}',
                typestore=message_types(), offered_qos_profiles=[qos(DEPTH)])
            self._subscriptions.append(self._node.create_subscription(
                kind, topic, partial(self._record, connection), QoSProfile(depth=DEPTH),
                raw=True))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._writer.__exit__(kind, error, trace)

    def _record(self, connection: object, data: bytes) -> None:
        self._writer.write(connection, self._clock(), data)
        self.counts[connection.topic] += 1
