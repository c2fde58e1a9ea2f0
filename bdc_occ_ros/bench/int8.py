# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Quantize the real-valued layers of a packed network to int8 and run them in onnxruntime.

Packed units, lift, labels and the box head stay as they are. Neighbouring layers are joined first,
so that onnxruntime keeps eight bits and a layout of its own from one to the next: of a network
without binary units two sections remain, one on either side of the lift.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
import json
from pathlib import Path
import tempfile
from types import SimpleNamespace
from typing import Any, TYPE_CHECKING
import warnings

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional

from bdc_occ_ros.bench.clock import STAGES
from bdc_occ_ros.binary.engine_module import EngineModule
from bdc_occ_ros.errors import UnsupportedLayerError
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_head import PackedOccupancyHead

if TYPE_CHECKING:
    import onnxruntime

OPSET = 17
INT8_OPERATIONS = ('Add', 'Concat', 'Conv', 'MaxPool', 'Relu', 'Resize', 'Slice')
OTHER_OPERATIONS = ('Constant', 'DequantizeLinear', 'Exp', 'Log', 'QuantizeLinear', 'Softmax',
                    'Softplus', 'Sub', 'Transpose')
MAX_EXPONENT = 80.0  # exp stays finite in float32
IMAGE_STAGES = ('img_backbone', 'img_neck', 'img_view_transformer')
BEV_STAGES = ('img_bev_encoder_backbone', 'img_bev_encoder_neck')
BOXES = 'pts_bbox_head'
STAGE_OF_MODULE = {**STAGES, 'final_conv': STAGES['occ_head']}
Place = tuple[nn.Module, str]
Shares = Mapping[str, Mapping[str, float]]


def session_options(num_threads: int, *, spins: bool = False,
                    profile_prefix: str = '') -> 'onnxruntime.SessionOptions':
    """
    Return how onnxruntime runs a model.

    :param num_threads: Threads of one operation.
    :param spins: Whether idle threads wait in a loop, which is a little quicker on an idle machine
        and ruinous on a busy one.
    :param profile_prefix: Where onnxruntime writes the time of every operation, or empty.
    """
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry('session.intra_op.allow_spinning', str(int(spins)))
    options.enable_profiling = bool(profile_prefix)
    options.profile_file_prefix = profile_prefix
    return options


class Int8Section(nn.Module):
    """
    Compute a module of real-valued layers in int8 with onnxruntime.

    Maps pass as float32 channels last, without a copy where they come so; results are overwritten
    by the next call.

    :param module: What to replace; it computes INT8_OPERATIONS, softmax and Softplus.
    :param samples: Inputs that show the ranges, at least one, floating.
    :raises UnsupportedLayerError: if the module holds something else.
    """

    def __init__(self, module: nn.Module, samples: Sequence[tuple[Tensor, ...]],
                 options: 'onnxruntime.SessionOptions') -> None:
        super().__init__()
        from onnxruntime import InferenceSession
        inputs = [tuple(map(_channels_last, sample)) for sample in samples]
        with tempfile.TemporaryDirectory() as folder:
            self.session = InferenceSession(
                _quantized(_ChannelsLast(module), inputs, Path(folder)), options,
                providers=['CPUExecutionProvider'])
        self._outputs = {output.name: torch.empty(output.shape)
                         for output in self.session.get_outputs()}
        self._binding = self.session.io_binding()
        for name, tensor in self._outputs.items():
            self._binding.bind_output(*_bound(name, tensor))

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """
        Compute what the module computes, to eight bits.

        :param inputs: The module's inputs, floating, of the samples' shapes.
        :return: The module's outputs, float32, valid until the next call.
        """
        held = list(map(_channels_last, inputs))  # the binding only knows their addresses
        for slot, tensor in zip(self.session.get_inputs(), held, strict=True):
            self._binding.bind_input(*_bound(slot.name, tensor))
        self.session.run_with_iobinding(self._binding)
        results = tuple(map(_channels_first, self._outputs.values()))
        return results if len(results) > 1 else results[0]


