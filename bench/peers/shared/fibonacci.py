"""The known benchmark's function. It imports nothing, as it is also what a process per task runs."""


def fib(n):
    """The known benchmark's function: naive on purpose."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)
