# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Real pictures, LiDAR points, poses and boxes: do they meet where the geometry says they do?

A LiDAR point is carried into the key ego frame, in which the grid lies, and from there into each
camera at its own exposure.
"""

import json

import cv2
import numpy as np
from PIL import Image
import pytest

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.geometry.calibration_file import load_calibration, save_calibration
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.ray_geometry import frustum_pixels
from bdc_occ_ros.geometry.rig_geometry import GeometryCache
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.predictor import key_ego_from_ego, Predictor
from bdc_occ_ros.share import share_path

pytestmark = pytest.mark.data
KEY = 'CAM_FRONT_LEFT'


def transform(entry, translation, rotation_wxyz):
    """Return the rigid transform that two keys of a data file describe."""
    w, x, y, z = entry[rotation_wxyz]
    result = np.eye(4)
    result[:3, :3] = matrix_from_quaternion(np.array((x, y, z, w)))
    result[:3, 3] = entry[translation]
    return result


def global_from_ego(entry):
    return transform(entry, 'ego_translation_global', 'ego_rotation_global_wxyz')


def rig_of(cameras, key_camera):
    return CameraRig(tuple(
        Camera(name, entry['width'], entry['height'], np.array(entry['K']),
               transform(entry, 'translation_ego_cam', 'rotation_ego_cam_wxyz'), 'plumb_bob',
               np.array(entry['distortion']))
        for name, entry in cameras.items()), key_camera)


def moved(points_m, matrix):
    return points_m @ matrix[:3, :3].T + matrix[:3, 3]


def read_image(path):
    return np.asarray(Image.open(path).convert('RGB'))


class IndependentKeyframe:
    """Images, poses and a LiDAR sweep in the key ego frame, worked out independently."""

    def __init__(self, folder):
        self.calibration = json.loads((folder / 'calibration.json').read_text())
        cameras, lidar = self.calibration['cameras'], self.calibration['lidar']
        self.frame = Frame(
            {name: read_image(folder / entry['file']) for name, entry in cameras.items()},
            {name: entry['timestamp_us'] * 1000 for name, entry in cameras.items()},
            rig_of(cameras, KEY), cameras[KEY]['timestamp_us'] * 1000,
            {name: global_from_ego(entry) for name, entry in cameras.items()})
        sweep = np.fromfile(folder / lidar['file'], np.float32).reshape(-1, 5)
        key_ego_from_lidar = (
            np.linalg.inv(global_from_ego(cameras[KEY])) @ global_from_ego(lidar)
            @ transform(lidar, 'translation_ego_lidar', 'rotation_ego_lidar_wxyz'))
        self.points_m = moved(sweep[:, :3].astype(np.float64), key_ego_from_lidar)
        self.rings = sweep[:, 4]

    def in_camera(self, name):
        """Return the sweep in the camera frame at that camera's own exposure."""
        poses = self.frame.fixed_from_ego
        camera_from_key_ego = (np.linalg.inv(self.frame.rig[name].ego_from_camera)
                               @ np.linalg.inv(poses[name]) @ poses[KEY])
        return moved(self.points_m, camera_from_key_ego)


@pytest.fixture(scope='module')
def keyframe(data_folder):
    return IndependentKeyframe(data_folder / 'nuscenes_full_scene0003')


@pytest.fixture(scope='module')
def config():
    return load_network_config('flashocc_r50')


@pytest.fixture(scope='module')
def geometry(keyframe, config):
    frame = keyframe.frame
    return GeometryCache(config.frustum).of(frame.rig, frame.images)


def input_pixels(points_in_camera_m, camera, preprocessor, config):
    """Return pixels of the network input and which points fall into it."""
    ahead = points_in_camera_m[:, 2] > 1.0
    matrix = preprocessor.input_from_image @ camera.intrinsics
    homogeneous = points_in_camera_m @ matrix.T
    pixels = homogeneous[:, :2] / np.where(ahead, homogeneous[:, 2], 1.0)[:, None]
    last = np.array((config.image.width_px - 1, config.image.height_px - 1))
    return pixels, ahead & ((pixels >= 0) & (pixels <= last)).all(axis=1)


