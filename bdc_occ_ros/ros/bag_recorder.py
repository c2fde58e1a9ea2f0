# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Records topics into a bag, the bytes as they came over the wire."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rosbags.interfaces import QosDurability
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
    :param latched: Topics whose publishers keep the last message for late subscribers.
    :raises UsageError: if the folder exists already.
    """

    def __init__(self, node: Node, path: str | Path, topics: Mapping[str, type],
                 clock: Callable[[], int], latched: Collection[str] = ()) -> None:
        if Path(path).exists():
            raise UsageError(f'{path} exists already; choose another name or remove it')
        self._node, self._clock = node, clock
        self._topics, self._latched = dict(topics), frozenset(latched)
        self._writer = Writer(path, version=VERSION_OF_HUMBLE, storage_plugin=StoragePlugin.MCAP)
        self._subscriptions = []
        self.counts = dict.fromkeys(topics, 0)

    def __enter__(self) -> 'BagRecorder':
        try:
            self._writer.open()
        except OSError as error:
            raise UsageError(f'{self._writer.path} cannot be written: {error}') from error
        for topic, kind in self._topics.items():
            keeps = topic in self._latched
            connection = self._writer.add_connection(
                topic, f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}',
                typestore=message_types(), offered_qos_profiles=[qos(
                    DEPTH, QosDurability.TRANSIENT_LOCAL if keeps else QosDurability.VOLATILE)])
            profile = QoSProfile(depth=DEPTH, durability=(
                DurabilityPolicy.TRANSIENT_LOCAL if keeps else DurabilityPolicy.VOLATILE))
            self._subscriptions.append(self._node.create_subscription(
                kind, topic, partial(self._record, connection), profile, raw=True))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._writer.__exit__(kind, error, trace)

    def _record(self, connection: object, data: bytes) -> None:
        self._writer.write(connection, self._clock(), data)
        self.counts[connection.topic] += 1
