# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run the node: lifecycle and wiring only.

Configured, it holds the network and its topics; active, it listens and computes. The executor's
one thread receives and keeps time, the inference thread decodes, predicts and publishes.
"""

import gc
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions

from bdc_occ_ros.bags.snapshot import save_snapshot
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.ros.compat import given_parameters
from bdc_occ_ros.ros.diagnostics import ChainDiagnostics, Diagnostics
from bdc_occ_ros.ros.inputs import check_inputs, Inputs
from bdc_occ_ros.ros.lifecycle import log_failures, ReportingLifecycleNode
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.outputs import OutputPublishers
from bdc_occ_ros.ros.parameters import LiveParameters
from bdc_occ_ros.ros.pipeline import Pipeline
from bdc_occ_ros.ros.predictor_loading import load_predictor, warm_up
from bdc_occ_ros.ros.signals import EndingSignals

STOP_TIMEOUT_S = 1.0
DIAGNOSTICS_PERIOD_S = 1.0


class OccupancyNode(ReportingLifecycleNode):
    """Compute occupancy and boxes from the images of a rig."""

    def __init__(self, name: str = 'bdc_occ') -> None:
        super().__init__(name)
        self._live: LiveParameters | None = None
        self._inputs: Inputs | None = None
        self._pipeline: Pipeline | None = None
        self._predictor = self._outputs = None
        self._diagnostics = Diagnostics(self, DIAGNOSTICS_PERIOD_S)
        # a request that waits for its answer outlives every transition
        self.create_trigger('~/reset', self._reset)
        self.create_trigger('~/reload_calibration', self._reload_calibration)
        self.create_trigger('~/save_snapshot', self._save_snapshot)
        if given_parameters(self).get('autostart', True) is not False:
            self.start_by_itself()

    @log_failures
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters, load the network and warm it up."""
        self._live = self._live or LiveParameters(self, self._follow)
        config = self._live.config
        check_inputs(config)
        self._diagnostics.set_period(config.diagnostics_period_s)
        self._predictor = load_predictor(config.model)
        if not self._predictor.is_trained:
            self.get_logger().warning(
                f'{config.model.name} is untrained: its output means nothing; set model.weights')
        warm_up(self._predictor, config.cameras, config.model.warmup_iterations)
        self._outputs = OutputPublishers(self)
        return super().on_configure(state)

    @log_failures
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the inference thread."""
        self._inputs = Inputs(self, self._live.config)
        self._pipeline = Pipeline(self, self._live, self._inputs, self._predictor, self._outputs)
        self._diagnostics.chain = ChainDiagnostics(
            self._live, self._inputs, self._pipeline, self._predictor, self._outputs)
        result = super().on_activate(state)
        self._outputs.publish_labels(self._predictor, self._live.config)
        return result

    @log_failures
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening and computing; the network stays loaded."""
        self._stop()
        return super().on_deactivate(state)

    @log_failures
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the network and the topics."""
        self._release()
        return super().on_cleanup(state)

    @log_failures
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything."""
        self._stop()
        self._release()
        return super().on_shutdown(state)

    @log_failures
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what a failed transition left behind, so that the node can be configured again."""
        self._stop()
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop everything; an inference thread that does not end within a second is left alone."""
        self._stop(STOP_TIMEOUT_S)
        self._diagnostics.destroy()

    def _stop(self, timeout_s: float | None = None) -> None:
        inputs, pipeline = self._inputs, self._pipeline
        self._inputs = self._pipeline = self._diagnostics.chain = None
        if inputs is not None:
            inputs.destroy()
        if pipeline is not None:
            pipeline.stop(timeout_s)
        if self._outputs is not None:
            self._outputs.withdraw_grid('the node stops')

    def _release(self) -> None:
        if self._outputs is not None:
            self._outputs.destroy()
        self._predictor = self._outputs = None
        gc.collect()

    def _follow(self, before: NodeConfig, now: NodeConfig) -> None:
        """Let parameters that were set take effect where they are not read for every set."""
        if self._inputs is not None:
            self._inputs.follow(now)
            if now.score_threshold != before.score_threshold:
                self._outputs.publish_labels(self._predictor, now)

    def _require_active(self) -> None:
        if self._inputs is None:
            raise UsageError(f'the node is {self.state_label}; activate it first')

    def _reset(self) -> str:
        self._require_active()
        self._inputs.synchronizer.reset('asked for by ~/reset')
        return 'all images that waited are forgotten'

    def _reload_calibration(self) -> str:
        self._require_active()
        self._inputs.calibration.reload()
        return f'calibration is taken anew from {self._inputs.calibration.source}'

    async def _save_snapshot(self) -> str:
        self._require_active()
        result = await self._pipeline.next_result()
        path = Path(self._live.config.snapshot_folder,
                    f'snapshot_{result.frame.stamp_ns}.npz').absolute()
        save_snapshot(path, result.frame, *result.prediction)
        return str(path)


def run(args: list[str] | None, signals: EndingSignals) -> None:
    """
    Run the node until it is interrupted.

    :param args: Command line with ROS arguments; that of the process if None.
    :param signals: Wake the executor.
    """
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    node = OccupancyNode()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    signals.wake = executor.wake
    try:
        executor.spin()
    finally:
        node.close()
        node.destroy_node()
        rclpy.try_shutdown()