class _ChannelsLast(nn.Module):
    """Wrap a module so that its inputs and outputs are channels last."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        results = self.module(*map(_channels_first, inputs))
        results = (results,) if isinstance(results, Tensor) else results
        return tuple(result.permute(0, 2, 3, 1) for result in results)


class _Softplus(nn.Module):
    """Compute log(1 + exp(x)) in the form that onnxruntime runs four times faster."""

    def forward(self, x: Tensor) -> Tensor:
        if x.max() > MAX_EXPONENT:
            return functional.softplus(x)
        return torch.log(torch.exp(x) - -1)  # a sum would be computed on eight bits


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.permute(0, 2, 3, 1).float().contiguous()


def _channels_first(tensor: Tensor) -> Tensor:
    return tensor.permute(0, 3, 1, 2)


def _bound(name: str, tensor: Tensor) -> tuple[Any, ...]:
    """Return the arguments that bind a float32 tensor."""
    return name, 'cpu', 0, np.float32, tuple(tensor.shape), tensor.data_ptr()


@torch.no_grad()
def _quantized(module: nn.Module, inputs: Sequence[tuple[Tensor, ...]], folder: Path) -> Path:
    """
    Export a module and quantize it with the ranges that inputs show.

    Activations are unsigned with a zero point, weights signed with a scale per output channel.
    """
    import onnx
    from onnxruntime.quantization import quantize_static, QuantType
    from onnxruntime.quantization.shape_inference import quant_pre_process
    exported, prepared, quantized = (folder / name for name in ('float', 'prepared', 'int8'))
    names = [f'input_{index}' for index in range(len(inputs[0]))]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # this exporter is the older one; it needs onnx alone
        torch.onnx.export(module.eval(), inputs[0], str(exported), dynamo=False,
                          input_names=names, opset_version=OPSET)
    quant_pre_process(str(exported), str(prepared), skip_symbolic_shape=True)
    feeds = iter([{name: x.numpy() for name, x in zip(names, sample)} for sample in inputs])
    quantize_static(str(prepared), str(quantized),
                    SimpleNamespace(get_next=lambda: next(feeds, None)), per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    op_types_to_quantize=list(INT8_OPERATIONS))
    for node in onnx.load(quantized).graph.node:
        if node.op_type not in (*INT8_OPERATIONS, *OTHER_OPERATIONS):
            raise UnsupportedLayerError(f'eight bits: {node.name} is none of '
                                        f'{", ".join(INT8_OPERATIONS)}; keep this part in float')
    return quantized


@torch.inference_mode(False)
def quantize_int8(network: OccupancyNetwork, images: Tensor, ray_points_m: Tensor,
                  options: 'onnxruntime.SessionOptions') -> None:
    """
    Replace the real-valued layers of a network by sections of eight bits, in place.

    Afterwards it is for `predict` with inputs of the shapes given here.

    :param network: What pack_network returns, of the published layout, real layers in float32.
        Without binary units it becomes a network of eight bits throughout.
    :param images: Normalized images that show the ranges, (1, N, 3, H, W).
    :raises UnsupportedLayerError: if a real-valued layer has no operation on eight bits.
    """
    _join_neighbours([(network, name) for name in IMAGE_STAGES])
    bev_places = [(network, name) for name in BEV_STAGES]
    if network.occ_head is not None:
        network.occ_head = _scores_at_once(network.occ_head)
        bev_places.append((network.occ_head, 'final_conv'))
    _join_neighbours(bev_places)
    for parent, name in list(_places(network)):
        layers, seen = getattr(parent, name), []
        hook = layers.register_forward_pre_hook(
            lambda _, inputs, seen=seen: seen.append(tuple(x.clone() for x in inputs)))
        with torch.inference_mode():
            network.predict(images, ray_points_m)
        hook.remove()
        setattr(parent, name, Int8Section(layers, seen, options))


def _is_real(module: nn.Module) -> bool:
    """Return whether nothing in a module runs on the bit engine."""
    return not any(isinstance(part, EngineModule) for part in module.modules())


def _join_neighbours(places: Sequence[Place]) -> None:
    """Merge real-valued neighbours into the first of them."""
    for is_real, group in groupby(places, lambda place: _is_real(getattr(*place))):
        members = list(group)
        if is_real and len(members) > 1:
            joined = OrderedDict((name, getattr(parent, name)) for parent, name in members)
            for parent, name in members:
                setattr(parent, name, nn.Identity())
            setattr(*members[0], nn.Sequential(joined))


def _scores_at_once(head: PackedOccupancyHead) -> PackedOccupancyHead:
    """Make the layers in front of the head score all voxels at once, as convolutions."""
    first, _, last = head.predicter
    return PackedOccupancyHead(
        nn.Sequential(head.final_conv, _as_convolution(first), _Softplus(), _as_convolution(last)),
        nn.Sequential(), 1, head.heights_and_classes)


def _as_convolution(linear: nn.Linear) -> nn.Conv2d:
    convolution = nn.Conv2d(linear.in_features, linear.out_features, 1)
    convolution.load_state_dict({'weight': linear.weight[..., None, None], 'bias': linear.bias})
    return convolution


def _places(module: nn.Module) -> Iterator[Place]:
    """Iterate over where real-valued layers stand, neighbours in a row joined."""
    if isinstance(module, nn.Sequential):
        _join_neighbours([(module, name) for name, _ in module.named_children()])
    for name, child in list(module.named_children()):
        if name == BOXES:
            continue
        if _is_real(child):
            if any(isinstance(part, nn.Conv2d) for part in child.modules()):
                yield module, name
        elif not isinstance(child, EngineModule) or isinstance(child, PackedOccupancyHead):
            yield from _places(child)


def section_shares(network: nn.Module) -> Shares:
    """
    End the profiles of the sections that are stages, some of them several at once.

    The name of an operation holds the path of its module; those that onnxruntime inserted may have
    none and count to the stage before them.

    :param network: A network that has run; its sessions were made with a profile_prefix.
    :return: By the stage that holds a section: stages and their share of its time.
    """
    shares = {}
    for name, section in network.named_children():
        if not isinstance(section, Int8Section):
            continue
        stage, spent = STAGES[name], Counter()
        for event in json.loads(Path(section.session.end_profiling()).read_text()):
            if event.get('cat') == 'Node' and event['name'].endswith('_kernel_time'):
                stage = next((STAGE_OF_MODULE[part] for part in event['name'].split('/')
                              if part in STAGE_OF_MODULE), stage)
                spent[stage] += event['dur']
        shares[STAGES[name]] = {key: time / spent.total() for key, time in spent.items()}
    return shares


def split_by_shares(stage_ms: Mapping[str, float], shares: Shares) -> dict[str, float]:
    """
    Give every stage its part of the section that it was joined into.

    :param stage_ms: Milliseconds per stage, as hooks saw them.
    """
    result = dict(stage_ms)
    for holder, parts in shares.items():
        section_ms = result.pop(holder)
        for stage, share in parts.items():
            result[stage] = result.get(stage, 0.0) + share * section_ms
    return {stage: result[stage] for stage in (*STAGES.values(), *result) if stage in result}
