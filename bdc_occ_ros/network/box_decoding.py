# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Decode box maps into boxes: the strongest cells, then one box per object.

Every cell and class of the heatmap is a candidate (CenterPoint: Yin et al., arXiv:2006.11275, here
without a local-maximum filter). Boxes of small objects hardly overlap even when they are the same
object, so sizes are multiplied per class before the overlap is taken (scale-NMS of BEVDet: Huang
et al., arXiv:2112.11790, Sec. 3.3).
"""

import numpy as np

from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.rotated_overlap import keep_strongest


def decode_boxes(maps: BoxMaps, config: NetworkConfig, stamp_ns: int) -> Boxes:
    """
    Turn the box maps of one frame into boxes, strongest first.

    :param maps: Of a batch of one.
    :param config: Grid, and how the box head is decoded.
    :param stamp_ns: Time of the key camera's exposure.
    :return: Boxes in the key ego frame; centers_m are geometric centres. Cells whose numbers are
        no box in float32, as a network says that has hardly learned, give none.
    """
    candidates, labels, scores = _strongest_cells(maps, config)
    centers_m, sizes_m = candidates[:, :3], candidates[:, 3:6]
    in_range = (np.abs(centers_m) <= config.boxes.max_center_m).all(axis=1)
    is_box = np.isfinite(candidates).all(axis=1) & (sizes_m > 0).all(axis=1)
    chosen = np.flatnonzero(in_range & is_box & (scores > config.boxes.score_threshold))
    factors = np.array(config.boxes.nms_size_factors)[labels]
    yaws_rad = np.arctan2(candidates[:, 6], candidates[:, 7])
    rectangles = np.column_stack(
        [centers_m[:, :2], sizes_m[:, :2] * factors[:, None], yaws_rad])
    kept = chosen[keep_strongest(rectangles[chosen], scores[chosen], config.boxes.nms_overlap)]
    return Boxes(centers_m[kept], sizes_m[kept], yaws_rad[kept],
                 velocities_mps=candidates[kept, 8:10], scores=scores[kept], labels=labels[kept],
                 class_names=config.boxes.class_names, stamp_ns=stamp_ns)


def _strongest_cells(maps: BoxMaps, config: NetworkConfig
                     ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Decode the cells with the highest scores.

    :return: x y z, length width height, sine cosine, velocity x y, (N, 10) float32, sizes inf or
        0 where they do not fit into that; labels (N,); scores (N,), falling.
    """
    _, _, num_rows, num_columns = maps.heatmap.shape
    flat = maps.heatmap[0].flatten()
    logits, indices = flat.topk(min(config.boxes.max_boxes, len(flat)))
    labels, cells = indices // (num_rows * num_columns), indices % (num_rows * num_columns)
    reg, height, dim, rot, vel = (
        attribute[0].flatten(1)[:, cells].T.double().cpu().numpy()
        for attribute in (maps.reg, maps.height, maps.dim, maps.rot, maps.vel))
    rows, columns = np.divmod(cells.cpu().numpy(), num_columns)
    cell_size_m = np.array(config.bev.cell_size_m) * config.boxes.stride
    lower_m = np.array((config.bev.x_range_m[0], config.bev.y_range_m[0]))
    centers_m = lower_m + (np.column_stack([columns, rows]) + reg) * cell_size_m
    with np.errstate(over='ignore', under='ignore'):
        candidates = np.column_stack([centers_m, height, np.exp(dim), rot, vel]).astype(np.float32)
    return candidates, labels.cpu().numpy(), logits.sigmoid().double().cpu().numpy()
