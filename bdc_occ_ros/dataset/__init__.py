# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read, check and write nuScenes data sets with Occ3D labels, and form batches of samples."""
