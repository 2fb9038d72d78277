"""Imports TensorFlow once, then answers jobs, one forked child each.

Reads jobs as JSON lines on standard input and answers each with one frame (wire.py) on standard output. The rules of
this file are measured, see docs/method.md: no op may run in this process, and it may hold one thread only, or every
child hangs.

This process is root of its container with SETUID, SETGID and KILL and nothing else. It holds no secret and no
expectation, opens nothing that a child made, and takes from a child only bytes of bounded length, told apart by the
pipe they came from.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a BLAS pool would be a second thread, and fork copies only one
os.environ["OMP_NUM_THREADS"] = "1"

import gc
import json
import platform
import select
import signal
import sys
import time

import child
import place
import sweep
import wire

MAX_LINE = 1 << 20
NOISE = 16 << 10
TICK = 0.05
UIDS = 20000
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def main():
    """Say hello, then answer jobs until standard input ends."""
    channel = os.dup(1)
    os.dup2(2, 1)  # whatever the framework prints must not look like a frame
    place.adopt_orphans()
    started = time.monotonic()
    import tensorflow as tf

    tf.keras.models.load_model  # noqa: B018  resolves the lazy loader here, once
    child.preload()
    gc.collect()
    gc.freeze()  # without it a collection in the child copies every page: 0.07 s became 0.24 s in 2.9
    send(channel, {"hello": identity(tf, time.monotonic() - started)})
    first = first_uid()
    for number, line in enumerate(lines(0)):
        job = json.loads(line.decode())
        header, body = attend(job, first + number % UIDS)
        send(channel, header, body)


def first_uid():
    """Return where this container's own range of user ids begins.

    The kernel counts a user's processes over all containers: with the same ids in each, a fork bomb in one would starve
    the others. Where a user namespace maps fewer ids, it also counts apart. Without a container they only number cells.
    """
    if not place.ISOLATED:
        return 1
    with open("/proc/self/uid_map") as file:
        mapped = sum(int(line.split()[2]) for line in file)
    if mapped < 1 << 31:
        return UIDS
    block = int.from_bytes(os.urandom(4), "little") % ((1 << 31) // UIDS - 2)
    return (block + 1) * UIDS


def lines(fd):
    """Yield lines from a descriptor; a longer one than ``MAX_LINE`` ends the process."""
    kept = b""
    while True:
        data = os.read(fd, 1 << 16)
        if not data:
            return
        kept += data
        *whole, kept = kept.split(b"\n")
        for line in whole:
            yield line
        if len(kept) > MAX_LINE:
            raise SystemExit("a job is longer than %d bytes" % MAX_LINE)


def send(channel, header, body=b""):
    """Write one frame to the host, all of it."""
    child.write_all(channel, wire.pack(header, body))


def identity(tf, seconds):
    """Return what this environment really is, read from inside, not from any table."""
    versions = {"tensorflow": tf.__version__, "python": platform.python_version()}
    package = tf.keras.models.load_model.__module__.partition(".")[0]  # tf_keras does not import the keras beside it
    versions["keras"] = str(getattr(tf.keras, "__version__", "") or sys.modules[package].__version__)
    for name in ("numpy", "h5py", "google.protobuf", "ml_dtypes"):
        if name in sys.modules:
            versions[name.split(".")[-1]] = str(getattr(sys.modules[name], "__version__", "?"))
    facts = {
        "import_seconds": round(seconds, 3),
        "threads": threads(),
        "cpus": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "settings": {k: v for k, v in os.environ.items() if k.startswith(("TF_", "OMP_", "OPENBLAS_"))},
    }
    facts.update(processor())
    return {"versions": versions, "facts": facts}


def processor():
    """Return the processor's model name and flags, which decide the kernels TensorFlow chooses."""
    found = {}
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "flags"):
                found.setdefault(key.strip().replace(" ", "_"), value.strip())
    return found


