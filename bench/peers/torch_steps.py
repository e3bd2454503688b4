"""Peer only: no part of the package. Training steps: forward, backward and the optimizer's update on a fixed batch, from the weights that
Tensorloom's start from too (`torch_cases.py`).
"""
import torch
import torch.nn.functional as F

from torch_cases import CASES, load_peer_weights, optimizer_of, peer_fill


def train(work, wrap):
    torch.set_grad_enabled(True)
    spec = CASES[work['case']]
    model = load_peer_weights(spec['build']())
    update, x, y = optimizer_of(spec['optimizer'], model.parameters()), peer_fill(spec['input']), peer_fill(spec['target'])
    run = wrap(model)

    def step():
        update.zero_grad()
        F.cross_entropy(run(x), y).backward()
        update.step()

    return step


SUITES = {'train': train}
