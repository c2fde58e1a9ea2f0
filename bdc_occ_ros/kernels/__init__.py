# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bit engine: packed binary operations, their definition, and the libraries that run them."""
