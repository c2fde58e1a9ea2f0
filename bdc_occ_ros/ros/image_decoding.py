# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Decode images to RGB arrays, no larger than needed, and fit the calibration to their size.

The size of a JPEG or PNG is read before anything is allocated for its pixels. Some decoders
return a truncated image with a grey rest and no error, so the end marker is looked for; bytes
lost in the middle of a file that still has its end stay unnoticed. cv_bridge is not used: the
one on PyPI ignores `step` and knows no yuv.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
import math
from typing import NamedTuple

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.geometry.camera_rig import Camera

MAX_PIXELS = 100_000_000
JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xae\x42\x60\x82'
# ITU-T T.81, table B.1: frame headers are C0 to CF without DHT, JPG and DAC
_JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = 0xDA
ImageMessage = Image | CompressedImage

_READ_FLAGS = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2,
               4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


@dataclass(frozen=True)
class _Encoding:
    """Describe how a raw encoding is read: bytes per pixel, OpenCV's conversion to RGB, remark."""

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
}


class DecodedImage(NamedTuple):
    """
    Hold pixels and the calibration that belongs to them.

    :param pixels: RGB, (H, W, 3) uint8.
    :param remark: What had to be assumed about the image, or empty.
    """

    pixels: np.ndarray
    camera: Camera
    remark: str = ''


def decode_for_camera(message: ImageMessage, camera: Camera,
                      decode_reduction: Callable[[Camera], int]) -> DecodedImage:
    """
    Decode an image no finer than needed; may be called from several threads.

    :param decode_reduction: Says by how much a JPEG may be reduced: 1, 2, 4 or 8.
    :return: The pixels with the camera of their size.
    :raises InvalidImageError: if the image is damaged, of an unknown encoding or of a size that
        the calibration does not fit.
    """
    full = _camera_of_size(camera, *image_size_px(message, camera.name))
    size_remark = '' if full is camera else (
        f'images are {full.width_px}x{full.height_px}, the calibration belongs to '
        f'{camera.width_px}x{camera.height_px}; its intrinsics are scaled')
    remark = '; '.join(filter(None, (encoding_remark(message), size_remark)))
    reduction = decode_reduction(full)
    pixels = decode_image(message, camera.name, reduction)
    height_px, width_px = pixels.shape[:2]
    if (width_px, height_px) == (full.width_px, full.height_px):
        return DecodedImage(pixels, full, remark)
    # a size that is no multiple is rounded up by the decoder, the scale stays exact
    shrink = np.diag((1.0 / reduction, 1.0 / reduction, 1.0))
    reduced = replace(full, width_px=width_px, height_px=height_px,
                      intrinsics=shrink @ full.intrinsics)
    return DecodedImage(pixels, reduced, remark)


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


def encoding_remark(message: ImageMessage) -> str:
    """Return what a user should hear once about the encoding of a camera, or nothing."""
    known = None if isinstance(message, CompressedImage) else _ENCODINGS.get(message.encoding)
    return f'encoding {message.encoding} {known.remark}' if known and known.remark else ''


def image_size_px(message: ImageMessage, camera_name: str) -> tuple[int, int]:
    """
    Return width and height of an image without decoding it, after checking that it is whole.

    :raises InvalidImageError: if it is truncated, of an unknown encoding or of an impossible
        size.
    """
    if isinstance(message, CompressedImage):
        try:
            width_px, height_px = _encoded_size_px(_bytes(message))
        except InvalidImageError as error:
            raise InvalidImageError(
                f'{camera_name}: {error} (format {message.format!r}). Send whole JPEG or PNG '
                'files; look for loss on the transport') from error
    else:
        width_px, height_px = message.width, message.height
        _check_layout(message, camera_name)
    if not 0 < width_px * height_px <= MAX_PIXELS:
        raise InvalidImageError(
            f'{camera_name}: an image has 1 to {MAX_PIXELS} pixels; this one claims '
            f'{width_px}x{height_px}')
    return width_px, height_px


def decode_image(message: ImageMessage, camera_name: str, reduction: int = 1) -> np.ndarray:
    """
    Return the pixels of an image.

    A JPEG can be decoded to a fraction of its size, which is several times faster. Other images
    keep their size whatever the reduction.

    :param reduction: 1, 2, 4 or 8; sizes are rounded up.
    :return: RGB, (H, W, 3) uint8; for tight rgb8 a view of the message's own data.
    :raises InvalidImageError: if it is truncated, of an unknown encoding or of the wrong size.
    """
    width_px, height_px = image_size_px(message, camera_name)
    if isinstance(message, CompressedImage):
        return _decompress(message, camera_name, width_px, height_px, reduction)
    encoding = _ENCODINGS[message.encoding]
    shape, strides = (height_px, width_px), (message.step, encoding.pixel_bytes)
    if encoding.pixel_bytes > 1:
        shape, strides = (*shape, encoding.pixel_bytes), (*strides, 1)
    pixels = np.ndarray(shape, np.uint8, memoryview(message.data), strides=strides)
    if encoding.conversion is None:
        return np.ascontiguousarray(pixels)
    return cv2.cvtColor(pixels, encoding.conversion)


def _bytes(message: CompressedImage) -> bytes:
    return memoryview(message.data).tobytes()


def _check_layout(message: Image, camera_name: str) -> None:
    """Check that encoding, width, step, height and the amount of data fit together."""
    encoding = _ENCODINGS.get(message.encoding)
    if encoding is None:
        raise InvalidImageError(
            f'{camera_name}: encoding {message.encoding!r} is unknown; publish one of '
            f'{", ".join(_ENCODINGS)}, or a CompressedImage')
    row_bytes = message.width * encoding.pixel_bytes
    if message.step < row_bytes or len(message.data) != message.step * message.height:
        raise InvalidImageError(
            f'{camera_name}: {message.width}x{message.height} {message.encoding} needs a step of '
            f'at least {row_bytes} bytes and step x height bytes of data; got step '
            f'{message.step} and {len(message.data)} bytes. Is the driver set to another size?')
    if encoding.pixel_bytes == 2 and message.width % 2:
        raise InvalidImageError(
            f'{camera_name}: {message.encoding} stores pixels in pairs, so the width must be '
            f'even; got {message.width}')


def _decompress(message: CompressedImage, camera_name: str, width_px: int, height_px: int,
                reduction: int) -> np.ndarray:
    """Decode a JPEG or PNG that was found whole."""
    if reduction not in _READ_FLAGS:
        raise InvalidImageError(
            f'{camera_name}: reduction must be one of {tuple(_READ_FLAGS)}; got {reduction}')
    data = _bytes(message)
    scale = reduction if data.startswith(JPEG_START) else 1
    # an orientation tag would turn the image but not its calibration
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8),
                          _READ_FLAGS[scale] | cv2.IMREAD_IGNORE_ORIENTATION)
    expected = (math.ceil(height_px / scale), math.ceil(width_px / scale), 3)
    if pixels is None or pixels.shape != expected:
        raise InvalidImageError(
            f'{camera_name}: the {message.format or "compressed"} image of {len(data)} bytes '
            f'could not be decoded to {expected}; got '
            f'{None if pixels is None else pixels.shape}. Is it damaged?')
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def _encoded_size_px(data: bytes) -> tuple[int, int]:
    """Return width and height of a complete JPEG or PNG."""
    if data.startswith(JPEG_START):
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
