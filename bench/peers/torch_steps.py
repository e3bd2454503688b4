"""Peer only: no part of the package. Training steps (forward, backward and the optimizer's update on a fixed batch) and forward passes, from
the weights that Tensorloom's start from too (`torch_cases.py`).
"""
import torch
import torch.nn.functional as F

from torch_cases import CASES, load_peer_weights, optimizer_of, peer_fill


def train(work, wrap):
    torch.set_grad_enabled(True)
    spec = CASES[work['case']]
    model = load_peer_weights(spec['build']())
    update = optimizer_of(spec['optimizer'], model.parameters())
    return step_of(model, update, peer_fill(spec['input']), peer_fill(spec['target']), wrap)


def step_of(model, update, x, y, wrap):
    run = wrap(model)

    def step():
        update.zero_grad()
        F.cross_entropy(run(x), y).backward()
        update.step()

    return step


def infer(work, wrap):
    torch.set_grad_enabled(False)
    spec = CASES[work['case']]
    run, x = wrap(load_peer_weights(spec['build']()).eval()), peer_fill(spec['input'])
    return lambda: run(x)


def call(work, wrap):
    """Calls that compute next to nothing, or little."""
    if work['case'].startswith('add-'):
        torch.set_grad_enabled(False)
        x, add = torch.zeros(int(work['case'][4:])), wrap(lambda x: x + 1)
        return lambda: add(x)
    torch.set_grad_enabled(True)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4))
    return step_of(model, torch.optim.SGD(model.parameters(), lr=0.1), torch.randn(1, 4), torch.zeros(1, dtype=torch.int64), wrap)


SUITES = {'train': train, 'infer': infer, 'compile': call}
