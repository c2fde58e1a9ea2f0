# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of every encoding against OpenCV and cv_bridge, and damaged ones against their error."""

import array
import struct

import cv2
import numpy as np
import pytest

from bdc_occ_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, message_types
from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.image_decoding import decode_for_camera, decode_image, EncodedImage, read_header

TYPES = message_types().types

HEIGHT, WIDTH = 46, 62


def Image(height=0, width=0, encoding='', step=0, data=b''):
    return TYPES[IMAGE](None, height, width, encoding, 0, step, data)


def CompressedImage(format, data=b''):
    return TYPES[COMPRESSED_IMAGE](None, format, data)


def picture(channels=3):
    """Return noise over a slope, so that no two channels and no two rows agree."""
    noise = np.random.default_rng(7).integers(0, 60, (HEIGHT, WIDTH, channels))
    slope = np.arange(HEIGHT)[:, None, None] * 2 + np.arange(channels) * 20
    return (noise + slope).astype(np.uint8)


def raw(pixels, encoding, padding=0):
    rows = pixels.reshape(HEIGHT, -1)
    step = rows.shape[1] + padding
    padded = np.full((HEIGHT, step), 255, np.uint8)
    padded[:, :rows.shape[1]] = rows
    return Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=step,
                 data=array.array('B', padded.tobytes()))


def compressed(pixels_rgb, suffix='.jpg', **kwargs):
    _, data = cv2.imencode(suffix, cv2.cvtColor(pixels_rgb, cv2.COLOR_RGB2BGR), **kwargs)
    return CompressedImage(format=suffix[1:], data=array.array('B', data.tobytes()))


def cut(message, num_bytes):
    return CompressedImage(format=message.format, data=message.data[:num_bytes])


@pytest.mark.parametrize('padding', [0, 13])
@pytest.mark.parametrize('encoding, channels, order', [
    ('rgb8', 3, (0, 1, 2)), ('bgr8', 3, (2, 1, 0)), ('8UC3', 3, (2, 1, 0)),
    ('rgba8', 4, (0, 1, 2)), ('bgra8', 4, (2, 1, 0)), ('8UC4', 4, (2, 1, 0)),
    ('mono8', 1, (0, 0, 0)), ('8UC1', 1, (0, 0, 0)),
])
def test_raw_encodings_come_out_as_rgb(encoding, channels, order, padding):
    pixels = picture(channels)
    result = decode_image(raw(pixels, encoding, padding), 'CAM')
    np.testing.assert_array_equal(result, pixels[:, :, order])
    assert result.flags.c_contiguous and result.dtype == np.uint8


@pytest.mark.parametrize('encoding, luma, blue', [
    ('uyvy', (1, 3), 0), ('yuv422', (1, 3), 0), ('yuyv', (0, 2), 1), ('yuv422_yuy2', (0, 2), 1)])
