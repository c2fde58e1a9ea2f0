# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Form synchronized image sets from camera streams, learn offsets, account for every image."""
