# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Weights files and packed files, up to the network.

Some are written with the right hashes, so that what lies behind those is reached too.
"""

import json
from pathlib import Path

from damage import damaged, edited, HOSTILE
from fuzzing import Target
from safetensors.torch import load
import torch

from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.weights.checkpoint import (
    Checkpoint,
    checkpoint_in,
    restore_network,
    save_checkpoint,
)
from bdc_occ_ros.weights.packed_checkpoint import (
    pack_checkpoint,
    packed_checkpoint_in,
    PACKED_FORMAT,
    restore_packed_network,
    save_packed,
)
from bdc_occ_ros.weights.weights_file import (
    MANIFEST_KEY,
    read_weights_file,
    write_weights_file,
)

MODEL = Path(__file__).parents[1] / 'resources' / 'model_tiny.yaml'
DTYPES = ('F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'I16', 'U8', 'BOOL', 'F8_E4M3', 'C64', '', 7)
TENSOR_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
                 torch.uint8, torch.bool)


def parts_of(data):
    """Return the header as a mapping and the bytes behind it."""
    length = int.from_bytes(data[:8], 'little')
    return json.loads(data[8:8 + length]), data[8 + length:]


def joined(header, body):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, 'little') + text + body


def manifest_of(data):
    return json.loads(parts_of(data)[0]['__metadata__'][MANIFEST_KEY])


def lie_in_header(rng, data):
    """Say something else about a tensor than what is there."""
    header, body = parts_of(data)
    entry = header[rng.choice(sorted(header))]
    key = rng.choice(('dtype', 'shape', 'data_offsets', 'new'))
    if key == 'dtype':
        entry[key] = rng.choice(DTYPES)
    elif key == 'new' or rng.random() < 0.3:
        entry[key] = rng.choice(HOSTILE)
    elif entry.get(key):
        entry[key][rng.randrange(len(entry[key]))] = rng.choice(
            (0, 1, -1, 10 ** 12, 2 ** 64, 2 ** 63 - 1, None, '1', 1.5))
    return joined(header, body)


def edit_manifest(rng, data):
    """Replace, remove or add an entry somewhere inside the manifest, and put the hashes right."""
    manifest = manifest_of(data)
    if rng.random() < 0.8:
        return manifest | {'config': edited(rng, manifest['config'])}, load(data)
    changed = edited(rng, manifest)
    return changed if isinstance(changed, dict) else {}, load(data)


def edit_tensors(rng, data):
    """Change, rename, remove or add tensors, and put the hashes right."""
    manifest, tensors = manifest_of(data), load(data)
    for _ in range(rng.choice((1, 1, 3))):
        name = rng.choice(sorted(tensors))
        tensor = tensors[name]
        what = rng.choice(('value', 'value', 'value', 'dtype', 'shape', 'remove', 'rename'))
        if what == 'value' and tensor.numel():
            lowest = torch.iinfo(tensor.dtype).min if tensor.dtype == torch.int32 else 0
            choices = (0, 1, -1, lowest) + (
                (float('nan'), float('inf'), -float('inf'), 1e38) if tensor.is_floating_point()
                else ())
            tensor.view(-1)[rng.randrange(tensor.numel())] = rng.choice(choices)
        elif what == 'dtype':
            tensors[name] = tensor.to(rng.choice(TENSOR_DTYPES))
        elif what == 'shape':
            tensors[name] = torch.zeros([rng.choice((0, 1, 2, 8, 33)) for _ in range(
                rng.randrange(5))], dtype=tensor.dtype)
        elif what == 'remove':
            del tensors[name]
        elif what == 'rename':
            tensors[name + rng.choice(('', 'x', '.0'))] = tensors.pop(name)
    return manifest, tensors


REWRITES = (edit_manifest, edit_tensors)
DAMAGES = (damaged, lie_in_header)


def prepare(folder):
    """Return what is in a small file of each kind."""
    torch.manual_seed(0)
    network = OccupancyNetwork(load_network_config(MODEL))
    save_checkpoint(folder / 'weights.safetensors',
                    Checkpoint(network.config, network.state_dict(), {'recipe': 'none'}))
    save_packed(folder / 'packed.safetensors', pack_checkpoint(
        network, real_dtype='float32', is_trained=False, source_sha256='', provenance={'a': 'b'}))
    return [path.read_bytes() for path in sorted(folder.glob('*.safetensors'))]


def attempt(rng, seeds, folder):
    """Damage one file and read it up to the network."""
    path = folder / 'damaged.safetensors'
    seed = rng.choice(seeds)
    if rng.random() < 0.6:
        write_weights_file(path, *rng.choice(REWRITES)(rng, seed))
    else:
        path.write_bytes(rng.choice(DAMAGES)(rng, seed))
    file = read_weights_file(path)
    if file.manifest['format'] == PACKED_FORMAT:
        restore_packed_network(packed_checkpoint_in(file))
    else:
        restore_network(checkpoint_in(file))


TARGET = Target(prepare, attempt, cases=60)
