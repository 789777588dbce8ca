#!/usr/bin/python3
"""A node with a small web shop on it, for people to look at: access logs, JSON, stack traces, a database, a short job
every quarter of a minute, and a kubelet that rotates. One namespace, in the kubelet's layout, until SIGTERM or Ctrl-C.

    shop.py PODS_DIR

Prints the number of lines that it has written when it ends."""
import json
import pathlib
import random
import shutil
import signal
import sys
import threading
import time

from kubelet import Log

NAMESPACE = "shop-demo"
ROTATE_BYTES = 192 << 10
STEP_SECONDS = 0.1
JOB_EVERY_SECONDS, JOB_KEPT_SECONDS = 15, 20
PATHS = ["/", "/items", "/items/teapot", "/items/和傘", "/cart", "/checkout", "/healthz"]
CITIES = ["東京", "大阪", "札幌", "福岡", "Berlin", "Lyon"]
TRACE = """java.lang.IllegalStateException: card was declined: insufficient funds
\tat jp.shop.payment.Gateway.charge(Gateway.java:118)
\tat jp.shop.payment.Checkout.pay(Checkout.java:64)
\tat jp.shop.payment.Worker.run(Worker.java:31)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.net.SocketTimeoutException: read timed out
\tat jp.shop.payment.Connection.read(Connection.java:77)
\t... 3 more"""


class Shop:
    def __init__(self, pods_dir):
        self.pods_dir, self.random, self.lines, self.jobs = pods_dir, random.Random(1657), 0, 0
        self.web = self.log("web-7c9d8f6b5-x2kqp", "nginx")
        self.orders = self.log("orders-6f5d9c7b84-4jr8m", "orders")
        self.payments = self.log("payments-5b8f7d9c6-q7w2z", "payments")
        self.database = self.log("mysql-0", "mysql")
        self.rotating = [self.web, self.orders, self.payments, self.database]
        self.finished = []  # of jobs: (when to remove it, its log)

    def log(self, pod, container):
        return Log(self.pods_dir, pod, namespace=NAMESPACE, container=container)

    def write(self, log, body, stream="stdout"):
        log.line(body, stream)
        self.lines += 1

    def visit(self):
        status = self.random.choices([200, 304, 404, 500], [90, 6, 3, 1])[0]
        self.write(self.web, f'10.42.{self.random.randrange(4)}.{self.random.randrange(2, 250)} - - '
                             f'"GET {self.random.choice(PATHS)} HTTP/1.1" {status} {self.random.randrange(90, 9000)}')

    def order(self):
        total = self.random.randrange(500, 60000)
        self.write(self.orders, json.dumps(
            {"log.level": "warn" if total > 50000 else "info", "message": "order placed", "order": {
                "id": self.random.randrange(10**6, 10**7), "total": total, "currency": "JPY",
                "city": self.random.choice(CITIES)}, "event": {"duration": self.random.randrange(10**6, 10**8)}},
            ensure_ascii=False))

    def payment(self):
        if self.random.random() > 0.02:
            return self.write(self.payments, f"INFO  charged card in {self.random.randrange(20, 400)} ms")
        for line in TRACE.split("\n"):
            self.write(self.payments, line, "stderr")

    def job(self):
        """A pod that lives for a moment; a while later the kubelet removes it."""
        self.jobs += 1
        report = self.log(f"report-{29000000 + self.jobs}-{self.random.randrange(16**5):05x}", "report")
        for line in ["sales report of the last hour", "火の用心 nothing burns", "done"]:
            self.write(report, line)
        report.close()
        self.finished.append((time.monotonic() + JOB_KEPT_SECONDS, report))

    def run(self, stop):
        step = 0
        while not stop.wait(STEP_SECONDS):
            for _ in range(self.random.randrange(4, 20)):
                self.visit()
            for _ in range(self.random.randrange(0, 9)):
                self.order()
            self.payment()
            if step % 50 == 0:
                self.write(self.database, "[Note] InnoDB: page cleaner took 12 ms to flush 64 pages")
            if step % int(JOB_EVERY_SECONDS / STEP_SECONDS) == 20:
                self.job()
            step += 1
            for log in self.rotating:
                if log.size() > ROTATE_BYTES:
                    log.rotate()
            while self.finished and self.finished[0][0] < time.monotonic():
                shutil.rmtree(self.finished.pop(0)[1].path.parents[1])


if __name__ == "__main__":
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    shop = Shop(pathlib.Path(sys.argv[1]))
    shop.run(ending)
    print(shop.lines)
