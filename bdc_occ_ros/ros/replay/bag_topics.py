# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Convert message types and quality of service of recorded topics to those of rclpy."""

import importlib
import importlib.util
from pathlib import Path
import re

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosReliability

from bdc_occ_ros.errors import InvalidBagError, MissingDependencyError

MESSAGE_TYPE = re.compile(r'(?P<package>[a-z][a-z0-9_]*)/msg/(?P<name>[A-Z][A-Za-z0-9]*)')
MAX_DEPTH = 10_000
DEFAULT_DEPTH = 10
STATIC_TRANSFORMS = 'tf_static'


def message_class(msgtype: str) -> type:
    """
    Return the Python class of a message type.

    The name comes from a file, so nothing is imported but the messages of an interface package.

    :param msgtype: Type as package/msg/Name.
    :raises InvalidBagError: if that is no message type.
    :raises MissingDependencyError: if no installed package defines it.
    """
    found = MESSAGE_TYPE.fullmatch(msgtype)
    if found is None:
        raise InvalidBagError(f'{msgtype!r} is no message type; package/msg/Name is needed')
    spec = importlib.util.find_spec(found['package'])
    folders = (spec.submodule_search_locations or ()) if spec else ()
    if any(Path(folder, 'msg', '__init__.py').is_file() for folder in folders):
        module = importlib.import_module(f'{found["package"]}.msg')
        if hasattr(module, found['name']):
            return getattr(module, found['name'])
    raise MissingDependencyError(
        f'{msgtype} is not installed; install {found["package"]}, or choose other topics')


def rclpy_qos(qos: Qos | None, topic: str = '', count: int = 0) -> QoSProfile:
    """
    Return the profile that a recorded publisher offered, as far as the bag says it.

    What it leaves open is reliable, volatile and of depth 10. /tf_static is reliable and transient
    local, with all its messages kept, whatever was recorded: listeners that come later need them.

    :param count: How many messages of the topic there are.
    """
    if topic.rpartition('/')[2] == STATIC_TRANSFORMS:
        return QoSProfile(depth=min(max(count, 1), MAX_DEPTH),
                          durability=DurabilityPolicy.TRANSIENT_LOCAL)
    if qos is None:
        return QoSProfile(depth=DEFAULT_DEPTH)
    keeps_all = qos.history is QosHistory.KEEP_ALL
    is_best_effort = qos.reliability is QosReliability.BEST_EFFORT
    is_latched = qos.durability is QosDurability.TRANSIENT_LOCAL
    return QoSProfile(
        history=HistoryPolicy.KEEP_ALL if keeps_all else HistoryPolicy.KEEP_LAST,
        depth=min(max(qos.depth, 0), MAX_DEPTH) or DEFAULT_DEPTH,
        reliability=(ReliabilityPolicy.BEST_EFFORT if is_best_effort
                     else ReliabilityPolicy.RELIABLE),
        durability=(DurabilityPolicy.TRANSIENT_LOCAL if is_latched
                    else DurabilityPolicy.VOLATILE))