def depth_edges(pixels, depths_m, rings):
    """Return the pixels between neighbours on a LiDAR ring that differ by two metres in depth."""
    order = np.lexsort((pixels[:, 0], rings))
    gap_px = np.diff(pixels[order, 0])
    is_edge = ((np.diff(rings[order]) == 0) & (gap_px > 0) & (gap_px < 6)
               & (np.abs(np.diff(depths_m[order])) > 2.0))
    return (pixels[order][:-1] + pixels[order][1:])[is_edge] / 2


def test_lidar_depth_edges_lie_on_the_edges_of_the_pictures(keyframe, geometry, config):
    shifts_px = np.arange(-24, 25, 3)
    scores = np.zeros(len(shifts_px))
    for name, preprocess in zip(keyframe.frame.images, geometry.preprocessors):
        camera, points_m = keyframe.frame.rig[name], keyframe.in_camera(name)
        pixels, seen = input_pixels(points_m, camera, preprocess, config)
        edges = depth_edges(pixels[seen], points_m[seen, 2], keyframe.rings[seen])
        assert len(edges) > 50, name
        gray = cv2.cvtColor(preprocess(keyframe.frame.images[name]), cv2.COLOR_RGB2GRAY)
        contrast = cv2.dilate(np.abs(cv2.Sobel(gray, cv2.CV_32F, 1, 0)), np.ones((1, 3)))
        columns = np.rint(edges[:, :1] + shifts_px).astype(int).clip(0, config.image.width_px - 1)
        rows = np.rint(edges[:, 1:]).astype(int)
        profile = contrast[rows, columns].mean(axis=0)
        assert abs(shifts_px[profile.argmax()]) <= 3, name
        scores += profile / profile.mean()
    assert shifts_px[scores.argmax()] == 0
    assert scores.max() > 1.3 * scores[np.abs(shifts_px) >= 15].max()


def interpolated_rays(ray_points_m, pixels, depths_m, config):
    """Return the points between the frustum's corners that belong to pixels and depths."""
    grid = frustum_pixels(config.frustum)
    step = grid[1, 1, :2]
    bins_m = np.array(config.depth.bins_m())
    position = np.column_stack([(depths_m - bins_m[0]) / (bins_m[1] - bins_m[0]),
                                pixels[:, 1] / step[1], pixels[:, 0] / step[0]])
    corner = np.clip(np.floor(position).astype(int), 0, np.array(ray_points_m.shape[:3]) - 2)
    result = np.zeros((len(pixels), 3))
    for offset in np.ndindex(2, 2, 2):
        share = np.prod(np.where(offset, position - corner, 1 - (position - corner)), axis=1)
        result += share[:, None] * ray_points_m[tuple((corner + offset).T)]
    return result


def test_a_lidar_point_lies_on_the_ray_of_its_pixel_and_in_its_voxel(keyframe, geometry, config):
    rays_m = geometry.rays.in_key_ego(key_ego_from_ego(keyframe.frame)).double().numpy()
    ignoring_motion_m = geometry.rays.in_key_ego().double().numpy()
    worst_ignored_m, grid, num_points = 0.0, VoxelGrid(), 0
    for n, (name, preprocess) in enumerate(zip(keyframe.frame.images, geometry.preprocessors)):
        points_m = keyframe.in_camera(name)
        pixels, seen = input_pixels(points_m, keyframe.frame.rig[name], preprocess, config)
        seen &= (points_m[:, 2] < config.depth.bins_m()[-1])
        arguments = pixels[seen], points_m[seen, 2], config
        found_m = interpolated_rays(rays_m[n], *arguments)
        np.testing.assert_allclose(found_m, keyframe.points_m[seen], atol=1e-3)
        ignored_m = interpolated_rays(ignoring_motion_m[n], *arguments)
        worst_ignored_m = max(worst_ignored_m, np.abs(ignored_m - keyframe.points_m[seen]).max())
        same_cell = (grid.indices_of(found_m)[0] == grid.indices_of(keyframe.points_m[seen])[0])
        assert same_cell.all(axis=1).mean() > 0.99
        num_points += seen.sum()
    assert num_points > 10_000
    assert worst_ignored_m > 0.01  # the car crept, so the poses made a difference


