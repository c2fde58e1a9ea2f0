// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The operations on real streams, written once: portable loops over channels, which are the
// innermost axis, and a few intrinsics where the compiler finds no vectors of its own.
//
// Every backend includes this file into its own unnamed namespace, behind its target pragma, after
// stream_headers.h outside and one of lanes_*.inl inside; so each has its own copy, compiled for
// its processor. (A pragma does not define the macros that -m flags define, hence the lanes.) The
// functions that struct Backend asks for are real_convolution, gate, combine, affine,
// average_pool, upsample, splat and labels.
#include "stream_floats.inl"
#include "stream_maps.inl"
#include "stream_elementwise.inl"
#include "stream_resize.inl"
#include "stream_products.inl"
#include "stream_epilogue.inl"
#include "stream_real_convolution.inl"
#include "stream_gate.inl"
#include "stream_splat.inl"
#include "stream_labels.inl"
