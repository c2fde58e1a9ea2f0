# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pass what the core logs, which knows no ROS, on to the node's logger."""

import logging

from rclpy.node import Node


class LogForwarding(logging.Handler):
    """
    A handler of the package's logger.

    :param node: Node whose logger speaks.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()
        self._source = logging.getLogger('bdc_occ_ros')
        self._source.addHandler(self)
        self._source.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """
        Log one record at its level.

        :param record: What the core said.
        """
        message = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(message)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(message)
        else:
            self._logger.info(message)

    def destroy(self) -> None:
        """Stop forwarding."""
        self._source.removeHandler(self)
