# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How much the compressed storage files of a bag unpack to, before they fill a disk."""

from pathlib import Path

from backports import zstd

from bdc_occ_ros.errors import InvalidBagError

MAX_UNPACKED_BYTES = 64 * 2**30
PIECE_BYTES = 2**20


def check_compressed_files(folder: Path) -> None:
    """
    Refuse a bag whose compressed storage files unpack to more than 64 GiB, or are damaged.

    :param folder: Folder of the bag.
    :raises InvalidBagError: if so.
    """
    total = 0
    for path in sorted(folder.glob('*.zst*')):
        try:
            with zstd.open(path, 'rb') as file:
                while piece := file.read(PIECE_BYTES):
                    total += len(piece)
                    if total > MAX_UNPACKED_BYTES:
                        raise InvalidBagError(f'{folder} unpacks to more than '
                                              f'{MAX_UNPACKED_BYTES} bytes, which are the limit')
        except (OSError, EOFError, zstd.ZstdError) as error:
            raise InvalidBagError(f'{path} is not a readable compressed file: {error}') from error
