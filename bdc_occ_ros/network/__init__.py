# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn images into occupancy and boxes, step by step.

Sizes are those of bdc_occ_t (six cameras, 256 x 704, stride 16, 88 depths, 80 x 80 m in 0.4 m
cells) and, behind the bar, of bdc_occ_nano (128 x 352, stride 8, 44 depths). B batch, N cameras.

==== ======================== =========================================================
step file                     result
==== ======================== =========================================================
1    predictor.py             images (B, N, 3, 256, 704 | 128, 352), normalized
2    ray_geometry.py          ray points (B, N, 88 | 44, 16, 44, 3), metres, key ego
3    images_to_features.py    features (B N, 256 | 128, 16, 44)
4    features_to_depth.py     depth probability (B, N, 88 | 44, 16, 44),
                              context (B, N, 64 | 32, 16, 44)
5    depth_to_bev.py          BEV (B, 64 | 32, 200, 200), row = y, column = x
6    bev_encoder.py           BEV (B, 256, 200, 200 | 128, 100, 100)
7a   bev_to_occupancy.py      class scores (B, 200, 200, 16, 18), indexed x y z class
7b   bev_to_boxes.py          box maps (B, C, rows, columns); none | 100 x 100
==== ======================== =========================================================

network.py builds the steps from a NetworkConfig and lists them in its forward. The attribute
names of the modules are those of the authors' checkpoints.
"""
