"""Peer only: no part of the package. Row and elementwise work, forward, and forward with the gradients of all operands."""
import torch
import torch.nn.functional as F


def layer_norm(x, w, b):
    return F.layer_norm(x, w.shape, w, b)


RUNS = {
    'softmax': lambda x: x.softmax(-1),
    'logsoftmax': lambda x: x.log_softmax(-1),
    'layernorm': layer_norm,
    'gelu': F.gelu,
    'add': lambda x: x + x,
    'crossentropy': F.cross_entropy,
    'bias-relu': lambda x, b: (x + b).relu(),
    'bias-gelu': lambda x, b: F.gelu(x + b),
    'residual-layernorm': lambda x, w, b, y: layer_norm(x + y, w, b),
    'chain-bias-gelu-residual-layernorm': lambda x, w, b, y, bias: layer_norm(F.gelu(x + bias) + y, w, b),
    'chain-scale-mask-softmax': lambda x, mask: (x * 0.125).masked_fill(mask, -torch.inf).softmax(-1),
}


def fill(shape, fill, below=0):
    if fill == 'classes':
        return torch.randint(0, below, shape)
    if fill == 'normal':
        return torch.randn(shape)
    uniform = torch.rand(shape)
    return uniform < 0.5 if fill == 'mask' else uniform


def rows(work, wrap):
    dim = work.get('dim')
    plain = RUNS.get(work['op']) or (lambda x: getattr(x, work['op'])(tuple(dim) if isinstance(dim, list) else dim))
    run, inputs = wrap(plain), [fill(**each) for each in work['inputs']]
    if not work['backward']:
        return lambda: run(*inputs)
    floats = [x.requires_grad_() for x in inputs if x.is_floating_point()]
    seed = torch.randn_like(run(*inputs))
    # the gradient of a sum is a view of fewer numbers; as one of ours it is to be in memory
    return lambda: [g.contiguous() for g in torch.autograd.grad(run(*inputs), floats, seed)]


SUITES = {'rows': rows}
