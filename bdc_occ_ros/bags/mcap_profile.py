# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an MCAP file says it is for; many hold no ROS messages at all."""

from pathlib import Path
import struct

MAGIC = b'\x89MCAP0\r\n'
HEADER_OPCODE = 1
ROS_PROFILE = 'ros2'
MAX_TEXT_BYTES = 1024


def mcap_profile(path: Path) -> str | None:
    """
    Return the profile in the header of an MCAP file.

    :return: For example ros2, or an empty string; None if the file is no MCAP file or damaged.
    """
    try:
        with path.open('rb') as file:
            start = file.read(len(MAGIC) + 13 + MAX_TEXT_BYTES)
    except OSError:
        return None
    if not start.startswith(MAGIC) or len(start) < len(MAGIC) + 13:
        return None
    opcode, _, length = struct.unpack_from('<BQI', start, len(MAGIC))
    text = start[len(MAGIC) + 13:][:length]
    if opcode != HEADER_OPCODE or len(text) != length:
        return None
    return text.decode(errors='replace')
