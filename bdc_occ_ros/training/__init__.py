# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Train any config, on the synthetic world or on a nuScenes data set, by one code path."""
