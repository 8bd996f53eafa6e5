"""DBOS workflows and the application that calls them."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import driving
import work
from dbos import DBOS

DBOS(config={"name": "peers", "system_database_url": os.environ["DATABASE"], "run_admin_server": False})


@DBOS.step()
def increment(n):
    return n + 1


@DBOS.step()
async def increment_async(n):
    return n + 1


@DBOS.step()
def fib_step(n):
    return work.fib(n)


@DBOS.step()
def shell_step(command, stdin):
    return work.shell(command, stdin)


@DBOS.workflow()
def chain(size):
    value = 0
    for _ in range(size):
        value = increment(value)
    return value


@DBOS.workflow()
async def fan(size):
    return sum(await asyncio.gather(*[increment_async(n) for n in range(size)]))


@DBOS.workflow()
def fibonacci(size, n):
    return sum(fib_step(n) for _ in range(size))


@DBOS.workflow()
def pipeline():
    text = ""
    for command in work.PIPELINE:
        text = shell_step(command, text)
    return int(text)


def runs(size):
    with ThreadPoolExecutor(50) as pool:
        return sum(result == 3 for result in pool.map(lambda _: chain(3), range(size)))


DBOS.launch()
driving.serve(
    {
        "chain": chain,
        "fan": lambda size: asyncio.run(fan(size)),
        "runs": runs,
        "fib_light": lambda size: fibonacci(size, 10),
        "fib_long": lambda size: fibonacci(size, 33),
        "shell": lambda size: sum(pipeline() for _ in range(size)),
    }
)
DBOS.destroy()
