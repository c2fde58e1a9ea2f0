# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Provide a lifecycle node that says why something failed and survives impossible requests."""

from collections.abc import Awaitable, Callable
import functools
import logging
import traceback
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.executors import await_or_execute
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.subscription import Subscription
from std_srvs.srv import Trigger

from bdc_occ_ros.errors import BdcOccError

Transition = Callable[[Any, LifecycleState], TransitionCallbackReturn]


def log_failures(transition: Transition) -> Transition:
    """
    Log why a lifecycle callback failed; rclpy swallows the exception without a word.

    An error that names its cure is logged as one line and fails the transition; anything else is
    logged with its traceback and sends the node to error processing.

    :param transition: An on_* method of a lifecycle node.
    """
    @functools.wraps(transition)
    def logging_transition(node: LifecycleNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except BdcOccError as error:
            node.get_logger().error(f'{transition.__name__} failed: {error}')
            node.last_failure = str(error)
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            node.get_logger().error(f'{transition.__name__}: {traceback.format_exc()}')
            node.last_failure = repr(error)
            raise
    return logging_transition


class LogForwarding(logging.Handler):
    """Forward log records of the modules without ROS to the node's logger."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record at its level."""
        message = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(message)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(message)
        else:
            self._logger.info(message)


class ReportingLifecycleNode(LifecycleNode):
    """
    Provide a lifecycle node that answers every request and can start itself.

    :param options: What rclpy's Node takes.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.last_failure = ''
        self._answer_change_state = self._service_change_state.callback
        self._service_change_state.callback = self._change_state_or_refuse
        self._log_forwarding = LogForwarding(self)
        package = logging.getLogger('bdc_occ_ros')
        self._package_level = package.level
        package.addHandler(self._log_forwarding)
        package.setLevel(logging.INFO)

    def destroy_node(self) -> None:
        """Stop forwarding logs before the node goes."""
        package = logging.getLogger('bdc_occ_ros')
        package.removeHandler(self._log_forwarding)
        package.setLevel(self._package_level)
        super().destroy_node()

    def create_subscription(self, msg_type: type, topic: str, callback: Callable[[Any], None],
                            *arguments: Any, **options: Any) -> Subscription:
        """
        Subscribe; on /clock, to which rclpy itself subscribes, negative times are refused.

        rclpy's callback raises of them what would end the node.
        """
        def take_clock(message: Any) -> None:
            if message.clock.sec >= 0:
                callback(message)
            else:
                self.get_logger().warning(f'{topic}: a negative time is refused',
                                          throttle_duration_sec=5.0)
        return super().create_subscription(
            msg_type, topic, take_clock if topic == '/clock' else callback, *arguments, **options)

    @property
    def state_label(self) -> str:
        """Return the name of the current lifecycle state."""
        return self._state_machine.current_state[1]

    def start_by_itself(self) -> None:
        """Configure and activate as soon as the executor spins, as a launch file would ask."""
        def start() -> None:
            timer.cancel()
            self.destroy_timer(timer)
            if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
                self.trigger_activate()
        timer = self.create_timer(0.0, start, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def create_trigger(self, name: str, action: Callable[[], str | Awaitable[str]]) -> None:
        """
        Create a std_srvs/Trigger service that answers with a sentence.

        :param action: Returns what was done, raises why it was not; may be a coroutine.
        """
        async def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                response.success, response.message = True, await await_or_execute(action)
            except (BdcOccError, OSError) as error:
                response.success, response.message = False, str(error)
            return response
        # a group of its own: others are not called while a coroutine of their group waits
        self.create_service(Trigger, name, answer,
                            callback_group=MutuallyExclusiveCallbackGroup())

    def _change_state_or_refuse(self, request: ChangeState.Request,
                                response: ChangeState.Response) -> ChangeState.Response:
        """Refuse a transition that the current state does not have, instead of raising."""
        try:
            return self._answer_change_state(request, response)
        except rclpy_implementation.RCLError as error:
            wish = request.transition.label or request.transition.id
            self.get_logger().warning(
                f'transition {wish} refused in state {self.state_label}: {error}')
            response.success = False
            return response