def test_voxels_of_lidar_points_in_the_pictures_are_observed(keyframe, geometry, config):
    grid, motion = VoxelGrid(), key_ego_from_ego(keyframe.frame)
    observed = geometry.observed_cells(grid, motion)
    cells, inside = grid.indices_of(keyframe.points_m)
    well_inside, well_outside = np.zeros(len(cells), bool), np.ones(len(cells), bool)
    last = np.array((config.image.width_px - 1, config.image.height_px - 1))
    for name, preprocess in zip(keyframe.frame.images, geometry.preprocessors):
        points_m, camera = keyframe.in_camera(name), keyframe.frame.rig[name]
        pixels, _ = input_pixels(points_m, camera, preprocess, config)
        focal_px = 0.44 * camera.intrinsics[0, 0]
        # the centre of a cell lies up to 0.35 m from the point; more counts towards the corners
        margin_px = 2 * 0.35 * focal_px / np.maximum(points_m[:, 2:], 0.35)
        ahead = points_m[:, 2] > 1.0
        well_inside |= ahead & ((pixels > margin_px) & (pixels < last - margin_px)).all(axis=1)
        well_outside &= (points_m[:, 2] < -0.4) | (
            ahead & ((pixels < -margin_px) | (pixels > last + margin_px)).any(axis=1))
    seen = observed[tuple(cells[inside].T)]
    assert well_inside[inside].sum() > 5000 and well_outside[inside].sum() > 1000
    assert seen[well_inside[inside]].all()
    assert not seen[well_outside[inside]].any()


def test_annotated_boxes_hold_their_lidar_points_in_the_key_ego_frame(keyframe, data_folder):
    boxes = json.loads((data_folder / 'nuscenes_full_scene0003/boxes.json').read_text())['boxes']
    poses = keyframe.frame.fixed_from_ego
    key_from_lidar_ego = np.linalg.inv(poses[KEY]) @ global_from_ego(keyframe.calibration['lidar'])
    num_right = 0
    for box in boxes:
        x, y, z, length_m, width_m, height_m, yaw_rad = box['box'][:7]
        key_from_box = key_from_lidar_ego @ np.block([
            [cv2.Rodrigues(np.array((0.0, 0.0, yaw_rad)))[0], np.array([[x], [y], [z]])],
            [np.zeros((1, 3)), 1.0]])
        offsets_m = np.abs(moved(keyframe.points_m, np.linalg.inv(key_from_box)))
        inside = (offsets_m <= np.array((length_m, width_m, height_m)) / 2).all(axis=1).sum()
        num_right += abs(int(inside) - box['num_lidar_pts']) <= 3
    assert num_right >= len(boxes) - 1


def test_the_calibration_in_config_is_that_of_the_real_vehicle(keyframe):
    ours = load_calibration(share_path('config', 'calibration_nuscenes_n015.yaml'))
    assert set(ours.names) == set(keyframe.frame.rig.names)
    for camera in ours.cameras:
        theirs = keyframe.frame.rig[camera.name]
        np.testing.assert_allclose(camera.intrinsics, theirs.intrinsics, rtol=1e-9)
        np.testing.assert_allclose(camera.ego_from_camera, theirs.ego_from_camera, atol=1e-9)


@pytest.mark.parametrize(('file', 'key'), [
    ('n015', 'n015'), ('n008', 'n008'), ('n008_2018_05', 'n008_may2018')])
def test_all_three_nuscenes_rigs_are_those_of_the_data(data_folder, file, key):
    rigs = json.loads((data_folder / 'nuscenes_surround_dev/rigs.json').read_text())['rigs']
    theirs = rig_of(rigs[key]['cameras'], KEY)
    ours = load_calibration(share_path('config', f'calibration_nuscenes_{file}.yaml'))
    assert ours.key_camera == KEY and set(ours.names) == set(theirs.names)
    for camera in ours.cameras:
        np.testing.assert_allclose(camera.intrinsics, theirs[camera.name].intrinsics, rtol=1e-12)
        np.testing.assert_allclose(
            camera.ego_from_camera, theirs[camera.name].ego_from_camera, atol=1e-12)


