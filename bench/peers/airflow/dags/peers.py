"""Airflow DAGs of the sizes that are measured."""

import os
from datetime import datetime

import work
from airflow.sdk import dag, task

SIZE = {name: int(os.environ[f"SIZE_{name.upper()}"]) for name in ("chain", "fan", "fib_light", "fib_long")}
settings = {"schedule": None, "start_date": datetime(2026, 1, 1), "catchup": False}


@task
def increment(n):
    return n + 1


@task
def fib(before, n):
    return before + work.fib(n)


@task
def process(text, command):
    return work.shell(command, text)


@task
def numbers():
    return list(range(SIZE["fan"]))


@task
def total(values):
    return sum(values)


def repeated(name, step, size):
    """A DAG of so many tasks, one after the other; the last is called `last`."""

    @dag(dag_id=name, **settings)
    def build():
        value = 0
        for at in range(size):
            value = step(value, "last" if at == size - 1 else f"s{at}")

    build()


def plain(value, task_id):
    return increment.override(task_id=task_id)(value)


def fibonacci(n):
    return lambda value, task_id: fib.override(task_id=task_id)(value, n)


repeated("chain", plain, SIZE["chain"])
repeated("three", plain, 3)
repeated("fib_light", fibonacci(10), SIZE["fib_light"])
repeated("fib_long", fibonacci(33), SIZE["fib_long"])


@dag(dag_id="fan", **settings)
def fan():
    total.override(task_id="last")(increment.expand(n=numbers()))


@dag(dag_id="pipeline", **settings)
def pipeline():
    text = ""
    for at, command in enumerate(work.PIPELINE):
        text = process.override(task_id="last" if at == 2 else f"s{at}")(text, command)


fan()
pipeline()
