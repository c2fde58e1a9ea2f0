# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Spin a node in a thread while the program does something else."""

from collections.abc import Iterator
from contextlib import contextmanager
import threading

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions


@contextmanager
def spun_node(name: str, *arguments: str) -> Iterator[Node]:
    """
    Yield a node of a context of its own that a thread spins until the block ends.

    It logs to no topic and has no parameter services, so that it can share a name with another.

    :param arguments: ROS arguments of the node alone.
    """
    context = rclpy.Context()
    rclpy.init(context=context, args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(name, context=context, cli_args=list(arguments),
                             enable_rosout=False, start_parameter_services=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            return

    thread = threading.Thread(target=spin, name=f'{name} executor', daemon=True)
    thread.start()
    try:
        yield node
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()
        rclpy.try_shutdown(context=context)
