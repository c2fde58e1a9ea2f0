# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long things take, as plain numbers under the topic names that plots already know."""

from collections.abc import Mapping

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Float64

STEPS = ('decode', 'preprocess', 'inference', 'postprocess', 'publish', 'total')
TOPICS = ('cyclic_time_ms', 'pipeline_latency_ms', *(f'processing_time/{s}_ms' for s in STEPS))


class DebugPublishers:
    """The topics under ~/debug."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._publishers = {
            topic: node.create_lifecycle_publisher(Float64, f'~/debug/{topic}', 1)
            for topic in TOPICS}

    def destroy(self) -> None:
        """Take the topics away."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    def publish(self, steps_ms: Mapping[str, float], pipeline_latency_ms: float,
                cyclic_time_ms: float | None) -> None:
        """
        Publish what has subscribers.

        :param steps_ms: Duration of the steps of one set.
        :param pipeline_latency_ms: From the oldest exposure of the set to its output.
        :param cyclic_time_ms: Since the output before; None for the first.
        """
        values = {f'processing_time/{step}_ms': ms for step, ms in steps_ms.items()}
        values['pipeline_latency_ms'] = pipeline_latency_ms
        if cyclic_time_ms is not None:
            values['cyclic_time_ms'] = cyclic_time_ms
        for topic, value in values.items():
            if self._publishers[topic].get_subscription_count():
                self._publishers[topic].publish(Float64(data=float(value)))
