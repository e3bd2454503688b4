"""Peer only: no part of the package. Single operations, forward only; one JSON object a line with the median time and the rate."""
import argparse
import json
import time

import torch
import torch.nn.functional as F

GEMM_SIZES = (16, 32, 64, 128, 256, 512, 1024, 2048, 127, 509, 1021)
# batch, input channels, output channels, image side, kernel side, stride, groups
CONVOLUTIONS = (
    (16, 64, 64, 56, 3, 1, 1), (16, 64, 256, 56, 1, 1, 1), (1, 64, 64, 56, 3, 1, 1), (16, 128, 128, 28, 3, 1, 1),
    (16, 256, 256, 14, 3, 1, 1), (16, 512, 512, 7, 3, 1, 1), (1, 3, 64, 224, 7, 2, 1), (16, 96, 96, 56, 3, 1, 96),
)


def kernels():
    """Yields (suite, name, run, floating-point operations, bytes moved)."""
    for n in GEMM_SIZES:
        a, b = torch.randn(n, n), torch.randn(n, n)
        yield 'gemm', f'gemm-{n}', lambda: a @ b, 2 * n**3, 0
    for b, c, o, s, k, stride, groups in CONVOLUTIONS:
        x, w = torch.randn(b, c, s, s), torch.randn(o, c // groups, k, k)
        flops = 2 * b * o * (c // groups) * k * k * (s // stride) ** 2
        yield ('conv', f'conv-b{b}-{c}-{o}-{s}-k{k}-s{stride}-g{groups}',
               lambda: F.conv2d(x, w, stride=stride, padding=k // 2, groups=groups), flops, 0)
    x, w = torch.randn(4096, 1024), torch.ones(1024)
    both, read = x.numel() * 8, x.numel() * 4
    yield 'row', 'softmax-4096x1024', lambda: x.softmax(-1), 0, both
    yield 'row', 'layernorm-4096x1024', lambda: F.layer_norm(x, (1024,), w, w), 0, both
    yield 'row', 'gelu-4096x1024', lambda: F.gelu(x), 0, both
    yield 'row', 'add-4096x1024', lambda: x + x, 0, both
    yield 'row', 'sum-last-4096x1024', lambda: x.sum(-1), 0, read
    yield 'row', 'sum-first-4096x1024', lambda: x.sum(0), 0, read
    for t in (128, 512, 1024, 2048):
        q = torch.randn(4, 8, t, 64)
        yield ('attention', f'attention-causal-4x8x{t}x64',
               lambda: F.scaled_dot_product_attention(q, q, q, is_causal=True), 2 * 2 * 4 * 8 * t * t * 64 // 2, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--seconds', type=float, default=0.5)
    parser.add_argument('--only', default='')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    for suite, name, run, flops, moved in kernels():
        if args.only not in name:
            continue
        run(), run()
        times, end = [], time.perf_counter() + args.seconds
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        times.sort()
        median = times[len(times) // 2]
        print(json.dumps({'suite': suite, 'name': name, 'device': 'torch-cpu', 'threads': args.threads,
                          'ms': round(median * 1e3, 4), 'minMs': round(times[0] * 1e3, 4),
                          'gflops': round(flops / median / 1e9, 1), 'gbs': round(moved / median / 1e9, 1)}), flush=True)


if __name__ == '__main__':
    main()
