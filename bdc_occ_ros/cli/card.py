# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Write manifest and model card beside a packed file, ready to be shipped in models/.

From training to what is shipped:

    bdc-occ export runs/nano/weights.safetensors -o models/bdc_occ_nano.safetensors
    bdc-occ evaluate --model models/bdc_occ_nano.safetensors --dataroot DIR ... -o nano.json
    bdc-occ card models/bdc_occ_nano.safetensors --results nano.json --beside twin=twin.json

The file must carry the name of its config and have at most 10 MB, and the scores must be its own:
evaluate notes the hash of what it scored.
"""

import argparse
import json
from pathlib import Path

from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing

HEADER = ('# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors\n'
          '# SPDX-License-Identifier: Apache-2.0\n'
          '# What {file} holds, where it comes from and what it scores; by bdc-occ card.\n')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('weights', type=Path, metavar='FILE', help='packed file (.safetensors)')
    parser.add_argument('--results', type=Path, required=True, metavar='JSON',
                        help='its scores, written by evaluate -o')
    parser.add_argument('--beside', type=_named_path, action='append', default=[],
                        metavar='NAME=JSON', help='scores of something else on the same split')
    parser.add_argument('--stages', type=Path, nargs='+', default=[], metavar='FILE',
                        help='weights files of earlier stages of the training, in their order')
    parser.add_argument('--json', action='store_true', help='print the manifest as JSON')


def run(args: argparse.Namespace) -> int:
    """Write both files, unless weights, name and scores do not belong together."""
    import yaml

    from bdc_occ_ros.weights.model_card import card_text, manifest_of
    manifest = manifest_of(args.weights, args.results, dict(args.beside), args.stages)
    document = HEADER.format(file=args.weights.name) + yaml.safe_dump(
        manifest, sort_keys=False, width=99)
    paths = args.weights.with_suffix('.yaml'), args.weights.with_suffix('.md')
    for path, text in zip(paths, (document, card_text(manifest))):
        with replacing(path, UsageError) as place:
            place.write_text(text, encoding='utf-8')
    print(json.dumps(manifest, indent=2) if args.json else
          f'written: {paths[0]} and {paths[1]}')
    return 0


def _named_path(text: str) -> tuple[str, Path]:
    name, is_there, path = text.partition('=')
    if not name or not is_there or not path:
        raise argparse.ArgumentTypeError(f'NAME=JSON is needed; got {text!r}')
    return name, Path(path)
