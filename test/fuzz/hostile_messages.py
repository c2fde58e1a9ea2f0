# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of any type that a middleware delivers, with extreme values in a few fields."""

from functools import cache
import re

import cv2
from damage import damaged
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

FLOATS = (0.0, -0.0, 1.0, -1.0, 5e-324, 1e-40, 1e-9, 1e6, 1e38, 1.7e308, -1.7e308, float('nan'),
          float('inf'), -float('inf'))
FLOATS_32 = tuple(value for value in FLOATS if not 4e38 < abs(value) < float('inf'))
STRINGS = ('', '/', 'x' * 20_000, 'a\nb', '\x1b[2J', 'LEFT', '/LEFT', 'FRONT', 'rgb8', 'mono8',
           'bayer_rggb8', 'yuv422', '16UC1', '32FC1', 'nv12', 'jpeg', 'png', 'h264',
           'bayer_rggb8; png compressed ', 'rgb8; jpeg compressed rgb8', 'plumb_bob',
           'equidistant', 'rational_polynomial', 'thin_prism', '\u2028', 'ä' * 100, '%s%n', '{0}')
SIZES_PX = ((1, 1), (1, 60_000), (60_000, 1), (40_000, 16), (16, 40_000), (127, 63), (129, 65),
            (64, 32), (4096, 2048), (8192, 8192), (65_500, 1), (2, 2), (1280, 640))
MODELS = {'plumb_bob': (4, 5, 8), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,),
          'thin_prism': (12,), '': (0, 5), 'x' * 3000: (5,)}
MAX_ITEMS = 3000
LIST = re.compile(r'(?:sequence<(?P<item>[^,>]+)(?:, \d+)?>|(?P<cell>\w+)\[(?P<size>\d+)\])')


def extreme(rng, kind):
    """Return an extreme value of a primitive type of messages."""
    if kind == 'boolean':
        return rng.random() < 0.5
    if kind == 'double':
        return rng.choice(FLOATS)
    if kind == 'float':
        return rng.choice(FLOATS_32)
    if kind == 'octet':
        return bytes([rng.randrange(256)])
    if kind.startswith('string'):
        return rng.choice(STRINGS)
    bits = int(re.search(r'\d+$', kind)[0])
    low, high = (0, 2 ** bits - 1) if kind.startswith('u') else (-2 ** (bits - 1),
                                                                 2 ** (bits - 1) - 1)
    return min(max(rng.choice((low, high, high // 2, 0, 1, 2, 16, 128, 60_000)), low), high)


def change(rng, message):
    """Change one field of a message, however deep, that a random walk ends at."""
    fields = sorted(message.get_fields_and_field_types().items())
    if not fields:
        return  # std_msgs/Empty
    name, kind = rng.choice(fields)
    value = getattr(message, name)
    if hasattr(value, 'get_fields_and_field_types'):
        change(rng, value)
        return
    found = LIST.fullmatch(kind)
    if found is None:
        setattr(message, name, extreme(rng, kind))
        return
    items = list(value)
    if items and hasattr(items[0], 'get_fields_and_field_types'):
        if rng.random() < 0.8:
            change(rng, rng.choice(items))
        else:
            items = rng.choice(([], items * 2, items[:-1], items * 500))[:MAX_ITEMS]
            setattr(message, name, items)
        return
    item = found['item'] or found['cell']
    if '/' in item:
        return  # an empty list of messages stays so
    if found['size'] and items:
        for _ in range(rng.choice((1, 1, len(items)))):
            items[rng.randrange(len(items))] = extreme(rng, item)
    else:
        items = [extreme(rng, item) for _ in range(rng.choice((0, 1, 4, 5, 8, 12, 14, MAX_ITEMS)))]
    setattr(message, name, items)


@cache
def picture(suffix, width_px, height_px):
    """Return an encoded picture without content."""
    return cv2.imencode(suffix, np.zeros((height_px, width_px, 3), np.uint8))[1].tobytes()


def hostile_picture(rng, data):
    """Return bytes in the place of a JPEG or PNG: damaged, lying about its size, or another."""
    what = rng.random()
    if what < 0.4:
        return damaged(rng, data)
    if what < 0.7:
        return picture(rng.choice(('.jpg', '.png')), *rng.choice(SIZES_PX))
    place = data.find(b'\xff\xc0')
    if place < 0:
        return rng.choice((b'', b'\xff\xd8', b'\x89PNG\r\n\x1a\n', bytes(2000)))
    size = rng.choice((b'\xff\xff\xff\xff', b'\0\0\0\0', b'\x7d\0\x7d\0', b'\0\1\xea\x60'))
    return data[:place + 5] + size + data[place + 9:]


def hostile_message(rng, message):
    """Change a sound message into one that is extreme in some fields, and valid as a message."""
    if isinstance(message, CompressedImage) and rng.random() < 0.6:
        message.data = hostile_picture(rng, bytes(message.data))
    if isinstance(message, Image) and rng.random() < 0.3:
        message.width, message.height = rng.choice(SIZES_PX)
        message.step = rng.choice((0, message.width, 3 * message.width, 2 ** 32 - 1))
        message.encoding = rng.choice(('rgb8', 'mono8', 'bgra8', 'yuv422', message.encoding))
        size = min(message.step * message.height, 3 * 8192 ** 2)
        message.data = bytes(max(0, size + rng.choice((0, 0, 0, -1, 1))))
    for _ in range(rng.choice((1, 1, 2, 10))):
        change(rng, message)
    return message


def odd_camera(rng, info, image):
    """Give an image and its calibration the same unusual size, and the lens odd numbers."""
    width_px, height_px = rng.choice(SIZES_PX)
    factors = (1e-6, 0.1, 1.0, 1.0, 10.0, 1e6, -1.0)
    focal = [side * rng.choice(factors) for side in (width_px, height_px)]
    centre = [side * rng.choice((0.5, 0.5, -3.0, 1e6)) for side in (width_px, height_px)]
    model = rng.choice(sorted(MODELS))
    made = CameraInfo(
        header=info.header, width=width_px, height=height_px, distortion_model=model,
        k=[focal[0], 0.0, centre[0], 0.0, focal[1], centre[1], 0.0, 0.0, 1.0], r=info.r,
        d=[rng.choice((0.0, 0.1, -0.3, 5.0, -50.0, 1e6)) for _ in range(
            rng.choice(MODELS[model]))])
    if isinstance(image, CompressedImage):
        image.data = picture(rng.choice(('.jpg', '.png')), width_px, height_px)
    else:
        image.width, image.height, image.step = width_px, height_px, 3 * width_px
        image.data = bytes(3 * width_px * height_px)
    return made, image
