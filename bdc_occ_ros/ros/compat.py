# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Every difference between the ROS distributions that the package has to know.

Tried here: Jazzy. What is said of Humble was read in its sources and not executed.
"""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

DISCOVERY_ON_THIS_MACHINE = {
    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',  # Iron and newer
    'ROS_LOCALHOST_ONLY': '1',  # Humble; ignored where the other is set
}

HAS_MESSAGE_INFO = hasattr(Subscription, 'CallbackType')  # Humble: one-argument callbacks only


def image_callback(callback: Callable[[Any, Mapping[str, Any] | None], None]
                   ) -> Callable[..., None]:
    """
    Return what create_subscription takes for a callback that wants the message's circumstances.

    :param callback: Called with the message and its MessageInfo, which is None on Humble.
    """
    return callback if HAS_MESSAGE_INFO else lambda message: callback(message, None)


def publication_sequence_number(info: Mapping[str, Any] | None) -> int | None:
    """
    Return how many messages the publisher had sent, to tell what was lost.

    :param info: The MessageInfo of a callback.
    :return: The number, or None where the distribution or the middleware does not say.
    """
    return None if info is None else info.get('publication_sequence_number')


def given_parameters(node: Node) -> dict[str, Any]:
    """
    Return what files, command line and launch gave to a node, declared or not.

    Both distributions keep it under this name and offer no public access, without which a
    mistyped parameter would be ignored in silence.

    :param node: The node.
    """
    return {name: given.value for name, given in node._parameter_overrides.items()}
