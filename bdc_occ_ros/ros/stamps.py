# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stamps as nanoseconds, and headers."""

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

NANOSECONDS = 1_000_000_000


def to_nanoseconds(stamp: Time) -> int:
    """Return a stamp as nanoseconds from its epoch."""
    return stamp.sec * NANOSECONDS + stamp.nanosec


def to_stamp(stamp_ns: int) -> Time:
    """
    Return nanoseconds as a stamp.

    :param stamp_ns: Nanoseconds from the epoch, before the year 2038.
    """
    sec, nanosec = divmod(stamp_ns, NANOSECONDS)
    return Time(sec=sec, nanosec=nanosec)


def make_header(stamp_ns: int, frame_id: str) -> Header:
    """
    Return a header.

    :param stamp_ns: Nanoseconds from the epoch.
    :param frame_id: Name of the frame.
    """
    return Header(stamp=to_stamp(stamp_ns), frame_id=frame_id)