def test_three_cameras_of_another_car_run_with_only_a_calibration(data_folder, tmp_path):
    folder = data_folder / 'dgp_rig_3cam'
    document = json.loads((folder / 'calibration.json').read_text())
    save_calibration(rig_of(document['cameras'], 'CAMERA_01'), tmp_path / 'rig.yaml')
    rig = load_calibration(tmp_path / 'rig.yaml')
    entries = document['samples'][0]['cameras']
    poses = {
        name: transform(entries[name], 'camera_translation_world', 'camera_rotation_world_wxyz')
        @ np.linalg.inv(rig[name].ego_from_camera) for name in rig.names}
    images = {name: read_image(folder / entries[name]['file']) for name in rig.names}
    assert images['CAMERA_01'].shape == (1216, 1936, 3)
    stamps_ns = {name: entries[name]['timestamp_us'] * 1000 for name in rig.names}
    frame = Frame(images, stamps_ns, rig, stamps_ns['CAMERA_01'], poses)
    predictor = Predictor('bdc_occ_nano')
    occupancy, boxes = predictor(frame)
    assert occupancy.labels.shape == (200, 200, 16) and boxes is not None
    points_m = np.load(folder / 'sample_0/lidar.npz')['points'][:, :3]
    cells, inside = occupancy.grid.indices_of(points_m)
    seen = occupancy.observed[tuple(cells[inside].T)]
    bearing_rad = np.abs(np.arctan2(points_m[inside][:, 1], points_m[inside][:, 0]))
    assert not seen[bearing_rad > np.radians(110)].any()  # the cameras look 100 degrees around
    is_far = np.linalg.norm(points_m[inside][:, :2], axis=1) > 12
    assert seen[is_far & (bearing_rad < np.radians(80))].mean() > 0.9


def test_ego_poses_bring_static_boxes_of_the_next_keyframe_back(data_folder):
    infos = json.loads((data_folder / 'nuscenes_mini_scene0103_infos/infos.json').read_text())
    rig = rig_of(infos['rig_calibration']['cameras'], KEY)
    rig = CameraRig(tuple(camera.resized(16, 9) for camera in rig.cameras), KEY)
    compensated_m, ignored_m, driven_m = [], [], []
    for now, later in zip(infos['samples'][::4], infos['samples'][1::4]):
        images = {'CAM_BACK': np.zeros((9, 16, 3), dtype=np.uint8)}  # half a second late
        frame = Frame(images, {'CAM_BACK': later['timestamp_us'] * 1000}, rig,
                      now['timestamp_us'] * 1000,
                      {KEY: global_from_ego(now), 'CAM_BACK': global_from_ego(later)})
        motion = key_ego_from_ego(frame)[0]
        driven_m.append(np.linalg.norm(motion[:3, 3]))
        before_m, after_m = static_centers_m(now), static_centers_m(later)
        if not len(before_m):
            continue
        for result, centers_m in ((compensated_m, moved(after_m, motion)), (ignored_m, after_m)):
            distances_m = np.linalg.norm(before_m[:, None] - centers_m[None], axis=-1)
            result.extend(distances_m.min(axis=0))
    assert np.median(driven_m) > 1.0 and len(compensated_m) > 50
    assert np.median(compensated_m) < 0.15
    assert np.median(ignored_m) > 5 * np.median(compensated_m)


def static_centers_m(sample):
    """Return the centres of well-measured boxes that do not move, (N, 3) in the ego frame."""
    return np.array([box['box'][:3] for box in sample['boxes'] if None not in box['box']
                     and np.hypot(*box['box'][7:9]) < 0.1 and box['num_lidar_pts'] >= 5]
                    ).reshape(-1, 3)
