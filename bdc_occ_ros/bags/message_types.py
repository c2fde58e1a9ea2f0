# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define the message types that bags of this project hold, without ROS."""

from functools import cache

from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from bdc_occ_ros.share import share_path


@cache
def message_types() -> Typestore:
    """Return the types of Jazzy and those of vision_msgs, which the library lacks."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in sorted(share_path('resource', 'interfaces', 'vision_msgs', 'msg').iterdir()):
        store.register(get_types_from_msg(path.read_text(), f'vision_msgs/msg/{path.stem}'))
    return store
