# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tell when ROS time jumps: a bag that starts over, a seek, or the switch to simulated time."""

from collections.abc import Callable

from rclpy.clock import ClockChange, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node

BACKWARD = Duration(nanoseconds=-1)
FORWARD = Duration(seconds=5.0)


class TimeJumps:
    """
    Watches the node's clock while it lives.

    :param node: Node whose clock is watched.
    :param on_jump: Called with a sentence after time went back at all or forward by more than
        five seconds at once.
    """

    def __init__(self, node: Node, on_jump: Callable[[str], None]) -> None:
        self.count = 0
        self._on_jump = on_jump
        self._handle = node.get_clock().create_jump_callback(
            JumpThreshold(min_forward=FORWARD, min_backward=BACKWARD, on_clock_change=True),
            post_callback=self._jumped)

    def destroy(self) -> None:
        """Stop watching."""
        self._handle.unregister()

    def _jumped(self, jump: TimeJump) -> None:
        self.count += 1
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED):
            self._on_jump('the clock changed between system time and /clock')
        else:
            self._on_jump(f'the clock jumped by {jump.delta.nanoseconds / 1e9:+.3f} s')
