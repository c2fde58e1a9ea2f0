# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Record what the node publishes until time is up or somebody interrupts."""

from collections.abc import Collection, Mapping
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from vision_msgs.msg import LabelInfo

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.ros.outputs import LATCHED, OUTPUTS
from bdc_occ_ros.ros.replay.bag_recorder import BagRecorder
from bdc_occ_ros.ros.replay.bag_topics import message_class
from bdc_occ_ros.ros.replay.spun_node import spun_node

DISCOVERY_S = 5.0
POLL_S = 0.1


def record_topics(path: str | Path, *, namespace: str = '',
                  topics: Collection[str] | None = None, seconds: float | None = None
                  ) -> Mapping[str, int]:
    """
    Record into a new bag.

    :param namespace: That of the node, for its outputs.
    :param topics: These instead of the node's outputs; each must be published.
    :param seconds: How long; until interrupted if None.
    :return: Number of messages by topic.
    :raises UsageError: if the folder exists or a topic is not published.
    """
    with spun_node('bag_recorder') as node:
        if topics is None:
            kinds, latched = _outputs(namespace.strip('/'))
        else:
            kinds, latched = _published(node, topics), ()
        with BagRecorder(node, path, kinds, time.time_ns, latched) as recorder:
            _wait(seconds)
        return recorder.counts


def _outputs(namespace: str) -> tuple[dict[str, type], set[str]]:
    """Return the node's outputs by topic, and which of them are latched."""
    prefix = f'/{namespace}/' if namespace else '/'
    kinds = {f'{prefix}{output.topic}': output.kind for output in OUTPUTS}
    latched = {f'{prefix}{output.topic}' for output in OUTPUTS if output.qos is LATCHED}
    labels = f'{prefix}label_info'
    return (kinds | {labels: LabelInfo, '/diagnostics': DiagnosticArray}), latched | {labels}


def _published(node: Node, topics: Collection[str]) -> dict[str, type]:
    """Return the message class of every topic, once all are published."""
    wanted = {f'/{topic.lstrip("/")}' for topic in topics}
    deadline_s = time.monotonic() + DISCOVERY_S
    while True:
        known = dict(node.get_topic_names_and_types())
        missing = sorted(wanted - known.keys())
        if not missing:
            return {topic: message_class(known[topic][0]) for topic in sorted(wanted)}
        if time.monotonic() > deadline_s:
            raise UsageError(f'nobody publishes {missing}; there are {sorted(known)}')
        time.sleep(POLL_S)


def _wait(seconds: float | None) -> None:
    """Let time pass; an interrupt ends it in order."""
    deadline_s = time.monotonic() + (float('inf') if seconds is None else seconds)
    try:
        while time.monotonic() < deadline_s:
            time.sleep(min(POLL_S, max(0.0, deadline_s - time.monotonic())))
    except KeyboardInterrupt:
        return
