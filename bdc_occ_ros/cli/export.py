# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Fold a trained network into a packed file, which runs on bits.

Scales, normalizations, redistributions and RPReLUs of the binary units become packed weights,
scales and thresholds, computed in float64. The packed file goes wherever weights go: Predictor,
the node's parameter model.weights.

A bit has no zero: it calls an exact zero +1. Zeros of b, where an input of 0 has no sign, and
zeros among the weights are counted; the manifest lists them layer by layer.

The written file is read again and run on made-up images beside the float network; how often the
two agree is printed. Without weights, --untrained packs a network with random ones and marks it.
"""

import argparse
import json
from pathlib import Path
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.errors import UsageError

if TYPE_CHECKING:
    from bdc_occ_ros.network.network import OccupancyNetwork
    from bdc_occ_ros.weights.packed_checkpoint import PackedCheckpoint

ZEROS = {'b': 'b of redistributions', 'weight': 'weights'}
WORDS = {'BinaryConv2d': 'binary convolutions', 'BatchNorm2d': 'batch normalizations',
         'Redistribution': 'redistributions', 'RPReLU': 'RPReLUs'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('weights', type=Path, nargs='?', metavar='WEIGHTS',
                        help='weights file (.safetensors) to pack')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='FILE',
                        help='packed file to write, .safetensors')
    parser.add_argument('--real-dtype', choices=('float32', 'bfloat16'), default='float32',
                        help='type of the layers that are not binary (default float32)')
    parser.add_argument('--untrained', metavar='MODEL',
                        help='instead of WEIGHTS: name of a network, or a config file')
    parser.add_argument('--seed', type=int, default=0,
                        help='of the random weights and of the images compared (default 0)')
    parser.add_argument('--json', action='store_true', help='print the report as JSON')


def run(args: argparse.Namespace) -> int:
    """Pack, write, read again, compare and report."""
    if (args.weights is None) == (args.untrained is None):
        raise UsageError('give either WEIGHTS or --untrained MODEL')
    if args.weights and args.weights.resolve() == args.output.resolve():
        raise UsageError(f'{args.output} would replace the weights that it is made of')
    from bdc_occ_ros.weights.agreement import compare_networks
    from bdc_occ_ros.weights.loading import load_network
    from bdc_occ_ros.weights.packed_checkpoint import save_packed
    network, packed, bytes_before = _packed(args)
    save_packed(args.output, packed)
    loaded = load_network(args.output, 'cpu', args.seed)
    agreement = compare_networks(network, loaded.network, args.seed)
    report = {
        'model': packed.config.name, 'is_trained': packed.is_trained,
        'real_dtype': packed.real_dtype, 'folded': dict(packed.folded),
        'zeros': packed.total_zeros(),
        'zeros_by_layer': {name: count for name, count in packed.zeros.items() if count},
        'bytes_before': bytes_before, 'bytes_after': args.output.stat().st_size,
        'agreement': agreement._asdict(), 'backend': loaded.backend, 'output': str(args.output)}
    print(json.dumps(report, indent=2) if args.json else
          '\n'.join([*_as_lines(report), f'agreement: {agreement} ({loaded.backend})']))
    return 0


def _packed(args: argparse.Namespace) -> tuple['OccupancyNetwork', 'PackedCheckpoint', int]:
    """Return the float network, its packed form, and how many bytes its weights take."""
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.weights.checkpoint import checkpoint_in, restore_network
    from bdc_occ_ros.weights.loading import load_network
    from bdc_occ_ros.weights.packed_checkpoint import pack_checkpoint
    from bdc_occ_ros.weights.weights_file import read_weights_file
    if args.weights is None:
        untrained = load_network(load_network_config(args.untrained), 'cpu', args.seed)
        network = untrained.network
        sha256, provenance = '', {'weights': f'untrained, seed {args.seed}'}
        size = sum(t.numel() * t.element_size() for t in network.state_dict().values())
    else:
        file = read_weights_file(args.weights)
        checkpoint = checkpoint_in(file)
        network, sha256 = restore_network(checkpoint), file.sha256
        provenance, size = checkpoint.provenance, args.weights.stat().st_size
    packed = pack_checkpoint(network, real_dtype=args.real_dtype,
                             is_trained=args.weights is not None, source_sha256=sha256,
                             provenance=provenance)
    return network, packed, size


def _as_lines(report: dict[str, Any]) -> list[str]:
    folded = (f'{count} {WORDS[kind]}' for kind, count in report['folded'].items())
    zeros = (f'{count} {ZEROS[kind]}' for kind, count in report['zeros'].items())
    before, after = report['bytes_before'], report['bytes_after']
    trained = 'trained' if report['is_trained'] else 'untrained: its output means nothing'
    lines = [f'{report["model"]}: {trained}; real layers {report["real_dtype"]}',
             f'folded: {", ".join(folded)}',
             f'exact zeros: {", ".join(zeros)}',
             f'bytes: {before:,} before, {after:,} after ({before / after:.1f} times smaller)',
             f'written: {report["output"]}']
    if report['zeros']['b']:
        lines.insert(3, '  where b is 0 an input of 0 is a tie, which rounding decides in floats: '
                        'expect less agreement')
    return lines
