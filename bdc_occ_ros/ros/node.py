# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The node: lifecycle and wiring only.

Configured, it holds the network and its topics; active, it listens and computes. The executor's
one thread receives and keeps time, the inference thread decodes, predicts and publishes.
"""

from collections.abc import Iterator
import gc
import os
from pathlib import Path
import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from bdc_occ_ros.bags.snapshot import save_snapshot
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.ros.compat import given_parameters
from bdc_occ_ros.ros.debug_publishers import DebugPublishers
from bdc_occ_ros.ros.diagnostics import Diagnostics, Finding, Health, Level
from bdc_occ_ros.ros.lifecycle import TellingLifecycleNode, told
from bdc_occ_ros.ros.log_forwarding import LogForwarding
from bdc_occ_ros.ros.output_publishers import OutputPublishers
from bdc_occ_ros.ros.parameters import LiveParameters
from bdc_occ_ros.ros.predictor_loading import load_predictor, warm_up
from bdc_occ_ros.ros.processing_chain import ProcessingChain
from bdc_occ_ros.ros.reception import check_inputs
from bdc_occ_ros.ros.services import TriggerServices

STOP_TIMEOUT_S = 2.0
DIAGNOSTICS_PERIOD_S = 1.0


class OccupancyNode(TellingLifecycleNode):
    """Images of a rig in, occupancy and boxes out."""

    def __init__(self, name: str = 'bdc_occ') -> None:
        super().__init__(name)
        self._live: LiveParameters | None = None
        self._chain: ProcessingChain | None = None
        self._predictor = self._outputs = self._debug = self._triggers = None
        self._log_forwarding = LogForwarding(self)
        self._diagnostics = Diagnostics(self, DIAGNOSTICS_PERIOD_S, self._examine)
        if given_parameters(self).get('autostart', True) is not False:
            self.start_by_itself()

    @told
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters, load the network and warm it up."""
        self._live = self._live or LiveParameters(self)
        config = self._live.config
        check_inputs(config)
        self._diagnostics.set_period(config.diagnostics_period_s)
        self._predictor = load_predictor(config.model)
        if not self._predictor.is_trained:
            self.get_logger().warning(
                f'{config.model.name} is untrained: its output means nothing; set model.weights')
        warm_up(self._predictor, config.cameras, config.model.warmup_iterations)
        self._outputs, self._debug = OutputPublishers(self), DebugPublishers(self)
        self._triggers = TriggerServices(self, {
            '~/reset': self._reset, '~/reload_calibration': self._reload_calibration,
            '~/save_snapshot': self._save_snapshot})
        return super().on_configure(state)

    @told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the inference thread."""
        self._chain = ProcessingChain(self, self._live, self._predictor, self._outputs,
                                      self._debug)
        result = super().on_activate(state)
        if self._predictor.config.boxes is not None:
            self._outputs.publish_labels(self._predictor.config.boxes.class_names,
                                         self._live.config)
        return result

    @told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening and computing; the network stays loaded."""
        self._stop()
        return super().on_deactivate(state)

    @told
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the network and the topics."""
        self._release()
        return super().on_cleanup(state)

    @told
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything."""
        self._stop()
        self._release()
        return super().on_shutdown(state)

    @told
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free what a failed transition left behind, so that the node can be configured again."""
        self._stop()
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> bool:
        """Stop everything within two seconds; tell whether the inference thread has ended."""
        has_ended = self._stop(STOP_TIMEOUT_S)
        self._diagnostics.destroy()
        self._log_forwarding.destroy()
        return has_ended

    def _stop(self, timeout_s: float | None = None) -> bool:
        chain, self._chain = self._chain, None
        return chain is None or chain.stop(timeout_s)

    def _release(self) -> None:
        for part in (self._triggers, self._outputs, self._debug):
            if part is not None:
                part.destroy()
        self._predictor = self._outputs = self._debug = self._triggers = None
        gc.collect()

    def _active_chain(self) -> ProcessingChain:
        if self._chain is None:
            raise UsageError(f'the node is {self.state_label}; activate it first')
        return self._chain

    def _reset(self) -> str:
        self._active_chain().reception.reset('asked for by ~/reset')
        return 'all images that waited are forgotten'

    def _reload_calibration(self) -> str:
        calibration = self._active_chain().reception.calibration
        calibration.reload()
        return f'calibration is taken anew from {calibration.source}'

    def _save_snapshot(self) -> str:
        last = self._active_chain().last
        if last is None:
            raise UsageError('nothing was computed yet; subscribe to an output and send images')
        path = Path(self._live.config.snapshot_folder,
                    f'snapshot_{last.frame.stamp_ns}.npz').absolute()
        save_snapshot(path, last.frame, *last.prediction)
        return str(path)

    def _examine(self) -> Iterator[Health]:
        """Return the health of the node, and of what runs while it is active."""
        findings = []
        if self.last_failure:
            findings.append(Finding(Level.ERROR, self.last_failure))
        clock = self.get_clock()
        if clock.ros_time_is_active and clock.now().nanoseconds == 0:
            findings.append(Finding(Level.ERROR, 'use_sim_time is set, but nothing comes on '
                                                 '/clock; play the bag with --clock'))
        yield Health('lifecycle', tuple(findings), {'interpreter': sys.executable},
                     self.state_label)
        if self._chain is not None:
            yield from self._chain.examine()


class Interrupted(KeyboardInterrupt):
    """
    SIGINT came.

    A class of its own: where KeyboardInterrupt itself passes through code that exec runs, as when
    an import makes a dataclass, Python ends with the status of the signal even if it is caught.
    """


class Interrupt:
    """Remembers SIGINT, which can surface as another error from within a message conversion."""

    def __init__(self) -> None:
        self.has_come = False
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        self.has_come = True
        raise Interrupted


def main(args: list[str] | None = None) -> int:
    """
    Run the node until it is interrupted.

    :param args: Command line with ROS arguments; that of the process if None.
    :return: Exit status.
    """
    has_ended = True
    node = None
    interrupt = Interrupt()
    try:
        rclpy.init(args=args)
        node = OccupancyNode()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (Interrupted, ExternalShutdownException):
        pass
    except RuntimeError:  # also what rclpy raises where a signal ended its context meanwhile
        if rclpy.ok() and not interrupt.has_come:
            raise
    finally:
        if node is not None:
            has_ended = node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    if not has_ended:  # a thread inside the network cannot be interrupted, and nobody waits for it
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


if __name__ == '__main__':
    sys.exit(main())
