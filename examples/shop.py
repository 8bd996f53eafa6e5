#!/usr/bin/env python3
"""A small shop for the examples: an HTTP API on the loopback interface, from the data beside this file.

    examples/shop.py [--port 8787]

With port 0 it takes a free one. The first line it prints is its address. It keeps nothing on disk.
"""

import argparse
import json
import pathlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DATA = pathlib.Path(__file__).parent / "data"
ORDERS = json.loads((DATA / "orders.json").read_text())
RATES = json.loads((DATA / "rates.json").read_text())
PAGE = 5

lock = threading.Lock()
seen: dict[str, int] = {}  # how often each key of /flaky and /job was asked for
payments: dict[str, dict] = {}  # by idempotency key, so that a repeated payment is the same payment


def count(key: str) -> int:
    with lock:
        seen[key] = seen.get(key, 0) + 1
        return seen[key]


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match url.path.strip("/").split("/"):
            case ["orders"]:
                self.orders(int(query.get("page", "1")))
            case ["orders", number]:
                found = [order for order in ORDERS if str(order["id"]) == number]
                self.answer(200, found[0]) if found else self.answer(404, {"error": f"no order {number}"})
            case ["rates"]:
                self.answer(200, RATES)
            case ["flaky"]:
                self.flaky(query.get("key", ""), int(query.get("fails", "2")))
            case ["job", key]:
                done = count(f"job {key}") >= 3
                self.answer(200, {"state": "done" if done else "running", "result": 42 if done else None})
            case ["mirror", name]:
                time.sleep({"fast": 0.0, "slow": 5.0}.get(name, 0.5))
                self.answer(200, {"mirror": name})
            case ["private"]:
                known = self.headers.get("authorization") == "Bearer open-sesame"
                self.answer(200, {"vault": "gold"}) if known else self.answer(401, {"error": "who are you?"})
            case ["health"]:
                self.answer(200, {"ok": True})
            case _:
                self.answer(404, {"error": "no such page"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))) or b"null")
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["payments"]:
                key = self.headers.get("idempotency-key", "")
                with lock:
                    payment = payments.setdefault(key, {"id": f"pay-{len(payments) + 1}", **(body or {})})
                self.answer(201, payment)
            case ["refunds"] | ["reservations"] | ["releases"]:
                self.answer(201, {"done": True, **(body or {})})
            case ["shipments"]:
                if (body or {}).get("country") == "XX":
                    self.answer(422, {"error": "we do not ship there"})
                else:
                    self.answer(201, {"tracking": "T-1000"})
            case _:
                self.answer(404, {"error": "no such page"})

    def orders(self, page: int) -> None:
        items = ORDERS[(page - 1) * PAGE : page * PAGE]
        more = page * PAGE < len(ORDERS)
        self.answer(200, {"items": items, "next_page": page + 1 if more else None, "total": len(ORDERS)})

    def flaky(self, key: str, fails: int) -> None:
        tries = count(f"flaky {key}")
        if tries <= fails:
            self.answer(503, {"error": "try again"})
        else:
            self.answer(200, {"tries": tries})

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Says nothing: the flows say what they do."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8787)
    port = parser.parse_args().port
    server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
