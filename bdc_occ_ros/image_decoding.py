# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Decode images to RGB arrays, no larger than needed, and fit the calibration to their size.

Messages, bags and files follow one rule. Pixels are taken as stored, whatever EXIF says, since the
calibration belongs to those; alpha is left out, mosaics are interpolated, and 16 bits are refused,
because nobody says how many of them are used. The header of a JPEG or PNG is read before anything
is allocated. Some decoders return a truncated image with a grey rest and no error, so the end
marker is looked for; bytes lost in the middle of a file that still has its end stay unnoticed.
cv_bridge is not used: the one on PyPI ignores `step` and knows no yuv.

image_transport writes `ENCODING; jpeg compressed STORED` as the format of a CompressedImage. Where
STORED is no bgr, its decoder exchanges red and blue against every other; which of them is right
depends on who wrote the image.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
import math
from typing import Any, NamedTuple

import cv2
import numpy as np

from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.camera_rig import Camera, check_size

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xae\x42\x60\x82'
# ITU-T T.81, table B.1: frame headers are C0 to CF without DHT, JPG and DAC
_JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = frozenset((*range(0xC0), *range(0xD0, 0xDA)))
_JPEG_SCAN = 0xDA
MAX_JPEG_SEGMENTS = 4096  # fill bytes count as well; cameras write some ten
_PNG_COLOR = 2  # the bit of the colour type

_READ_FLAGS = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2,
               4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


class EncodedImage(NamedTuple):
    """Hold a JPEG or PNG file as a CompressedImage does."""

    data: bytes
    format: str = ''


@dataclass(frozen=True)
class _Encoding:
    """Describe how stored pixels are read: bytes each, OpenCV's conversion to RGB, remark."""

    pixel_bytes: int
    conversion: int | None
    remark: str = ''


