"""Launches Dagster jobs through its API and waits for them."""

import os
import time

import driving
from dagster import DagsterRunStatus as Status
from dagster_graphql import DagsterGraphQLClient

ENDED = {Status.SUCCESS, Status.FAILURE, Status.CANCELED}
CLIENT = DagsterGraphQLClient("127.0.0.1", port_number=int(os.environ["DAGSTER_PORT"]))


def run_all(job, count=1):
    """Starts so many runs at once; Dagster itself holds back what is over its limit. Returns how many succeeded."""
    left = [CLIENT.submit_job_execution(job) for _ in range(count)]
    succeeded = 0
    while left:
        time.sleep(0.2)
        status = {run: CLIENT.get_run_status(run) for run in left}
        succeeded += sum(one == Status.SUCCESS for one in status.values())
        left = [run for run in left if status[run] not in ENDED]
    return succeeded


def expecting(result):
    """Dagster does not hand outputs back through its API: the result is what success stands for."""

    def workload(job):
        def do(size):
            if run_all(job) != 1:
                raise RuntimeError(f"{job} failed")
            return result(size)

        return do

    return workload


driving.serve(
    {
        "chain": expecting(lambda size: size)("chain"),
        "fan": expecting(lambda size: size * (size + 1) // 2)("fan"),
        "runs": lambda size: run_all("three", size),
        "fib_light": expecting(lambda size: 55 * size)("fib_light"),
        "fib_long": expecting(lambda size: 3524578 * size)("fib_long"),
        "shell": lambda size: 271 * sum(run_all("pipeline") for _ in range(size)),
    }
)
