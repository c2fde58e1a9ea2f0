# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that runs while the node is active, from the subscriptions to the outputs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rclpy.lifecycle import LifecycleNode

from bdc_occ_ros.ros.debug_publishers import DebugPublishers
from bdc_occ_ros.ros.diagnostics import Growth, Health
from bdc_occ_ros.ros.inference_worker import InferenceWorker
from bdc_occ_ros.ros.input_health import InputHealth
from bdc_occ_ros.ros.output_health import OutputHealth
from bdc_occ_ros.ros.output_publishers import OutputPublishers
from bdc_occ_ros.ros.parameters import LiveParameters
from bdc_occ_ros.ros.reception import Reception
from bdc_occ_ros.ros.set_accounts import SetAccounts
from bdc_occ_ros.ros.set_pipeline import LastResult, SetPipeline
from bdc_occ_ros.ros.set_to_frame import SetToFrame
from bdc_occ_ros.sync.image_set import ImageSet

if TYPE_CHECKING:
    from bdc_occ_ros.predictor import Predictor


class ProcessingChain:
    """
    Receives in the executor's thread and computes in its own, from construction until stop.

    :param node: Node that subscribes and publishes.
    :param live: Parameters, which may change.
    :param outputs: Topics of the results.
    :param debug: Topics of the durations.
    :raises BdcOccError: if the parameters ask for what cannot be done.
    """

    def __init__(self, node: LifecycleNode, live: LiveParameters, predictor: 'Predictor',
                 outputs: OutputPublishers, debug: DebugPublishers) -> None:
        self._live = live
        self._outputs = outputs
        self._accounts = SetAccounts()
        self.reception = Reception(node, live.config, self._hand_over)
        self._set_to_frame = SetToFrame(
            live.config, self.reception.calibration, self.reception.ego_motion,
            predictor.decode_reduction, self._accounts.refused, self._accounts.remarked)
        self._pipeline = SetPipeline(node, live, self.reception, self._set_to_frame, predictor,
                                     outputs, debug, self._accounts)
        self._worker = InferenceWorker(node, self._pipeline)
        growth = Growth()
        self._inputs_health = InputHealth(self.reception, growth)
        self._outputs_health = OutputHealth(growth, predictor.backend, predictor.is_trained)

    @property
    def last(self) -> LastResult | None:
        """The newest frame that was computed and what came of it."""
        return self._pipeline.last

    def stop(self, timeout_s: float | None = None) -> bool:
        """
        Stop listening, let the set in work finish and end the threads.

        :param timeout_s: Longest wait for the set in work; None waits as long as it takes.
        :return: Whether the inference thread has ended.
        """
        self.reception.destroy()
        has_ended = self._worker.stop(timeout_s)
        self._set_to_frame.close()
        return has_ended

    def examine(self) -> Iterator[Health]:
        """Return the health of all parts; called once per diagnostics message."""
        config, accounts = self._live.config, self._accounts.read()
        self.reception.follow(config)
        yield from self._inputs_health.examine(accounts)
        yield from self._outputs_health.examine(
            config, accounts, self._worker.mailbox.num_replaced, self._outputs.num_cut_off)

    def _hand_over(self, image_set: ImageSet) -> None:
        self._worker.mailbox.put(image_set)
