# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publish results and durations; no message is made for a topic without subscribers."""

from collections.abc import Callable, Mapping
import time
from typing import Any, NamedTuple, TYPE_CHECKING

from nav_msgs.msg import OccupancyGrid
import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float64, Header
from vision_msgs.msg import Detection3DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.ros.boxes_to_messages import boxes_to_detections, boxes_to_markers, label_info
from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.occupancy_to_messages import (
    occupancy_to_cloud,
    occupancy_to_grid,
    occupancy_to_markers,
    occupancy_to_obstacles,
    unknown_grid,
)

if TYPE_CHECKING:
    from bdc_occ_ros.predictor import Prediction, Predictor

VOLATILE = QoSProfile(depth=1)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
STEPS = ('decode', 'preprocess', 'inference', 'postprocess', 'publish', 'total')
LABEL_TOPICS = ('occupancy/label_info', 'detections/label_info')
DEBUG_TOPICS = ('cyclic_time_ms', 'pipeline_latency_ms',
                *(f'processing_time/{step}_ms' for step in STEPS))

Result = Occupancy | Boxes
Maker = Callable[[Any, Header, NodeConfig, np.ndarray | None], tuple[Any, int]]


class Output(NamedTuple):
    """
    Describe one output topic.

    :param switch: Field of PublishConfig that turns it on.
    :param source: Field of the prediction that it shows.
    :param make: Returns the message and how much of it a limit cut off.
    """

    switch: str
    topic: str
    kind: type
    qos: QoSProfile
    source: str
    make: Maker


OUTPUTS = (
    Output('occupancy', 'occupancy', PointCloud2, VOLATILE, 'occupancy',
           lambda occupancy, header, config, pose: occupancy_to_cloud(
               occupancy, header, config.max_points, pose)),
    Output('obstacles', 'occupancy/obstacles', PointCloud2, VOLATILE, 'occupancy',
           lambda occupancy, header, config, pose: occupancy_to_obstacles(
               occupancy, header, config.grid, config.max_points, pose)),
    Output('grid', 'occupancy/grid', OccupancyGrid, LATCHED, 'occupancy',
           lambda occupancy, header, config, pose: (occupancy_to_grid(
               occupancy, header, config.grid, pose), 0)),
    Output('markers', 'occupancy/markers', MarkerArray, VOLATILE, 'occupancy',
           lambda occupancy, header, config, pose: occupancy_to_markers(
               occupancy, header, config.max_markers, pose)),
    Output('detections', 'detections', Detection3DArray, VOLATILE, 'boxes',
           lambda boxes, header, config, pose: (boxes_to_detections(
               boxes, header, config.score_threshold, pose), 0)),
    Output('detection_markers', 'detections/markers', MarkerArray, VOLATILE, 'boxes',
           lambda boxes, header, config, pose: (boxes_to_markers(
               boxes, header, config.score_threshold, pose), 0)),
)


class OutputPublishers:
    """
    Publish all results, and how long they took as plain numbers under ~/debug.

    The grid is latched for late subscribers, so it must be withdrawn when no newer one follows.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self.num_cut_off = 0
        self._node = node
        self._publishers = {
            output.switch: node.create_lifecycle_publisher(output.kind, output.topic, output.qos)
            for output in OUTPUTS}
        self._labels = [node.create_lifecycle_publisher(LabelInfo, topic, LATCHED)
                        for topic in LABEL_TOPICS]
        self._durations = {
            topic: node.create_lifecycle_publisher(Float64, f'~/debug/{topic}', 1)
            for topic in DEBUG_TOPICS}
        self._latched: tuple[OccupancyGrid, float] | None = None

    def destroy(self) -> None:
        """Destroy the publishers."""
        for publisher in (*self._publishers.values(), *self._labels,
                          *self._durations.values()):
            self._node.destroy_lifecycle_publisher(publisher)

    def wanted(self, config: NodeConfig) -> tuple[Output, ...]:
        """Return the outputs that are switched on and have subscribers."""
        return tuple(output for output in OUTPUTS if getattr(config.publish, output.switch)
                     and self._publishers[output.switch].get_subscription_count())

    def publish(self, prediction: 'Prediction', config: NodeConfig,
                output_from_ego: np.ndarray | None) -> None:
        """
        Publish what is wanted; a result without content gives an empty message.

        :param output_from_ego: Pose of the ego frame in the output frame; None if the same.
        :raises InvalidConfigError: if the grid parameters do not fit the network.
        """
        num_cut_off = 0
        for output in self.wanted(config):
            result: Result | None = getattr(prediction, output.source)
            if result is None:
                continue
            header = make_header(result.stamp_ns, config.frame)
            message, num_left_out = output.make(result, header, config, output_from_ego)
            num_cut_off += num_left_out
            self._publishers[output.switch].publish(message)
            if output.qos is LATCHED:
                self._latched = message, time.monotonic()
        self.num_cut_off = num_cut_off

    def withdraw_grid(self, reason: str, older_than_s: float = 0.0) -> None:
        """Publish that nothing is known any more where a grid so old is latched, and log why."""
        if (self._latched is None or time.monotonic() - self._latched[1] < older_than_s
                or not self._node.context.ok()):
            return
        (grid, _), self._latched = self._latched, None
        header = make_header(self._node.get_clock().now().nanoseconds, grid.header.frame_id)
        self._node.get_logger().warning(f'occupancy/grid is all unknown now: {reason}')
        self._publishers['grid'].publish(unknown_grid(header, grid.info))

    def publish_labels(self, predictor: 'Predictor', config: NodeConfig) -> None:
        """Publish the names of the classes of clouds and of detections, for late subscribers."""
        header = make_header(self._node.get_clock().now().nanoseconds, config.frame)
        network = predictor.config
        for publisher, head, threshold in zip(
                self._labels, (network.occupancy, network.boxes), (0.0, config.score_threshold)):
            if head is not None:
                publisher.publish(label_info(head.class_names, header, threshold))

    def publish_durations(self, steps_ms: Mapping[str, float], pipeline_latency_ms: float,
                          cyclic_time_ms: float | None) -> None:
        """
        Publish the durations that have subscribers.

        :param steps_ms: Duration of the steps of one set.
        :param pipeline_latency_ms: From the oldest exposure of the set to its output.
        :param cyclic_time_ms: Since the output before; None for the first.
        """
        values = {f'processing_time/{step}_ms': ms for step, ms in steps_ms.items()}
        values['pipeline_latency_ms'] = pipeline_latency_ms
        if cyclic_time_ms is not None:
            values['cyclic_time_ms'] = cyclic_time_ms
        for topic, value in values.items():
            if self._durations[topic].get_subscription_count():
                self._durations[topic].publish(Float64(data=float(value)))
