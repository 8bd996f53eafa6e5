"""The loop of a driver: reads `WORKLOAD SIZE` lines, answers each with one line of JSON.

Standard output belongs to the answers alone: whatever else prints to it goes to standard error.
"""

import json
import os
import sys
import traceback


def serve(workloads):
    """Answers until standard input ends. Each workload is a function of its size that returns what came out."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print("ready", file=answers)
    for line in sys.stdin:
        workload, size = line.split()
        if workload == "rest":
            answer = {"result": workloads.get("rest", lambda _: None)(int(size))}
        else:
            answer = _do(workloads[workload], int(size))
        print(json.dumps(answer), file=answers)


def _do(function, size):
    try:
        return {"result": function(size)}
    except Exception:
        return {"error": traceback.format_exc()[-2000:]}
