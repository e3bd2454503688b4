"""Peer only: no part of the package. Times the training steps that our `train` benchmark must match, one JSON object a line.

A step is forward, backward and the optimizer's update on a fixed batch. `--losses` prints ten losses from the generated weights
instead of times, to be held against `test/fixtures/steps/losses.json`.
"""
import argparse
import json
import time

import torch
import torch.nn.functional as F

from torch_cases import CASES, load_peer_weights, optimizer_of, peer_fill


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--losses', action='store_true')
    parser.add_argument('--seconds', type=float, default=3)
    parser.add_argument('--only', default='')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name, spec in CASES.items():
        if args.only in name:
            print(json.dumps({'suite': 'train', 'name': name, 'device': 'torch-cpu', 'threads': args.threads,
                              'compiled': args.compile, **run_case(spec, args)}), flush=True)


def run_case(spec, args):
    model = load_peer_weights(spec['build']())
    update, x, y = optimizer_of(spec['optimizer'], model.parameters()), peer_fill(spec['input']), peer_fill(spec['target'])
    run = torch.compile(model) if args.compile else model

    def step():
        update.zero_grad()
        loss = F.cross_entropy(run(x), y)
        loss.backward()
        update.step()
        return loss

    if args.losses:
        return {'losses': [step().item() for _ in range(10)]}
    return {**time_step(step, args.seconds), 'parameters': sum(p.numel() for p in model.parameters())}


def time_step(step, seconds):
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    for _ in range(3):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times.sort()
    return {'ms': round(times[len(times) // 2] * 1e3, 4), 'minMs': round(times[0] * 1e3, 4), 'firstMs': round(first * 1e3, 1)}


if __name__ == '__main__':
    main()
