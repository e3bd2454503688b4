"""Peer only: no part of the package. What needs a process of its own: {"what": "import" | "first step" | "memory", "case", "threads",
"compile", "steps"} as the only argument in; a JSON object with `times` (milliseconds) and, for memory, `peakMiB` out.
"""
import json
import sys
import time

work = json.loads(sys.argv[1])
start = time.perf_counter()
import torch  # noqa: E402

imported = (time.perf_counter() - start) * 1e3


def peak_mib():
    """The kernel's own mark of this program: getrusage tells that of the parent too."""
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) / 1024


def main():
    if work['what'] == 'import':
        return {'times': [imported]}
    from torch_steps import train
    torch.set_num_threads(work['threads'])
    step = train(work, torch.compile if work['compile'] else lambda function: function)
    times = []
    for _ in range(work.get('steps', 1)):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return {'times': times, **({'peakMiB': round(peak_mib(), 1)} if work['what'] == 'memory' else {})}


print(json.dumps(main()))
