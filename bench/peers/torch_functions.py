"""Peer only: no part of the package. Functions by our names and the descriptions of their arguments (`bench/functions-inputs.ts`)."""
import re

import torch
import torch.nn.functional as F

from torch_cases import peer_fill


def functions(work, wrap):
    torch.set_grad_enabled(False)
    function = find(snake(work['function']))
    args = [decode(value) for value in work['args']]
    keywords = {snake(name): decode(value) for name, value in work['keywords'].items()}
    if work['copy']:
        run = wrap(lambda *args, **keywords: copied(function(*args, **keywords)))
    else:
        run = wrap(function)
    return lambda: run(*args, **keywords)


def snake(name):
    """floorDivide is floor_divide."""
    return re.sub('([A-Z])', lambda match: '_' + match[1].lower(), name)


def find(name):
    """The public function: that of torch.nn.functional where there are two."""
    if name == 'index':
        return lambda x, indices: x[tuple(indices)]
    if name.startswith('_tensor.'):
        return getattr(torch.Tensor, name.removeprefix('_tensor.'))
    return next(getattr(place, name) for place in (F, torch, torch.Tensor) if hasattr(place, name))


def copied(result):
    if isinstance(result, (tuple, list)):
        return [copied(each) for each in result]
    return result.clone(memory_format=torch.contiguous_format)


def decode(value):
    if isinstance(value, list):
        return [decode(each) for each in value]
    if isinstance(value, str) and hasattr(torch, value) and isinstance(getattr(torch, value), torch.dtype):
        return getattr(torch, value)
    if not isinstance(value, dict):
        return value
    tensor = peer_fill({**value, 'fill': 'integer' if value['fill'] == 'integer' else 'uniform'})
    return (tensor.abs() if value['fill'] == 'positive' else tensor).to(getattr(torch, value['dtype']))


SUITES = {'functions': functions}
