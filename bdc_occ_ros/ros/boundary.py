# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keep what comes from outside from ending the node."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import traceback

from rclpy.node import Node

from bdc_occ_ros.errors import BdcOccError


class Boundary:
    """
    Hold whatever the data of a source raise: the one place that catches every exception.

    What strangers send passes through our code, NumPy and OpenCV, and nobody can list what all of
    them raise; it may cost its own camera, transform or set. What is raised outside ends the node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._told: set[tuple[str, str]] = set()

    @contextmanager
    def around(self, source: str, book: Callable[[Exception], None]) -> Iterator[None]:
        """
        Book what the body raises; an unforeseen kind is logged once per source with its traceback.

        :param source: One of a bounded number of names, as that of a camera.
        """
        try:
            yield
        except Exception as error:
            if not self._node.context.ok():
                raise  # ROS was shut down in the middle of it
            kind = source, type(error).__name__
            if not isinstance(error, BdcOccError) and kind not in self._told:
                self._told.add(kind)
                self._node.get_logger().error(f'{source}: {traceback.format_exc()}')
            book(error)


def described(error: Exception) -> str:
    """Return what an error says, with its name where it is none of ours."""
    return str(error) if isinstance(error, BdcOccError) else f'{type(error).__name__}: {error}'
