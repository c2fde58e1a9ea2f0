# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Image and CompressedImage to RGB arrays.

cv_bridge is not used: the one on PyPI ignores `step` and knows no yuv. It is the oracle of the
tests for what it does know.
"""

from dataclasses import dataclass
import math

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.ros.encoded_size import encoded_size_px, is_jpeg

MAX_PIXELS = 100_000_000
ImageMessage = Image | CompressedImage

_READ_FLAGS = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2,
               4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


@dataclass(frozen=True)
class _Encoding:
    """How a raw encoding is read: bytes per pixel, OpenCV's conversion to RGB, what to say."""

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


def encoding_remark(message: ImageMessage) -> str:
    """
    Return what a user should hear once about the encoding of a camera, or an empty string.

    :param message: Any image of the camera.
    """
    known = None if isinstance(message, CompressedImage) else _ENCODINGS.get(message.encoding)
    return f'encoding {message.encoding} {known.remark}' if known and known.remark else ''


def image_size_px(message: ImageMessage, camera_name: str) -> tuple[int, int]:
    """
    Return width and height of an image without decoding it, after checking that it is whole.

    :param camera_name: For the message of the error.
    :raises InvalidImageError: if it is truncated, of an unknown encoding or of an impossible
        size.
    """
    if isinstance(message, CompressedImage):
        try:
            width_px, height_px = encoded_size_px(_bytes(message))
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

    :param camera_name: For the message of the error.
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
    scale = reduction if is_jpeg(data) else 1
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
