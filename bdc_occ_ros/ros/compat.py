# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bridge every difference between the ROS distributions that the package has to know.

Tried here: Jazzy. What is said of Humble was read in its sources and not executed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import SubscriptionEventCallbacks as SubscriptionEventCallbacks
except ModuleNotFoundError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks as SubscriptionEventCallbacks
HAS_MESSAGE_INFO = hasattr(Subscription, 'CallbackType')  # Humble: one-argument callbacks only
SEQUENCE_NUMBER = 'publication_sequence_number'
NO_INFO = {SEQUENCE_NUMBER: None}

# Newer distributions still obey Humble's variable, but complain, so it is one or the other.
DISCOVERY_ON_THIS_MACHINE = (
    {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'} if HAS_MESSAGE_INFO
    else {'ROS_LOCALHOST_ONLY': '1'})


def message_callback(callback: Callable[[Any, Mapping[str, int | None]], None]
                     ) -> Callable[..., None]:
    """
    Return what create_subscription takes for a callback that wants to know what was lost.

    :param callback: Called with the message and its info; the number that its publisher gave it
        is None on Humble, or where the middleware does not count.
    """
    return callback if HAS_MESSAGE_INFO else lambda message: callback(message, NO_INFO)


def given_parameters(node: Node) -> dict[str, Any]:
    """
    Return what files, command line and launch gave to a node, declared or not.

    Both distributions keep it under this name and offer no public access, without which a
    mistyped parameter would be ignored in silence.
    """
    return {name: given.value for name, given in node._parameter_overrides.items()}
