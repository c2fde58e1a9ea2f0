# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What a JPEG or PNG says of itself, read before anything is allocated for its pixels.

Some decoders return a truncated image with a grey rest and no error; so the end marker is
looked for here. Bytes lost in the middle of a file that still has its end stay unnoticed.
"""

from bdc_occ_ros.errors import InvalidImageError

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xae\x42\x60\x82'
# ITU-T T.81, table B.1: frame headers are C0 to CF without DHT, JPG and DAC
_JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = 0xDA


def is_jpeg(data: bytes) -> bool:
    """Return whether data begin as a JPEG does."""
    return data.startswith(JPEG_START)


def encoded_size_px(data: bytes) -> tuple[int, int]:
    """
    Return width and height of a complete JPEG or PNG.

    :raises InvalidImageError: if it is neither, its header is damaged or its end is missing.
    """
    if is_jpeg(data):
        return _jpeg_size_px(data)
    if data.startswith(PNG_START):
        return _png_size_px(data)
    raise InvalidImageError(f'neither JPEG nor PNG: the data begin with {data[:8].hex(" ")!r}')


def _jpeg_size_px(data: bytes) -> tuple[int, int]:
    """Walk over the segments to the first scan, then look for the end behind it."""
    size_px, place = None, len(JPEG_START)
    while True:
        head = data[place:place + 4]
        if len(head) < 4 or head[0] != 0xFF:
            raise InvalidImageError(f'JPEG damaged or truncated in its header, at byte {place}')
        marker, length = head[1], int.from_bytes(head[2:], 'big')
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in _JPEG_FRAME_HEADERS and length >= 8:
            frame = data[place + 5:place + 9]
            size_px = int.from_bytes(frame[2:], 'big'), int.from_bytes(frame[:2], 'big')
        place += 2 + length
        if marker == _JPEG_SCAN:
            break
    if size_px is None:
        raise InvalidImageError('JPEG without a frame header')
    if data.rfind(JPEG_END) < place:
        raise InvalidImageError(f'JPEG truncated: {len(data)} bytes came and no end marker')
    return size_px


def _png_size_px(data: bytes) -> tuple[int, int]:
    """Read the first chunk and look for the last."""
    header = data[12:24]
    if len(header) < 12 or header[:4] != b'IHDR':
        raise InvalidImageError('PNG damaged: the first chunk is no IHDR')
    if data.rfind(PNG_END) < 0:
        raise InvalidImageError(f'PNG truncated: {len(data)} bytes came and no end chunk')
    return int.from_bytes(header[4:8], 'big'), int.from_bytes(header[8:12], 'big')
