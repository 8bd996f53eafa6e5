"""Prefect flows and the process that calls them."""

import asyncio

import driving
import work
from prefect import flow, task


@task
def increment(n):
    return n + 1


@task
async def increment_async(n):
    return n + 1


@task
def fib_task(n):
    return work.fib(n)


@task
def shell_task(command, stdin):
    return work.shell(command, stdin)


@flow
def chain(size):
    value = 0
    for _ in range(size):
        value = increment(value)
    return value


@flow
def fan(size):
    return sum(increment.map(range(size)).result())


@flow
async def three():
    return await increment_async(await increment_async(await increment_async(0)))


@flow
def fibonacci(size, n):
    return sum(fib_task(n) for _ in range(size))


@flow
def pipeline():
    text = ""
    for command in work.PIPELINE:
        text = shell_task(command, text)
    return int(text)


async def runs(size):
    free = asyncio.Semaphore(50)

    async def one():
        async with free:
            return await three()

    return sum(result == 3 for result in await asyncio.gather(*[one() for _ in range(size)]))


driving.serve(
    {
        "chain": chain,
        "fan": fan,
        "runs": lambda size: asyncio.run(runs(size)),
        "fib_light": lambda size: fibonacci(size, 10),
        "fib_long": lambda size: fibonacci(size, 33),
        "shell": lambda size: sum(pipeline() for _ in range(size)),
    }
)
