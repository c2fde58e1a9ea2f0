# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the inference thread does with one set: decode, predict, publish, and book it."""

import time
from typing import NamedTuple, TYPE_CHECKING

from rclpy.node import Node

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.ros.debug_publishers import DebugPublishers
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.output_publishers import OutputPublishers
from bdc_occ_ros.ros.parameters import LiveParameters
from bdc_occ_ros.ros.reception import Reception
from bdc_occ_ros.ros.set_accounts import SetAccounts
from bdc_occ_ros.ros.set_to_frame import SetToFrame
from bdc_occ_ros.sync.image_set import ImageSet

if TYPE_CHECKING:  # PyTorch is loaded when the node is configured, not when it is started
    from bdc_occ_ros.predictor import Prediction, Predictor


class LastResult(NamedTuple):
    """The newest frame that was computed and what came of it."""

    frame: Frame
    prediction: 'Prediction'


class SetPipeline:
    """
    Turns sets into outputs, one at a time.

    :param node: Node that logs and whose clock dates the outputs.
    :param live: Parameters, which may change.
    :param reception: Knows time jumps and the output frame.
    :param outputs: Topics of the results.
    :param debug: Topics of the durations.
    """

    def __init__(self, node: Node, live: LiveParameters, reception: Reception,
                 set_to_frame: SetToFrame, predictor: 'Predictor', outputs: OutputPublishers,
                 debug: DebugPublishers, accounts: SetAccounts) -> None:
        self.last: LastResult | None = None
        self._node = node
        self._live = live
        self._reception = reception
        self._set_to_frame = set_to_frame
        self._predictor = predictor
        self._outputs = outputs
        self._debug = debug
        self._accounts = accounts
        self._last_output_s: float | None = None

    def __call__(self, image_set: ImageSet) -> None:
        """Compute a set if anybody wants it; an error in its data drops it and is booked."""
        config = self._live.config
        if not self._outputs.wanted(config):
            self._accounts.unwanted()
            return
        if not self._reception.is_current(image_set):
            self._accounts.stale()
            return
        try:
            self._compute(image_set, config)
        except BdcOccError as error:
            self._accounts.dropped(error)
            self._node.get_logger().warning(f'set dropped: {error}', throttle_duration_sec=5.0)

    def _compute(self, image_set: ImageSet, config: NodeConfig) -> None:
        start_s = time.perf_counter()
        frame = self._set_to_frame(image_set)
        decoded_s = time.perf_counter()
        pose = self._reception.output_from_ego(frame.stamp_ns)
        timed = self._predictor.run(frame)
        if not self._reception.is_current(image_set):
            self._accounts.stale()
            return
        self.last = LastResult(frame, timed.prediction)
        predicted_s = time.perf_counter()
        self._outputs.publish(timed.prediction, config, pose)
        end_s = time.perf_counter()
        steps_ms = {'decode': (decoded_s - start_s) * 1e3, **timed.timings_ms,
                    'publish': (end_s - predicted_s) * 1e3, 'total': (end_s - start_s) * 1e3}
        self._book(frame, config, steps_ms, end_s)

    def _book(self, frame: Frame, config: NodeConfig, steps_ms: dict[str, float],
              end_s: float) -> None:
        """Measure the latency from the oldest exposure and tell everybody."""
        oldest_ns = min(frame.stamps_ns.values())
        latency_ms = (self._node.get_clock().now().nanoseconds - oldest_ns) / 1e6
        self._accounts.computed(latency_ms, config.latency_warn_ms)
        if config.publish.debug:
            cyclic_ms = None if self._last_output_s is None else (
                (end_s - self._last_output_s) * 1e3)
            self._debug.publish(steps_ms, latency_ms, cyclic_ms)
        self._last_output_s = end_s
