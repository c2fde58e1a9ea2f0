# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Count the parameters, multiply-adds and bytes of a network, without running it.

--model prints one network, module by module: parameters (full precision, small real ones of the
binary units, 1-bit), multiply-adds (full precision, 1-bit x 1-bit, 1-bit x real), bytes when bits
are packed, and the two numbers that a table would print:

  deployable    params: full + 1-bit / 32; operations: full + 1-bit x 1-bit / 64 + 1-bit x real
  conventional  the same parameters; operations: full + all binary ones / 64
  authors       the counter behind the published tables, where binary convolutions cost nothing

--table prints the published cells beside our count of the same networks.
"""

import argparse
import dataclasses
import json
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.config_file import with_overrides
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.network.config import load_network_config, MODEL_NAMES

if TYPE_CHECKING:
    from bdc_occ_ros.network.cost import Cost

CONVENTIONS = ('deployable', 'conventional', 'authors')
MILLION, GIGA = 1e6, 1e9
TITLES = ('full M', 'small M', '1-bit M', 'full G', 'bit*bit G', 'bit*real G', 'packed MB')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--model', help=f'{", ".join(MODEL_NAMES)}, or a config file')
    what.add_argument('--table', action='store_true', help="the paper's cells beside ours")
    parser.add_argument('--set', action='append', default=[], metavar='PATH=VALUE',
                        help="change a value of the network's config, as in "
                        'nano.bev_unit.version=0')
    parser.add_argument('--convention', choices=CONVENTIONS,
                        help='print the two table numbers in this convention only')
    parser.add_argument('--cameras', type=int, default=6, help='images in a set (default: 6)')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    """Print the counts of one network, or the table of the paper."""
    if args.table:
        if args.convention not in (None, 'authors') or args.cameras != 6 or args.set:
            raise UsageError('--table has the networks, the convention and the six cameras of the '
                             'paper; leave --set, --convention and --cameras out')
        result, lines = _table()
    else:
        if args.cameras < 1:
            raise UsageError(f'--cameras must be at least 1; got {args.cameras}')
        result, lines = _network(args)
    print(json.dumps(result, indent=2) if args.json else '\n'.join(lines))
    return 0


def _network(args: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from bdc_occ_ros.network.cost import profile_network, total_cost
    config = with_overrides(load_network_config(args.model), args.set)
    conventions = (args.convention,) if args.convention else CONVENTIONS
    costs = profile_network(config, args.cameras)
    total = total_cost(costs)
    lines = [f'{config.name}: {args.cameras} images of {config.image.height_px} x '
             f'{config.image.width_px}',
             f'{"module":26s}' + ''.join(f'{title:>12s}' for title in TITLES),
             *(_module_line(name, cost) for name, cost in {**costs, 'total': total}.items())]
    for convention in conventions:
        params, operations = total.headlines()[convention]
        lines.append(f'{convention:13s}{params / MILLION:9.3f} M parameters '
                     f'{operations / GIGA:9.3f} G operations')
    return {'model': config.name, 'cameras': args.cameras,
            'modules': {name: _as_json(cost, conventions) for name, cost in costs.items()},
            'total': _as_json(total, conventions)}, lines


def _module_line(name: str, cost: 'Cost') -> str:
    millions = (cost.params_full, cost.params_small, cost.params_1bit)
    gigas = (cost.macs_full, cost.macs_1bit, cost.macs_mixed)
    values = (*(n / MILLION for n in millions), *(n / GIGA for n in gigas),
              cost.packed_bytes / MILLION)
    return f'{name:26s}' + ''.join(f'{value:12.3f}' for value in values)


def _as_json(cost: 'Cost', conventions: tuple[str, ...]) -> dict[str, Any]:
    counts = {name: value for name, value in dataclasses.asdict(cost).items()
              if not name.startswith('authors')}
    headlines = {name: dict(zip(('params', 'operations'), cost.headlines()[name]))
                 for name in conventions}
    return {**counts, 'params': cost.params, 'packed_bytes': cost.packed_bytes, **headlines}


def _table() -> tuple[list[dict[str, Any]], list[str]]:
    """Compare our counts with the paper's."""
    from bdc_occ_ros.bench.published_costs import compare_with_paper
    result, explanations = [], []
    lines = [f'{"method":16s}{"Params M":>10s}{"ours":>8s}{"OPs G":>9s}{"ours":>8s}'
             f'{"deployable M":>14s}{"G":>9s}  misses']
    for row in compare_with_paper():
        params, operations = row.cost.headlines()['deployable']
        published = row.published
        lines.append(f'{published.method:16s}{published.params_m:10.2f}{row.params_m:8.2f}'
                     f'{published.ops_g:9.2f}{row.ops_g:8.2f}{params / MILLION:14.2f}'
                     f'{operations / GIGA:9.2f}  {", ".join(row.misses) or "none"}')
        if row.misses:
            explanations.append(
                f'{published.method}: {published.miss or "miss without explanation"}')
        result.append({
            'method': published.method, 'model': published.model,
            'published': {'params_m': published.params_m, 'ops_g': published.ops_g},
            'ours': {'params_m': row.cost.authors_params / MILLION,
                     'ops_g': row.cost.authors_ops / GIGA},
            'deployable': {'params_m': params / MILLION, 'ops_g': operations / GIGA},
            'misses': list(row.misses), 'explanation': published.miss if row.misses else ''})
    return result, [
        *lines, *explanations,
        "Params and OPs are the paper's cells; ours uses its counter, in which binary "
        'convolutions cost nothing. The last two figures count them.']
