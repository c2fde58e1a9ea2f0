# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A thread that works on the newest set, one at a time, while the executor only receives."""

from collections.abc import Callable
import threading
import traceback

from rclpy.node import Node

from bdc_occ_ros.ros.mailbox import Mailbox
from bdc_occ_ros.sync.image_set import ImageSet


class InferenceWorker:
    """
    Runs from construction until stop.

    :param node: Node that logs, and whose executor is stopped by an unforeseen error.
    :param work: What to do with a set.
    """

    def __init__(self, node: Node, work: Callable[[ImageSet], None]) -> None:
        self.mailbox: Mailbox[ImageSet] = Mailbox()
        self._node = node
        self._work = work
        self._crash: Exception | None = None
        self._crashed = node.create_guard_condition(self._raise_crash)
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """
        Let the set in work finish and end the thread.

        :param timeout_s: Longest wait; None waits as long as it takes.
        :return: Whether the thread has ended.
        """
        self.mailbox.close()
        self._thread.join(timeout_s)
        self._node.destroy_guard_condition(self._crashed)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self.mailbox.is_closed:
                image_set = self.mailbox.get()
                if image_set is not None:
                    self._work(image_set)
        except Exception as error:  # noqa: BLE001 - handed to the thread that can end the process
            if not self._node.context.ok():
                return  # ROS was shut down in the middle of a set
            self._node.get_logger().fatal(f'inference: {traceback.format_exc()}')
            self._crash = error
            self._crashed.trigger()

    def _raise_crash(self) -> None:
        """Raise in the executor's thread, which ends the process visibly."""
        raise RuntimeError('the inference thread has died; see above') from self._crash
