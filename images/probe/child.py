"""What happens in the process that touches an artifact: drop every right, work, say what was seen, end.

Entered by fork from the zygote, or, for a repetition in a fresh process, by exec of this file, which imports
TensorFlow anew.
"""

import json
import os
import resource
import shutil
import signal
import sys

import place

RESULT = 3
PROCESSES = 100  # below the container's own limit, so that the zygote can always fork once more to clean up
OPEN_FILES = 512


def main(job, uid, results, noise, fresh):
    """Become ``uid`` with no capability left, then run the job; never returns."""
    try:
        os.setsid()
        arrange(results, noise)
        limit(job["limits"])
        drop(uid)
        workdir = settle(uid)
        if fresh:
            become_fresh(job, workdir)
        work(job, workdir)
    except BaseException as error:  # noqa: BLE001  nothing may climb back into the zygote's loop
        os.write(2, ("tfmatrix child: %s: %s" % (type(error).__name__, error)).encode("utf-8", "replace")[:2000])
    finally:
        os._exit(3)


def arrange(results, noise):
    """Leave open: nothing on 0, the noise pipe on 1 and 2, the result pipe on 3."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    results = os.dup2(results, 200)  # out of the way of the numbers below
    os.dup2(nothing, 0)
    os.dup2(noise, 1)
    os.dup2(noise, 2)
    os.dup2(results, RESULT)
    os.closerange(RESULT + 1, OPEN_FILES)


def limit(limits):
    """Bound processes, files, processor time and cores, and be the first to go when memory runs out."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if place.ISOLATED:  # the kernel counts all that a user runs, which without a user of its own is not the child's
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    if resource.getrlimit(resource.RLIMIT_MSGQUEUE) != (0, 0):  # the container's own says so; gVisor refuses to be told
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))  # /dev/mqueue is one more place where a file would stay
    largest = limits.get("file") or limits["body"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    seconds = cpu_seconds(limits)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        if place.ISOLATED:
            raise


def cpu_seconds(limits):
    """Return processor seconds that no child can have used before its wall time is over, with all processors busy.

    So this ends what outlives its cell, and never makes a verdict.
    """
    return int((limits["seconds"] + limits["grace"] + 1) * len(os.sched_getaffinity(0))) + 1


def drop(uid):
    """Become another user; leaving uid 0 also clears every capability. Without a container there is none to become."""
    if not place.ISOLATED:
        return
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def settle(uid):
    """Make this child's own folder and work there."""
    os.umask(0o077)
    workdir = "%s/cell-%d" % (place.TMP, uid)
    os.mkdir(workdir, 0o700)
    os.chdir(workdir)
    os.environ.update(HOME=workdir, TMPDIR=workdir, KERAS_HOME=workdir)
    return workdir


def become_fresh(job, workdir):
    """Replace this process by a new interpreter that reads the job from standard input."""
    source, end = os.pipe()
    write_all(end, json.dumps({"job": job, "workdir": workdir}).encode())
    os.close(end)
    os.dup2(source, 0)
    os.execv(  # noqa: S606
        sys.executable, [sys.executable, "-u", os.path.abspath(__file__)]
    )


def preload():
    """Import what a job needs of the probe; done in the zygote, every child finds it there."""
    place.name_recipes()
    import again  # noqa: F401  all that it imports comes with it


def work(job, workdir):
    """Do what the job asks and write one frame; exits 0."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import tensorflow  # noqa: F401  already there after a fork

    preload()
    import again
    import load
    import save
    import wire

    does = {"save": save.save, "load": load.load, "again": again.again}
    header, body = does[job["kind"]](job, workdir)
    frame = wire.pack(place.as_in_a_container(header, workdir), body)
    write_all(RESULT, frame)
    shutil.rmtree(workdir, ignore_errors=True)
    os._exit(0)


def write_all(fd, data):
    """Write every byte, however often the pipe is full."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


if __name__ == "__main__":
    task = json.loads(sys.stdin.buffer.read().decode())
    work(task["job"], task["workdir"])
