"""Dagster jobs of the sizes that are measured."""

import os

import work
from dagster import Definitions, DynamicOut, DynamicOutput, graph, in_process_executor, op

SIZE = {name: int(os.environ[f"SIZE_{name.upper()}"]) for name in ("chain", "fan", "fib_light", "fib_long")}


@op
def zero():
    return 0


@op
def increment(n):
    return n + 1


@op(out=DynamicOut())
def numbers():
    for n in range(SIZE["fan"]):
        yield DynamicOutput(n, str(n))


@op
def total(values):
    return sum(values)


def repeated(name, step, size):
    """A job of so many steps, one after the other."""

    @graph(name=name)
    def steps():
        value = zero()
        for _ in range(size):
            value = step(value)

    return steps.to_job(executor_def=in_process_executor)


def fibonacci(n):
    @op(name=f"fib_{n}")
    def step(before):
        return before + work.fib(n)

    return step


def process(command):
    @op(name=command.split()[0])
    def step(text):
        return work.shell(command, text if isinstance(text, str) else "")

    return step


@graph
def fan():
    total(numbers().map(increment).collect())


@graph
def pipeline():
    text = zero()
    for command in work.PIPELINE:
        text = process(command)(text)


defs = Definitions(
    jobs=[
        repeated("chain", increment, SIZE["chain"]),
        repeated("three", increment, 2),
        repeated("fib_light", fibonacci(10), SIZE["fib_light"]),
        repeated("fib_long", fibonacci(33), SIZE["fib_long"]),
        fan.to_job(executor_def=in_process_executor),
        pipeline.to_job(executor_def=in_process_executor),
    ]
)
