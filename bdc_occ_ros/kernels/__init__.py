# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define packed binary operations, plan them, and run them by kernels for CPUs and GPUs."""
