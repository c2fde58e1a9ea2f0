# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keys of nuScenes tables: the same for the same thing, wherever and whenever it is written."""

import hashlib


def token(*parts: str | int) -> str:
    """
    Return the key of a thing.

    :param parts: Words that name it.
    :return: 32 hexadecimal digits.
    """
    return hashlib.md5('/'.join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
