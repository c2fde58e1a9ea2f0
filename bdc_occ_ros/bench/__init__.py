# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time kernels, networks and the synchronizer beside other libraries and published figures."""
