"""Peer only: no part of the package. Answers each request on standard input with the times of that work in PyTorch: see README.md."""
import argparse
import json
import os
import subprocess
import sys
import time

MOST_RUNS = 20000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--compile', action='store_true')
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        return say({'missing': f'{sys.executable} has no torch'})
    import torch_functions
    import torch_kernels
    import torch_rows
    import torch_steps
    modules = (torch_functions, torch_kernels, torch_rows, torch_steps)
    suites = {name: build for module in modules for name, build in module.SUITES.items()}
    torch.set_num_threads(args.threads)
    say({'peer': f'PyTorch {torch.__version__}' + (', torch.compile' if args.compile else '')})
    known, sample = None, None
    for line in sys.stdin:
        request = json.loads(line)
        suite, name = request['suite'], request['name']
        try:
            if known != (suite, name):
                torch.manual_seed(0)
                wrap = torch.compile if args.compile else lambda function: function
                work = request['work']
                sample = alone(suite, work, args) or repeated(suites[suite](work, wrap))
                known = (suite, name)
            say(sample(request['seconds']))
        except Exception as error:
            known = None
            say({'unsupported': f'{type(error).__name__}: {error}'.splitlines()[0]})


def say(answer):
    print(json.dumps(answer), flush=True)


def alone(suite, work, args):
    """A sampler for what needs a process of its own, if this does."""
    what = 'memory' if suite == 'memory' else work.get('what')
    if what not in ('memory', 'import', 'first step'):
        return None
    script = os.path.join(os.path.dirname(__file__), 'torch_alone.py')
    words = json.dumps({**work, 'what': what, 'threads': args.threads, 'compile': args.compile})
    return lambda seconds: json.loads(subprocess.run([sys.executable, script, words], capture_output=True, check=True).stdout)


def repeated(run):
    """Times of runs for so many seconds; the first runs, and one after each pause, are left out."""
    warm_ups = 3

    def sample(seconds):
        nonlocal warm_ups
        for _ in range(warm_ups):
            run()
        warm_ups = 1
        times, end = [], time.perf_counter() + seconds
        while (time.perf_counter() < end or len(times) < 2) and len(times) < MOST_RUNS:
            start = time.perf_counter()
            run()
            times.append(round((time.perf_counter() - start) * 1e3, 5))
        return {'times': times}

    return sample


if __name__ == '__main__':
    main()