def test_yuv_packings(encoding, luma, blue):
    packed = np.empty((HEIGHT, WIDTH // 2, 4), np.uint8)
    packed[:, :, luma] = 100
    packed[:, :, blue], packed[:, :, blue + 2] = 200, 128
    result = decode_image(raw(packed, encoding, padding=4), 'CAM')
    # BT.601: blue = 1.164 (Y - 16) + 2.018 (U - 128), red has no part of U
    assert abs(int(result[5, 5, 2]) - 243) <= 2 and abs(int(result[5, 5, 0]) - 98) <= 2
    assert (result == result[0, 0]).all()


@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8'])
def test_agrees_with_cv_bridge(encoding):
    bridge = pytest.importorskip('cv_bridge', reason='cv_bridge is not installed').CvBridge()
    channels = {'mono8': 1, 'bgra8': 4, 'rgba8': 4}.get(encoding, 3)
    message = raw(picture(channels), encoding)
    np.testing.assert_array_equal(decode_image(message, 'CAM'),
                                  bridge.imgmsg_to_cv2(message, 'rgb8'))


def test_png_is_exact_and_keeps_its_size():
    message = compressed(picture(), '.png')
    for reduction in (1, 4):
        np.testing.assert_array_equal(decode_image(message, 'CAM', reduction), picture())


def test_jpeg_is_close_in_the_right_channel_order():
    flat = np.broadcast_to(np.array((200, 60, 20), np.uint8), (HEIGHT, WIDTH, 3)).copy()
    result = decode_image(compressed(flat), 'CAM')
    assert result.shape == flat.shape
    assert np.abs(result.astype(int) - flat).max() <= 4


@pytest.mark.parametrize('reduction, shape', [(2, (23, 31)), (4, (12, 16)), (8, (6, 8))])
def test_jpeg_reductions_round_up_and_average(reduction, shape):
    smooth = cv2.GaussianBlur(picture(), (0, 0), 8)
    result = decode_image(compressed(smooth), 'CAM', reduction)
    assert result.shape == (*shape, 3)
    rows, columns = (size // reduction for size in (HEIGHT, WIDTH))
    blocks = smooth[:rows * reduction, :columns * reduction].reshape(
        rows, reduction, columns, reduction, 3).mean(axis=(1, 3))
    assert np.abs(result[:rows, :columns] - blocks).max() <= 6


def test_orientation_tag_is_ignored():
    message = compressed(picture())
    # EXIF, little endian, one entry: tag 0x0112 orientation, short, value 6 (turned by 90 degrees)
    exif = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'
    data = message.data.tobytes()
    segment = b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif
    turned = CompressedImage(format='jpeg', data=array.array('B', data[:2] + segment + data[2:]))
    np.testing.assert_array_equal(decode_image(turned, 'CAM'), decode_image(message, 'CAM'))


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0.0, 0.02, 0.3, 0.6, 0.9, 0.999])
def test_truncated_files_are_refused(suffix, share):
    message = compressed(picture(), suffix)
    with pytest.raises(InvalidImageError, match='CAM_BACK: '):
        read_header(cut(message, int(len(message.data) * share)), 'CAM_BACK')


def test_a_thumbnail_does_not_hide_a_truncated_file():
    thumbnail = b'JFXX\0\x10' + compressed(picture()[:8, :8].copy()).data.tobytes()
    data = compressed(picture()).data.tobytes()
    segment = b'\xff\xe0' + struct.pack('>H', len(thumbnail) + 2) + thumbnail
    whole = data[:2] + segment + data[2:]
    message = CompressedImage(format='jpeg', data=array.array('B', whole))
    assert read_header(message, 'CAM')[:2] == (WIDTH, HEIGHT)
    with pytest.raises(InvalidImageError, match='JPEG truncated'):
        read_header(cut(message, len(whole) - 300), 'CAM')


def test_padding_behind_the_end_is_allowed():
    message = compressed(picture())
    padded = CompressedImage(format='jpeg', data=message.data + array.array('B', bytes(100)))
    np.testing.assert_array_equal(decode_image(padded, 'CAM'), decode_image(message, 'CAM'))


def test_damaged_header_ends_in_the_named_error():
    data = bytearray(compressed(picture()).data.tobytes())
    rng = np.random.default_rng(11)
    for _ in range(300):
        damaged = bytearray(data)
        for place in rng.integers(2, len(data), 3):
            damaged[place] = rng.integers(256)
        message = CompressedImage(format='jpeg', data=array.array('B', bytes(damaged)))
        try:
            result = decode_image(message, 'CAM')
        except InvalidImageError as error:
            assert str(error).startswith('CAM: ')
        else:
            assert result.dtype == np.uint8 and result.shape[2] == 3


@pytest.mark.parametrize('claimed', [(65000, 65000), (0, 100)])
def test_impossible_claims_are_refused_before_decoding(claimed):
    data = bytearray(compressed(picture()).data.tobytes())
    place = data.find(b'\xff\xc0')
    data[place + 5:place + 9] = struct.pack('>HH', *claimed)
    message = CompressedImage(format='jpeg', data=array.array('B', bytes(data)))
    with pytest.raises(InvalidImageError, match=f'claims {claimed[1]}x{claimed[0]}'):
        decode_image(message, 'CAM')


def test_huge_raw_claim_is_refused():
    message = Image(height=2 ** 31, width=2 ** 31, encoding='bgr8', step=3, data=b'123')
    with pytest.raises(InvalidImageError, match='CAM: 2147483648x2147483648 bgr8 needs a step'):
        decode_image(message, 'CAM')


@pytest.mark.parametrize('change, match', [
    ({'encoding': 'bayer_rggb16'}, "encoding 'bayer_rggb16' is unknown; publish one of rgb8"),
    ({'encoding': ''}, "encoding '' is unknown"),
    ({'step': WIDTH}, 'got step 62 and'),
    ({'height': HEIGHT + 1}, 'step x height bytes'),
    ({'width': WIDTH + 1}, 'needs a step of at least 189'),
    ({'width': 0}, 'claims 0x46'),
])
def test_wrong_raw_layouts_say_what_came(change, match):
    message = raw(picture(), 'bgr8')
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(InvalidImageError, match=match) as caught:
        decode_image(message, 'CAM_LEFT')
    assert str(caught.value).startswith('CAM_LEFT: ')


def test_odd_width_of_paired_pixels_is_refused():
    message = Image(height=1, width=3, encoding='yuyv', step=6, data=bytes(6))
    with pytest.raises(InvalidImageError, match='width must be even; got 3'):
        decode_image(message, 'CAM')


def test_unknown_file_and_reduction_are_refused():
    with pytest.raises(InvalidImageError, match="neither JPEG nor PNG.*format 'h264'"):
        decode_image(CompressedImage(format='h264', data=b'\0\0\0\1abcd'), 'CAM')
    with pytest.raises(InvalidImageError, match='reduction must be one of .1, 2, 4, 8.; got 3'):
        decode_image(compressed(picture()), 'CAM', 3)


def test_remarks_only_where_colours_are_guessed():
    remarks = {encoding: read_header(raw(picture(channels), encoding), 'CAM').remark
               for encoding, channels in (('bgr8', 3), ('yuyv', 2), ('mono8', 1), ('8UC3', 3))}
    assert 'no colour' in remarks['mono8'] and 'taken as bgr8' in remarks['8UC3']
    assert not remarks['bgr8'] and not remarks['yuyv']
    assert read_header(compressed(picture()), 'CAM').remark == ''


def mosaic(pattern):
    """Return a scene of three flat colours and what a sensor with this pattern gives for it."""
    scene = np.repeat(np.array([[[210, 60, 20], [20, 190, 40], [30, 80, 220]]], np.uint8), 16, 1)
    scene = np.repeat(scene, 24, 0)
    channels = np.array(['rgb'.index(letter) for letter in pattern]).reshape(2, 2)
    rows, columns = np.indices(scene.shape[:2])
    return scene, scene[rows, columns, channels[rows % 2, columns % 2]]


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_mosaics_are_interpolated_raw_and_as_png_alike(pattern):
    scene, values = mosaic(pattern)
    height, width = values.shape
    encoding = f'bayer_{pattern}8'
    image = decode_image(Image(height, width, encoding, width, values.tobytes()), 'CAM')
    for middle in (8, 24, 40):  # away from the borders of the colours
        np.testing.assert_array_equal(image[4:-4, middle], scene[4:-4, middle])
    png = cv2.imencode('.png', values)[1].tobytes()
    for format in (f'{encoding}; png compressed ', f'{encoding}; png compressed mono8'):
        np.testing.assert_array_equal(decode_image(CompressedImage(format, png), 'CAM'), image)


def grey(suffix):
    return cv2.imencode(suffix, picture(1))[1].tobytes()


@pytest.mark.parametrize('format, data, match', [
    ('bayer_rggb8; jpeg compressed ', grey('.jpg'), 'no mosaic in a grey PNG'),
    ('bayer_rggb8; jpeg compressed mono8', grey('.jpg'), 'no mosaic in a grey PNG'),
    ('bayer_rggb8; png compressed bgr8', cv2.imencode('.png', picture())[1], 'no mosaic in a'),
    ('bayer_rggb16; png compressed ', grey('.png'), 'no mosaic in a grey PNG of 8 bits'),
    ('png', cv2.imencode('.png', picture().astype(np.uint16) << 8)[1], '16 bits per channel'),
    ('mono16; png compressed ', cv2.imencode('.png', picture(1).astype(np.uint16))[1], '16 bits'),
    *((format, b'\0\0\0\1abcd', f"neither JPEG nor PNG.*format '{format}'.*Image in one of rgb8")
      for format in ('h264', 'hevc', 'nv12', 'yuyv', 'ffmpeg')),
])
def test_what_is_no_picture_of_8_bits_is_refused_by_name(format, data, match):
    with pytest.raises(InvalidImageError, match=f'CAM: .*{match}'):
        decode_image(CompressedImage(format, bytes(data)), 'CAM')


@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8'])
def test_raw_and_png_of_the_same_content_agree_in_pixels_and_remarks(encoding):
    channels = {'mono8': 1, 'bgra8': 4, 'rgba8': 4}.get(encoding, 3)
    message = raw(picture(channels), encoding)
    stored = picture(channels)
    if encoding.startswith('rgb'):
        stored = np.concatenate((stored[..., 2::-1], stored[..., 3:]), -1)
    png = CompressedImage(f'{encoding}; png compressed {"" if channels == 1 else "bgr8"}',
                          cv2.imencode('.png', stored)[1].tobytes())
    np.testing.assert_array_equal(decode_image(png, 'CAM'), decode_image(message, 'CAM'))
    assert [('no colour' in read_header(m, 'CAM').remark) for m in (message, png)] == [
        channels == 1] * 2


@pytest.mark.parametrize('format, is_open', [
    ('jpeg', False), ('bgr8; jpeg compressed bgr8', False), ('rgb8; jpeg compressed bgr8', False),
    ('rgb8; jpeg compressed rgb8', True), ('bgr8; jpeg compressed ', True),
    ('rgba8; png compressed rgba8', True), ('mono8; jpeg compressed mono8', False)])
def test_an_open_order_of_colours_is_remarked_and_can_be_chosen(format, is_open):
    message = compressed(picture())
    message.format = format
    own = decode_image(message, 'CAM')
    assert np.abs(own.astype(int) - decode_image(EncodedImage(message.data), 'CAM')).max() == 0
    assert ('compressed_colors chooses' in read_header(message, 'CAM').remark) == is_open
    camera = Camera('CAM', WIDTH, HEIGHT, np.diag((50.0, 50.0, 1.0)), np.eye(4))
    other = decode_for_camera(message, camera, lambda _: 1, 'image_transport').pixels
    np.testing.assert_array_equal(other, own[..., ::-1] if is_open else own)


@pytest.mark.parametrize('height, width', [(60000, 1), (1, 60000), (32000, 32000), (16384, 4096),
                                           (17000, 2000), (2000, 100)])
@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_header_that_claims_too_much_is_refused_unread(suffix, height, width):
    data = bytearray(compressed(picture(), suffix).data.tobytes())
    if suffix == '.jpg':
        place = data.find(b'\xff\xc0')
        data[place + 5:place + 9] = struct.pack('>HH', height, width)
    else:
        data[16:24] = struct.pack('>II', width, height)
    with pytest.raises(InvalidImageError, match=f'claims {width}x{height}'):
        decode_image(EncodedImage(bytes(data)), 'CAM')


@pytest.mark.parametrize('header', [
    b'\xff' * 10_000_000, b'\xff\xe0\0\2' * 1_000_000, b'\xff\xe0\0\0',
    b'\xff\x01' + b'\xff\xc0\0\x11\x08\x75\x30\x75\x30'.ljust(0xffc0, b'\0')],
    ids=['fill bytes', 'segments', 'no length', 'a frame behind a marker without length'])
def test_a_header_that_leads_astray_is_not_followed(header):
    data = compressed(picture()).data.tobytes()
    with pytest.raises(InvalidImageError, match='segments in its header|damaged'):
        read_header(EncodedImage(data[:2] + header + data[2:]), 'CAM')
