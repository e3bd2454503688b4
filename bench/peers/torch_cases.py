"""Peer only: no part of the package. The training cases in PyTorch: models, batches, optimizers, and reproducible weights.

`torch_steps.py` times them; `tools/fixtures/steps.py` records their losses. Weights and batches come from a counter-based
formula (below) whose TypeScript twin is `test/models/peer-weights.ts`, so both sides start from the same bits.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

GENERATOR = (
    'u(seed, i) = (fmix32((seed * 0x9E3779B9 + i) mod 2^32) >>> 8) / 2^24, in [0, 1), where fmix32 is the finalizer of '
    'MurmurHash3: h ^= h >>> 16; h = h * 0x85EBCA6B mod 2^32; h ^= h >>> 13; h = h * 0xC2B2AE35 mod 2^32; h ^= h >>> 16. '
    'fill "uniform": float32((2u - 1) * bound), the product in float64, i over the flat row-major index. '
    'fill "integer": floor(u * classes). fill "constant": value. Parameter number p (state_dict order, buffers not counted) has '
    'seed 1000 + p; inputs have seed 1, targets seed 2. Buffers keep their defaults (running mean 0, running variance 1).'
)


def peer_uniform(seed, count):
    """count numbers in [0, 1) with 24 bits each, as float64; see GENERATOR."""
    h = (np.uint64(seed) * np.uint64(0x9E3779B9) + np.arange(count, dtype=np.uint64)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return (h >> np.uint64(8)).astype(np.float64) / 2.0**24


def peer_fill(spec):
    """The tensor that a fill specification (one entry of losses.json) describes."""
    count = math.prod(spec['shape'])
    if spec['fill'] == 'constant':
        return torch.full(spec['shape'], spec['value'])
    u = peer_uniform(spec['seed'], count)
    if spec['fill'] == 'integer':
        return torch.from_numpy(np.floor(u * spec['classes']).astype(np.int64)).reshape(spec['shape'])
    return torch.from_numpy(((2 * u - 1) * spec['bound']).astype(np.float32)).reshape(spec['shape'])


def parameter_specs(model):
    """One fill specification per parameter: PyTorch's default bounds for Linear, Conv2d and LSTM, std 1 for Embedding, norms 1 and 0."""
    modules, specs = dict(model.named_modules()), []
    for index, (name, parameter) in enumerate(model.named_parameters()):
        owner = modules[name.rpartition('.')[0]]
        spec = {'name': name, 'shape': list(parameter.shape)}
        if isinstance(owner, (nn.LayerNorm, nn.BatchNorm2d)):
            spec |= {'fill': 'constant', 'value': 1 if name.endswith('weight') else 0}
        elif isinstance(owner, nn.Embedding):
            spec |= {'fill': 'uniform', 'seed': 1000 + index, 'bound': math.sqrt(3)}
        elif isinstance(owner, nn.LSTM):
            spec |= {'fill': 'uniform', 'seed': 1000 + index, 'bound': 1 / math.sqrt(owner.hidden_size)}
        else:
            spec |= {'fill': 'uniform', 'seed': 1000 + index, 'bound': 1 / math.sqrt(owner.weight[0].numel())}
        specs.append(spec)
    return specs


def load_peer_weights(model):
    with torch.no_grad():
        for parameter, spec in zip(model.parameters(), parameter_specs(model)):
            parameter.copy_(peer_fill(spec))
    return model


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (z.view(b, t, self.heads, c // self.heads).transpose(1, 2) for z in self.qkv(self.norm1(x)).split(c, 2))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(a.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class CharGPT(nn.Module):
    def __init__(self, vocabulary=65, context=64, width=128, heads=4, layers=4):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids):
        x = self.token(ids) + self.position(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.blocks(x))).flatten(0, 1)


class BasicBlock(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride != 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.downsample(x))


class LastStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(64, 128, 2, batch_first=True), nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def mlp_small():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def mlp_wide():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
    )


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    for i, o, stride in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]:
        layers += [BasicBlock(i, o, stride), BasicBlock(o, o, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def dense(*shape):
    return {'shape': list(shape), 'dtype': 'float32', 'fill': 'uniform', 'seed': 1, 'bound': 1.7}


def classes(shape, count, seed=2):
    return {'shape': list(shape), 'dtype': 'int64', 'fill': 'integer', 'seed': seed, 'classes': count}


def case(build, inputs, target, name, **options):
    return {'build': build, 'input': inputs, 'target': target, 'optimizer': {'name': name, **options}}


CASES = {
    'mlp-784-128-10-b64-sgd': case(mlp_small, dense(64, 784), classes([64], 10), 'SGD', lr=0.1),
    'mlp-784-512-512-10-b128-adam': case(mlp_wide, dense(128, 784), classes([128], 10), 'Adam', lr=1e-3),
    'cnn-28-b64-adam': case(cnn, dense(64, 1, 28, 28), classes([64], 10), 'Adam', lr=1e-3),
    'chargpt-4x128-t64-b12-adamw': case(CharGPT, classes([12, 64], 65, seed=1), classes([768], 65), 'AdamW', lr=1e-3),
    'lstm-2x128-t50-b32-adam': case(LastStep, dense(32, 50, 64), classes([32], 10), 'Adam', lr=1e-3),
    'resnet18-32-b32-sgdm': case(resnet18, dense(32, 3, 32, 32), classes([32], 10), 'SGD', lr=0.1, momentum=0.9),
}


def optimizer_of(spec, parameters):
    options = {key: value for key, value in spec.items() if key != 'name'}
    return getattr(torch.optim, spec['name'])(parameters, **options)
