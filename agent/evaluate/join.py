"""A Ray cluster is joined, or begun on this machine alone, and its machines are looked over. Needs the extra `ray`."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from tempfile import TemporaryDirectory
from typing import TypedDict

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from agent.manifest import versions

LOCAL = "local"
"""The address that means a cluster of this machine alone, begun for this evaluation and ended with it."""

STORE = 80 * 2**20
"""Bytes of shared memory for such a cluster: marks are small, and Ray asks for no less than 75 MiB."""

ANSWER = 120.0
"""Seconds for a machine to say what it has."""

ALIKE = ("handeye", "miniwob")
"""Packages that decide about marks, and so are to be the same on all machines; Ray looks after itself and Python."""


class Machine(TypedDict):
    """A machine of the cluster, in Ray's words."""

    NodeID: str
    NodeManagerAddress: str
    Alive: bool
    Resources: dict[str, float]


class ClusterError(RuntimeError):
    """A cluster that cannot be joined or cannot play, with what would help."""


@contextmanager
def joined(address: str, workers: int) -> Iterator[None]:
    """The cluster at `address`, fit for so many workers.

    "auto" and HOST:PORT mean one that this machine belongs to; it is left running. "local" begins one here, without
    dashboard and reports, and ends it. Raises `ClusterError` where there is none, or where its machines lack something.
    """
    if ray.is_initialized():
        raise ClusterError(f"{address}: this process is connected to a cluster already")
    with ExitStack() as stack:
        stack.callback(ray.shutdown)
        try:
            if address == LOCAL:
                stack.enter_context(_alone(workers))
            else:
                _answers(address)
                ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
        except (RayError, OSError, RuntimeError, ValueError) as error:
            raise ClusterError(f"{address}: {error}") from error
        if not share(cpus(), workers):
            raise ClusterError(f"{workers} workers take a CPU each, and the cluster at {address} has {sum(cpus())}")
        if address != LOCAL:
            _look_over()
        yield


@contextmanager
def _alone(workers: int) -> Iterator[None]:
    """A cluster for this process, whose token nobody else knows; Ray would write one into the home folder."""
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        try:
            ray.init(
                LOCAL,
                num_cpus=max(os.cpu_count() or 1, workers),
                object_store_memory=STORE,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _temp_dir=folder,
            )
            yield
        finally:
            ray.shutdown()


def _answers(address: str) -> None:
    """Ask at the port first: Ray would wait a minute for nobody."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ClusterError("expected local, auto or HOST:PORT of a cluster that this machine belongs to")
    socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def machines() -> list[Machine]:
    """Those that are there now and have CPUs to give."""
    found: list[Machine] = ray.nodes()
    return [machine for machine in found if machine["Alive"] and machine["Resources"].get("CPU")]


def cpus() -> list[int]:
    """The CPUs of each of them."""
    return [int(machine["Resources"]["CPU"]) for machine in machines()]


def share(machines: Sequence[int], workers: int) -> int:
    """How many CPUs each of `workers` can have on machines with so many; 0 where there are too few."""
    most = max(machines, default=0)
    return max((n for n in range(1, most + 1) if sum(own // n for own in machines) >= workers), default=0)


def _look_over() -> None:
    """Whether all machines that will play have what is here. A function of Python's own is asked: they have that."""
    ask = ray.remote(num_cpus=0)(version)
    ours = {name: found for name, found in versions().items() if name in ALIKE}
    for machine in machines():
        address = machine["NodeManagerAddress"]
        there = ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(machine["NodeID"], soft=False))
        for name, here in ours.items():
            try:
                found = ray.get(there.remote(name), timeout=ANSWER)
            except PackageNotFoundError:
                found = ""
            except RayError as error:
                raise ClusterError(f"{address}: {error}") from error
            agree(name, here, found, address)


def agree(name: str, here: str, there: str, machine: str) -> None:
    """ClusterError where a machine of the cluster has another version of a package, or none."""
    if there != here:
        has = f"has {name} {there}" if there else f"has no {name}"
        raise ClusterError(f"the machine {machine} {has}, and here it is {here}: pip install {name}=={here} there")
