"""What the steps do, the same for every peer whose steps are Python."""

import subprocess

from fibonacci import fib

__all__ = ["PIPELINE", "fib", "shell"]

# Three processes, each reading what the one before it wrote; the last prints 271.
PIPELINE = ("seq 1 1000", "grep 7", "wc -l")


def shell(command, stdin=""):
    """One process of the pipeline."""
    return subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, text=True, check=True).stdout
