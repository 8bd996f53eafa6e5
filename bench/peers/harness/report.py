"""Writes the table into bench/README.md, between its markers; all else on that page is left alone."""

import os
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "README.md"
BEGIN, END = "<!-- peers: begin, written by `make bench-peers` -->", "<!-- peers: end -->"
TITLES = {
    "chain": ("sequence of {size} steps", "step"),
    "fan": ("fan-out of {size} and join", "task"),
    "runs": ("{size} runs of 3 steps, 50 at a time", "run"),
    "fib_light": ("{size} × fib(10), in sequence", "task"),
    "fib_long": ("{size} × fib(33), in sequence", "task"),
    "shell": ("pipeline of 3 processes, {size} runs in sequence", "run"),
    "cold": ("cold start to the first run done", "start"),
}


def write(settings, rows):
    """The section's part that is measured."""
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        raise ValueError(f"{PAGE} lacks its markers")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{_body(settings, rows)}\n{END}{tail}")


def _body(settings, rows):
    names = [name for name in settings["peers"] if any(row["peer"] == name for row in rows)]
    peers = {name: settings["peers"][name] for name in names}
    found = {(row["peer"], row["workload"]): row for row in rows if "error" not in row}
    parts = [_when(rows), _table(peers, found, settings["sizes"]), _rest(peers, found), _how(peers, rows)]
    if failed := _failures(peers, rows):
        parts.append(failed)
    return "\n\n".join(parts)


def _when(rows):
    dates = sorted({row["date"] for row in rows})
    loads = sorted(row["load"] for row in rows)
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"Measured {when} on {os.cpu_count()} cores, load average (15 minutes) {loads[0]:.1f} to {loads[-1]:.1f}. Each cell: milliseconds "
        "of wall clock, and (in brackets) of processor, per unit. A size in italics is smaller than the row's."
    )


def _table(peers, found, sizes):
    lines = ["| per unit | " + " | ".join(peer["title"] for peer in peers.values()) + " |", "|---" * (len(peers) + 1) + "|"]
    for workload, (title, unit) in TITLES.items():
        size = sizes.get(workload, 1)
        cells = [_cell(found.get((name, workload)), size) for name in peers]
        lines.append(f"| {title.format(size=f'{size:,}')}: ms/{unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row, usual):
    if not row:
        return "–"
    size = row["size"]
    text = f"{_ms(row['wall_s'] / size)} ({_ms(row['cpu_s'] / size)})"
    return text if size == usual else f"{text} *{size}*"


def _ms(seconds):
    ms = seconds * 1000
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def _rest(peers, found):
    cells = []
    for name, peer in peers.items():
        if row := found.get((name, "rest")):
            cells.append(f"{peer['title']} {row['mib']:,.0f} MiB, {row['busy'] * 100:.1f} % of a core")
    return "At rest: " + "; ".join(cells) + "."


def _how(peers, rows):
    lines = ["| | version | steps are written in | what is durable | to know |", "|---|---|---|---|---|"]
    for name, peer in peers.items():
        version = next(row["version"] for row in rows if row["peer"] == name)
        about = [peer["title"], version, peer["language"], peer["durable"], " ".join(peer["caveats"].split())]
        lines.append("| " + " | ".join(about) + " |")
    return "\n".join(lines)


def _failures(peers, rows):
    failed = [f"- {peers[row['peer']]['title']}: {_one_line(row['error'])}" for row in rows if "error" in row]
    return "What did not work:\n\n" + "\n".join(failed) if failed else ""


def _one_line(text):
    line = " ".join(text.replace("\\n", " ").split())
    return line if len(line) <= 400 else f"{line[:100]} … {line[-300:]}"
