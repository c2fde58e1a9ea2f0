# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The message types that bags of this project hold, without ROS."""

from functools import cache
from pathlib import Path

from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

_INTERFACES = Path(__file__).resolve().parent.parent / 'ros' / 'interfaces'


@cache
def message_types() -> Typestore:
    """Return the types of Jazzy and those of vision_msgs, which the library lacks."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in sorted(_INTERFACES.glob('vision_msgs/msg/*.msg')):
        name = f'vision_msgs/msg/{path.stem}'
        store.register(get_types_from_msg(path.read_text(), name))
    return store
