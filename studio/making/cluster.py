"""The scheduler and the worker processes that the studio starts on this computer.

They listen on the loopback, speak to nobody without this studio's keys (see `keys`), serve no pages, and end
with this process, however it ends.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

import dask.config
from dask.system import CPU_COUNT
from distributed import Nanny, Scheduler, SpecCluster, Worker
from distributed.deploy.cluster import Cluster

from studio.making.keys import keys_for_this_studio
from studio.making.waiting import wait_politely

SECRETS = ("STUDIO_PASSWORD",)
"""What nobody needs who is started from here; the page has read it before."""

SETTINGS: dict[str, Any] = {
    # Dask would limit every library to one thread, and change this process's environment to do so.
    "distributed.nanny.pre-spawn-environ": {},
    # The scheduler lives in this process and keeps this many messages of a topic, previews included.
    "distributed.admin.low-level-log-length": 16,
    # A worker gets its second job when its first is done, so that both cannot be lost at once.
    "distributed.scheduler.worker-saturation": 1.0,
    # Monitoring for Dask's own pages takes a twentieth of a core at rest, and slows the work.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.disk": False,
    # Networks at rest should stay in memory: a worker neither spills nor pauses, it only has a limit.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    # Dask measures silence by a clock that goes on while a laptop sleeps. `Workers` watches instead.
    "distributed.scheduler.worker-ttl": None,
}


HEARTBEAT = 2.0
"""Seconds between two signs of life of a worker. `watching` waits twenty times as long for one."""


class QuietScheduler(Scheduler):  # type: ignore[misc]
    """A scheduler without pages of its own: nobody reads them, and they know no keys.

    It seldom wakes while nothing is made: Dask's looks four times a second whether it has had nothing to do
    for longer than it may, which this one may for ever, and hears from each worker twice a second.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("idle-timeout", "no-workers-timeout"):
            self.periodic_callbacks.pop(name, None)

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Serve nothing."""

    def heartbeat_worker(self, *args: Any, **named: Any) -> dict[str, Any]:
        """Dask's answer to a sign of life, which says when the next is wanted."""
        return dict(super().heartbeat_worker(*args, **named)) | {"heartbeat-interval": HEARTBEAT}


class QuietWorker(Worker):  # type: ignore[misc]
    """A worker without pages of its own."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Serve nothing."""


class PatientCluster(SpecCluster):  # type: ignore[misc]
    """A cluster whose nannies start dead workers again for as long as it lives.

    Dask's own gives up a worker that is not back after 15 seconds, which a busy computer may need to start
    one, and then nobody makes anything any more.

    begins: called with the cluster before it starts its first worker, which may never get up.
    """

    def __init__(self, *, begins: Callable[[PatientCluster], object], **options: Any) -> None:
        begins(self)
        super().__init__(**options)

    def _update_worker_status(self, op: str, message: Any) -> None:
        Cluster._update_worker_status(self, op, message)


USUAL, QUICK = "usual", "quick"
"""What the workers of each lane have, in Dask's words a resource: a work asks for the one or the other. The
worker of the quick lane has this name too.
"""


def start_cluster(
    count: int, memory_limit: int, quick_limit: int = 0, *, begins: Callable[[PatientCluster], object]
) -> PatientCluster:
    """A scheduler in this process and `count` worker processes with one job at a time each.

    memory_limit: bytes for each. quick_limit: bytes for one more worker, for light works alone; 0 starts
    none. begins: called with the cluster before it starts its first worker. Their processes inherit this
    process's environment, so secrets are taken out of it for good.
    """
    for name in SECRETS:
        os.environ.pop(name, None)
    wait_politely()
    threads = str(max(1, CPU_COUNT // count))
    environment = {name: os.environ.get(name, threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    common = {"host": "127.0.0.1", "protocol": "tls://", "security": keys_for_this_studio()}
    worker = common | {
        "worker_class": QuietWorker,
        "nthreads": 1,
        "env": environment,
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
    }
    usual = {"memory_limit": memory_limit, "resources": {USUAL: 1}}
    workers: dict[int | str, Any] = {
        number: {"cls": Nanny, "options": worker | usual} for number in range(count)
    }
    if quick_limit:
        quick = {"memory_limit": quick_limit, "resources": {QUICK: 1}, "name": QUICK}
        workers[QUICK] = {"cls": Nanny, "options": worker | quick}
    scheduler = common | {"port": 0, "allowed_failures": 0, "dashboard": False}
    with dask.config.set(SETTINGS), _ignoring_ctrl_c():
        return PatientCluster(
            begins=begins,
            workers=workers,
            scheduler={"cls": QuietScheduler, "options": scheduler},
            security=common["security"],
            silence_logs=logging.CRITICAL,
        )


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """Ctrl+C reaches every process of a terminal. Threads and processes started in here ignore it, so that
    the process that started them decides.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # multiprocessing starts this with the first process, which would listen to Ctrl+C again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
