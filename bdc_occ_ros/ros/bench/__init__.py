# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure the transport of images, and message_filters' synchronizer beside ours."""