def threads():
    """Return how many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def oom_kills():
    """Return how many processes the kernel has killed in this container for want of memory."""
    for path in OOM_COUNTERS:
        try:
            with open(path) as file:
                counts = dict(line.split() for line in file)
            return int(counts["oom_kill"])
        except (OSError, KeyError, ValueError):
            continue
    return 0


def attend(job, uid):
    """Run one job in a child of its own; return the frame's header and body for the host.

    The header's ``end`` says how the child ended, ``child`` the lengths of what it said, which is the body.
    """
    fresh = bool(job.get("fresh")) or threads() != 1
    before = oom_kills()
    results, results_end = os.pipe()
    noise, noise_end = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        child.main(job, uid, results_end, noise_end, fresh=fresh)
    os.close(results_end)
    os.close(noise_end)
    watch = Watch(pid, results, noise, job["limits"])
    watch.until_end()
    os.close(results)
    os.close(noise)
    header = {
        "job": job["job"],
        "lane": "fresh" if fresh else "fork",
        "end": watch.end(oom_kills() > before),
        "wall_seconds": time.monotonic() - started,
        "cpu_seconds": watch.usage.ru_utime + watch.usage.ru_stime,
        "peak_memory": watch.usage.ru_maxrss * 1024,
        "noise": watch.noise.decode("utf-8", "replace"),
        "tampered": watch.tampered,
        "clean": sweep.sweep(uid),
    }
    return header, watch.frame()


class Watch:
    """Reads what a child says, within its limits, until it has ended.

    A child that stays beyond its limit is asked to stop (SIGTERM), and after the grace period killed.
    """

    def __init__(self, pid, results, noise, limits):
        self.pid = pid
        self.open = {results: self.take_result, noise: self.take_noise}
        self.limits = limits
        self.said = bytearray()
        self.size = None  # of the whole frame, once its prefix is there
        self.noise = b""
        self.tampered = False
        self.status = None
        self.usage = None
        self.stopped = 0
        self.deadline = time.monotonic() + limits["seconds"]

    def until_end(self):
        """Return once the child is reaped and its pipes are read."""
        while self.status is None:
            ready = select.select(list(self.open), [], [], TICK if self.open else 0.001)[0]
            for fd in ready:
                self.read(fd)
            self.reap()
            if self.status is None and time.monotonic() > self.deadline:
                self.press()
        self.drain()

    def read(self, fd):
        data = os.read(fd, 1 << 20)
        if data:
            self.open[fd](data)
        else:
            del self.open[fd]

    def drain(self):
        """Read what is left in the pipes; a descendant that holds them open is not waited for."""
        while self.open:
            ready = select.select(list(self.open), [], [], 0)[0]
            if not ready or len(self.said) > self.limits["body"] + wire.MAX_HEADER:
                return
            for fd in ready:
                self.read(fd)

    def take_result(self, data):
        """Keep the first whole frame; anything that is no frame, or comes after it, is tampering."""
        if self.tampered:
            return
        self.said += data
        if self.size is None and len(self.said) >= wire.FRAME.size:
            try:
                self.size = wire.FRAME.size + sum(
                    wire.lengths(bytes(self.said[: wire.FRAME.size]), self.limits["body"])
                )
            except wire.WireError:
                self.size = 0
        if self.size is not None and len(self.said) > self.size:
            self.tampered = True
            del self.said[self.size :]

    def take_noise(self, data):
        self.noise = (self.noise + data)[-NOISE:]

    def reap(self):
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid:
            self.status, self.usage = status, usage

    def press(self):
        """Ask the child to stop, or, when it was asked already, kill it."""
        os.kill(self.pid, signal.SIGKILL if self.stopped else signal.SIGTERM)
        self.stopped += 1
        self.deadline = time.monotonic() + self.limits["grace"]

    def frame(self):
        """Return the child's frame, or nothing when it is not whole."""
        return bytes(self.said) if self.size and len(self.said) == self.size else b""

    def end(self, killed_for_memory):
        """Say how the child ended: exit, signal, timeout or out-of-memory, with the code."""
        if self.stopped:
            return {"kind": "timeout", "code": self.stopped}
        if os.WIFSIGNALED(self.status):
            code = os.WTERMSIG(self.status)
            kind = "out-of-memory" if code == signal.SIGKILL and killed_for_memory else "signal"
            return {"kind": kind, "code": code}
        return {"kind": "exit", "code": os.WEXITSTATUS(self.status)}


if __name__ == "__main__":
    main()
