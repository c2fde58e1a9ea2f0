# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Services without arguments, which answer with a sentence."""

from collections.abc import Callable, Mapping
from functools import partial

from rclpy.node import Node
from std_srvs.srv import Trigger

from bdc_occ_ros.errors import BdcOccError


class TriggerServices:
    """
    One std_srvs/Trigger service per action.

    :param actions: What to do by service name; returns what was done, raises why it was not.
    """

    def __init__(self, node: Node, actions: Mapping[str, Callable[[], str]]) -> None:
        self._node = node
        self._services = [node.create_service(Trigger, name, partial(self._answer, action))
                          for name, action in actions.items()]

    def destroy(self) -> None:
        """Take the services away."""
        for service in self._services:
            self._node.destroy_service(service)

    def _answer(self, action: Callable[[], str], _: Trigger.Request,
                response: Trigger.Response) -> Trigger.Response:
        try:
            response.success, response.message = True, action()
        except (BdcOccError, OSError) as error:
            response.success, response.message = False, str(error)
        return response
