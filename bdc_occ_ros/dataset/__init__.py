# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""nuScenes and Occ3D data on disk: written table by table, read through the nuScenes devkit."""
