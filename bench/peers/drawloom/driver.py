"""Drives Drawloom as a user would: a `drawloom run` for each run, one store for all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import driving

BINARY = os.environ["DRAWLOOM"]
FLOWS = Path(__file__).resolve().parent / "flows"
SHARED = Path(__file__).resolve().parent.parent / "shared"
FIBONACCI = os.environ.get("FIBONACCI", "shell")
WAITING = []


def run(flow, **inputs):
    """The outputs of a run that is awaited."""
    given = [argument for name, value in inputs.items() for argument in ("--input", f"{name}={value}")]
    done = subprocess.run([BINARY, "run", FLOWS / flow, "--json", *given], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1000:] + done.stdout[-1000:])
    return json.loads(done.stdout)["outputs"]["result"]


def rest(_):
    """Leaves a run behind that waits for a timer."""
    WAITING.append(subprocess.Popen([BINARY, "run", FLOWS / "wait.yaml", "--json"], stdout=subprocess.DEVNULL))


def after_rest(workload):
    """The store belongs to one process at a time: the waiting one makes room first."""

    def do(size):
        while WAITING:
            waiting = WAITING.pop()
            waiting.terminate()
            waiting.wait()
        return workload(size)

    return do


def chain(size):
    """A flow of so many steps, written out as a user would."""
    steps = [{"id": "s1", "uses": "code", "with": {"source": "export default () => 1"}}]
    for i in range(2, size + 1):
        args = {"n": f"{{{{ s{i - 1} }}}}"}
        steps.append({"id": f"s{i}", "uses": "code", "with": {"source": "export default ({ n }) => n + 1", "args": args}})
    flow = {"drawloom": 1, "name": "chain", "steps": steps, "outputs": {"result": f"{{{{ s{size} }}}}"}}
    Path("chain.json").write_text(json.dumps(flow))
    return run(Path("chain.json").resolve())


def fibonacci(size, n):
    """By Python in a process per task, or by JavaScript."""
    if FIBONACCI == "code":
        return run("fib-code.yaml", n=n, size=size)
    return run("fib-shell.yaml", n=n, size=size, python=sys.executable, shared=SHARED)


def shell(size):
    return sum(run("shell.yaml") for _ in range(size))


driving.serve(
    {
        "chain": after_rest(chain),
        "fan": after_rest(lambda size: run("fan.yaml", size=size)),
        "runs": after_rest(lambda size: run("runs.yaml", size=size)),
        "fib_light": after_rest(lambda size: fibonacci(size, 10)),
        "fib_long": after_rest(lambda size: fibonacci(size, 33)),
        "shell": after_rest(shell),
        "rest": rest,
    }
)
