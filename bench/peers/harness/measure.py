"""Measures one peer: cold start, memory at rest, then each workload, warm.

What takes less than `REPEAT_UNDER` seconds is done three times, and the median counts.
"""

import statistics
import tempfile
import time
from pathlib import Path

from . import processes
from .peer import Failed, Peer

REPEAT_UNDER = 10
LIMIT = 420
REST = 10
# Between workloads: what a peer still writes in the background belongs to the one before.
SETTLE = 3

# What must come out, by workload and size.
EXPECTED = {
    "chain": lambda size: size,
    "fan": lambda size: size * (size + 1) // 2,
    "runs": lambda size: size,
    "fib_light": lambda size: 55 * size,
    "fib_long": lambda size: 3524578 * size,
    "shell": lambda size: 271 * size,
}


def measure(name, settings, sizes, note):
    """One row per measurement that worked; what did not work is a row with `error`."""
    sizes = {**sizes, **settings.get("sizes", {})}
    settings = {**settings, "environment": {**settings.get("environment", {}), **_as_environment(sizes)}}
    workloads = settings.get("workloads", list(sizes))
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as work:
        with Peer(name, settings, Path(work)) as peer:
            try:
                yield from _start(peer, note, settings)
                for workload in workloads:
                    time.sleep(SETTLE)
                    note(f"{name}: {workload} {sizes[workload]}")
                    yield {"peer": name, "workload": workload, **_workload(peer, workload, sizes[workload])}
            except (Failed, OSError, ValueError) as error:
                yield {"peer": name, "error": f"{error}; {_tail(Path(work) / 'output.log')}"}


def _start(peer, note, settings):
    """Cold start to the first run done, without the start of what is only a client; then ten seconds at rest."""
    note(f"{peer.name}: start")
    application = settings.get("application", False)
    peer.start_database()
    steps = [(peer.start_services, True), (peer.start_driver, application), (lambda: peer.do("runs", 1, LIMIT), True)]
    wall = cpu = 0
    for step, counts in steps:
        before, began = processes.cpu_seconds(), time.monotonic()
        step()
        wall += (time.monotonic() - began) * counts
        cpu += (processes.cpu_seconds() - before) * counts
    if "workloads" in settings:
        return
    yield {"peer": peer.name, "workload": "cold", "size": 1, "wall_s": wall, "cpu_s": cpu, "rounds": 1}
    peer.do("rest", 1, LIMIT)
    time.sleep(2)
    before = processes.cpu_seconds()
    time.sleep(REST)
    busy = (processes.cpu_seconds() - before) / REST
    mib = processes.memory_mib(() if application else (peer.driver.pid,))
    yield {"peer": peer.name, "workload": "rest", "mib": mib, "busy": busy}


def _workload(peer, workload, size):
    """The median of the rounds; a round that fails after one that did not ends them."""
    walls, cpus = [], []
    while len(walls) < 3 and not (walls and walls[0] > REPEAT_UNDER):
        answer, wall, cpu = peer.do(workload, size, LIMIT)
        if answer.get("result") != EXPECTED[workload](size):
            if walls:
                break
            return {"error": f"{workload} gave {str(answer)[-300:]}"}
        walls.append(wall)
        cpus.append(cpu)
    return {
        "size": size,
        "wall_s": statistics.median(walls),
        "cpu_s": statistics.median(cpus),
        "rounds": len(walls),
    }


def _as_environment(sizes):
    return {f"SIZE_{name.upper()}": str(size) for name, size in sizes.items()}


def _tail(log):
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " | ".join(lines[-5:])[-600:]