_GREY = 'has no colour; grey is used for red, green and blue'
_ENCODINGS = {
    'rgb8': _Encoding(3, None),
    'bgr8': _Encoding(3, cv2.COLOR_BGR2RGB),
    'rgba8': _Encoding(4, cv2.COLOR_RGBA2RGB),
    'bgra8': _Encoding(4, cv2.COLOR_BGRA2RGB),
    'mono8': _Encoding(1, cv2.COLOR_GRAY2RGB, _GREY),
    '8UC1': _Encoding(1, cv2.COLOR_GRAY2RGB, _GREY),
    '8UC3': _Encoding(3, cv2.COLOR_BGR2RGB, 'does not name its colours; taken as bgr8'),
    '8UC4': _Encoding(4, cv2.COLOR_BGRA2RGB, 'does not name its colours; taken as bgra8'),
    'yuv422': _Encoding(2, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': _Encoding(2, cv2.COLOR_YUV2RGB_UYVY),
    'yuv422_yuy2': _Encoding(2, cv2.COLOR_YUV2RGB_YUYV),
    'yuyv': _Encoding(2, cv2.COLOR_YUV2RGB_YUYV),
    # OpenCV names a mosaic by the second and third pixel of its second row
    'bayer_rggb8': _Encoding(1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': _Encoding(1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': _Encoding(1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': _Encoding(1, cv2.COLOR_BayerGB2RGB),
}
_COLOR_ENCODINGS = frozenset(f'{order}{bits}' for order in ('rgb', 'bgr', 'rgba', 'bgra')
                             for bits in (8, 16))


class ImageHeader(NamedTuple):
    """Hold what is known of an image before it is decoded, and what has to be assumed."""

    width_px: int
    height_px: int
    encoding: _Encoding
    remark: str


class DecodedImage(NamedTuple):
    """
    Hold pixels and the calibration that belongs to them.

    :param pixels: RGB, (H, W, 3) uint8.
    :param remark: What had to be assumed about the image, or empty.
    """

    pixels: np.ndarray
    camera: Camera
    remark: str = ''


def decode_for_camera(message: Any, camera: Camera, decode_reduction: Callable[[Camera], int],
                      colors: str = 'file') -> DecodedImage:
    """
    Decode an image no finer than needed; may be called from several threads.

    :param message: Image, CompressedImage or EncodedImage, as for all functions here.
    :param decode_reduction: Says by how much a JPEG may be reduced: 1, 2, 4 or 8.
    :param colors: As for read_header.
    :raises InvalidImageError: if the image is damaged, of an unknown encoding or of a size that
        the calibration does not fit.
    """
    header = read_header(message, camera.name, colors)
    full = _camera_of_size(camera, header.width_px, header.height_px)
    size_remark = '' if full is camera else (
        f'images are {full.width_px}x{full.height_px}, the calibration belongs to '
        f'{camera.width_px}x{camera.height_px}; its intrinsics are scaled')
    remark = '; '.join(filter(None, (header.remark, size_remark)))
    reduction = decode_reduction(full)
    pixels = _pixels(message, header, camera.name, reduction)
    height_px, width_px = pixels.shape[:2]
    if (width_px, height_px) == (full.width_px, full.height_px):
        return DecodedImage(pixels, full, remark)
    # a size that is no multiple is rounded up by the decoder, the scale stays exact
    shrink = np.diag((1.0 / reduction, 1.0 / reduction, 1.0))
    reduced = replace(full, width_px=width_px, height_px=height_px,
                      intrinsics=shrink @ full.intrinsics)
    return DecodedImage(pixels, reduced, remark)


def decode_image(message: Any, where: str, reduction: int = 1) -> np.ndarray:
    """
    Return the pixels of an image.

    A JPEG can be decoded to a fraction of its size, which is several times faster. Other images
    keep their size whatever the reduction.

    :param where: Camera or file, for messages.
    :param reduction: 1, 2, 4 or 8; sizes are rounded up.
    :return: RGB, (H, W, 3) uint8; for tight rgb8 a view of the message's own data.
    :raises InvalidImageError: if it is truncated, of an unknown encoding or of the wrong size.
    """
    return _pixels(message, read_header(message, where), where, reduction)


def read_header(message: Any, where: str, colors: str = 'file') -> ImageHeader:
    """
    Return what an image is without decoding it, after checking that it is whole.

    :param colors: Whose red and blue are taken where the format leaves it open: those of the
        'file', or exchanged as 'image_transport' does.
    :raises InvalidImageError: if it is truncated, of an unknown encoding or of an impossible
        size.
    """
    if hasattr(message, 'format'):
        header = _file_header(message, where, colors)
    else:
        encoding = _layout(message, where)
        header = ImageHeader(message.width, message.height, encoding, encoding.remark and
                             f'encoding {message.encoding} {encoding.remark}')
    check_size(header.width_px, header.height_px, where, InvalidImageError)
    return header


def _camera_of_size(camera: Camera, width_px: int, height_px: int) -> Camera:
    """Return the camera, perhaps calibrated at another resolution, for images of this size."""
    if (width_px, height_px) == (camera.width_px, camera.height_px):
        return camera
    if abs(width_px - height_px * camera.width_px / camera.height_px) > 1.0:
        raise InvalidImageError(
            f'{camera.name}: the image is {width_px}x{height_px}, but the calibration belongs to '
            f'{camera.width_px}x{camera.height_px}, which is another shape. Publish the '
            'camera_info of these images, with region of interest and binning')
    return camera.resized(width_px, height_px)


def _layout(message: Any, where: str) -> _Encoding:
    """Return the encoding of a raw image whose width, step, height and data fit together."""
    encoding = _ENCODINGS.get(message.encoding)
    if encoding is None:
        raise InvalidImageError(
            f'{where}: encoding {quoted(message.encoding)} is unknown; publish one of '
            f'{", ".join(_ENCODINGS)}, or a CompressedImage')
    row_bytes = message.width * encoding.pixel_bytes
    if message.step < row_bytes or len(message.data) != message.step * message.height:
        raise InvalidImageError(
            f'{where}: {message.width}x{message.height} {message.encoding} needs a step of '
            f'at least {row_bytes} bytes and step x height bytes of data; got step '
            f'{message.step} and {len(message.data)} bytes. Is the driver set to another size?')
    if encoding.pixel_bytes == 2 and message.width % 2:
        raise InvalidImageError(
            f'{where}: {message.encoding} stores pixels in pairs, so the width must be '
            f'even; got {message.width}')
    return encoding


def _file_header(message: Any, where: str, colors: str) -> ImageHeader:
    """Return what a JPEG or PNG holds, by its own header and by `format`."""
    data = memoryview(message.data).tobytes()
    is_jpeg = data.startswith(JPEG_START)
    try:
        width_px, height_px, bits, is_colored = (_jpeg_header if is_jpeg else _png_header)(data)
    except InvalidImageError as error:
        raise InvalidImageError(
            f'{where}: {error} (format {quoted(message.format)}). Send whole JPEG or PNG files, '
            f'or an Image in one of {", ".join(_ENCODINGS)}') from error
    name, _, stored = message.format.partition(';')
    name = name.strip()
    encoding = _ENCODINGS['bgr8']
    remark = '' if is_colored else f'the file {_GREY}'
    if name.startswith('bayer_'):
        encoding, remark = _ENCODINGS.get(name), ''
        if encoding is None or is_jpeg or is_colored:
            raise InvalidImageError(
                f'{where}: format {quoted(message.format)} is no mosaic in a grey PNG of 8 bits, '
                'the only one that keeps its colours; publish a colour image')
    elif is_colored and stored and name in _COLOR_ENCODINGS and 'compressed bgr' not in stored:
        encoding = _ENCODINGS['bgr8' if colors == 'file' else 'rgb8']
        remark = (f'format names {name} but no compressed bgr: red and blue are taken as by '
                  f'{colors}; compressed_colors chooses')
    if bits != 8:
        raise InvalidImageError(f'{where}: {bits} bits per channel do not say how many of them '
                                'are used; publish 8')
    return ImageHeader(width_px, height_px, encoding, remark)


def _pixels(message: Any, header: ImageHeader, where: str, reduction: int) -> np.ndarray:
    """Return the RGB pixels of an image that was found whole."""
    size, conversion = header.encoding.pixel_bytes, header.encoding.conversion
    if hasattr(message, 'format'):
        stored = _decompress(message, header, where, reduction)
    else:
        stored = np.ndarray((header.height_px, header.width_px, size), np.uint8,
                            memoryview(message.data), strides=(message.step, size, 1))
    return (np.ascontiguousarray(stored) if conversion is None
            else cv2.cvtColor(stored, conversion))


def _decompress(message: Any, header: ImageHeader, where: str, reduction: int) -> np.ndarray:
    """Decode a JPEG or PNG as OpenCV stores it: blue, green, red, or a mosaic."""
    if reduction not in _READ_FLAGS:
        raise InvalidImageError(
            f'{where}: reduction must be one of {tuple(_READ_FLAGS)}; got {reduction}')
    scale = reduction if bytes(message.data[:2]) == JPEG_START else 1
    flag = cv2.IMREAD_GRAYSCALE if header.encoding.pixel_bytes == 1 else _READ_FLAGS[scale]
    try:
        stored = cv2.imdecode(np.frombuffer(message.data, np.uint8),
                              flag | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise InvalidImageError(f'{where}: {quoted(str(error))}. Is the image damaged?') from error
    expected = (math.ceil(header.height_px / scale), math.ceil(header.width_px / scale))
    if stored is None or stored.shape[:2] != expected:
        raise InvalidImageError(
            f'{where}: the {quoted(message.format or "compressed")} image of '
            f'{len(message.data)} bytes could not be decoded to {expected}; got '
            f'{None if stored is None else stored.shape}. Is it damaged?')
    return stored


def _jpeg_header(data: bytes) -> tuple[int, int, int, bool]:
    """Walk over the segments to the first scan, then look for the end behind it."""
    frame, place = b'', len(JPEG_START)
    for _ in range(MAX_JPEG_SEGMENTS):
        head = data[place:place + 4]
        marker, length = head[1:2], int.from_bytes(head[2:], 'big')
        if marker == b'\xff' and head[0] == 0xFF:  # a fill byte
            place += 1
            continue
        if len(head) < 4 or head[0] != 0xFF or marker[0] in _JPEG_WITHOUT_LENGTH or length < 2:
            raise InvalidImageError(f'JPEG damaged or truncated in its header, at byte {place}')
        if marker[0] in _JPEG_FRAME_HEADERS:
            frame = data[place + 4:place + min(2 + length, 10)]
        place += 2 + length
        if marker[0] == _JPEG_SCAN:
            break
    else:
        raise InvalidImageError(f'JPEG with more than {MAX_JPEG_SEGMENTS} segments in its header')
    if len(frame) < 6:
        raise InvalidImageError('JPEG without a frame header')
    if data.rfind(JPEG_END) < place:
        raise InvalidImageError(f'JPEG truncated: {len(data)} bytes came and no end marker')
    return (int.from_bytes(frame[3:5], 'big'), int.from_bytes(frame[1:3], 'big'), frame[0],
            frame[5] > 1)


def _png_header(data: bytes) -> tuple[int, int, int, bool]:
    """Read the first chunk and look for the last."""
    if not data.startswith(PNG_START):
        raise InvalidImageError(
            f'neither JPEG nor PNG: the data begin with {data[:8].hex(" ")!r}')
    header = data[12:26]
    if len(header) < 14 or header[:4] != b'IHDR':
        raise InvalidImageError('PNG damaged: the first chunk is no IHDR')
    if data.rfind(PNG_END) < 0:
        raise InvalidImageError(f'PNG truncated: {len(data)} bytes came and no end chunk')
    return (int.from_bytes(header[4:8], 'big'), int.from_bytes(header[8:12], 'big'),
            max(header[12], 8), bool(header[13] & _PNG_COLOR))
