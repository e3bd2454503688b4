"""Peer only: no part of the package. Single operations: a description of the work in, a function that does it once out."""
import torch
import torch.nn.functional as F


def gemm(work, wrap):
    torch.set_grad_enabled(False)
    n = work['n']
    a, b = torch.randn(n, n), torch.randn(n, n)
    left, right = a.t() if work['transposeA'] else a, b.t() if work['transposeB'] else b
    multiply = wrap(torch.matmul)
    return lambda: multiply(left, right)


def conv(work, wrap):
    torch.set_grad_enabled(False)
    x, w, dy = torch.randn(work['x']), torch.randn(work['weight']), torch.randn(work['y'])
    stride, padding, groups = work['stride'], work['padding'], work['groups']
    if work['mode'] == 'forward':
        forward = wrap(lambda x, w: F.conv2d(x, w, stride=stride, padding=padding, groups=groups))
        return lambda: forward(x, w)
    # what autograd calls, asked for one gradient only
    mask = [work['mode'] == 'input gradient', work['mode'] == 'weight gradient', False]
    two = lambda extent: [extent, extent]
    backward = wrap(lambda dy, x, w: torch.ops.aten.convolution_backward(
        dy, x, w, None, two(stride), two(padding), two(1), False, two(0), groups, mask))
    return lambda: backward(dy, x, w)


def attention(work, wrap):
    both = work['mode'] == 'both'
    torch.set_grad_enabled(both)
    q, k, v, dy = (torch.randn(work['shape']) for _ in range(4))
    forward = wrap(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=work['isCausal']))
    if not both:
        return lambda: forward(q, k, v)
    learnt = [each.requires_grad_() for each in (q, k, v)]
    return lambda: torch.autograd.grad(forward(q, k, v), learnt, dy)


SUITES = {'gemm': gemm, 'conv': conv, 'attention': attention}
