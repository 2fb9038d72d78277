"""Ends what a child left behind: its processes, its files and what it shared between processes.

The zygote is root without DAC_OVERRIDE, so it cannot remove another user's files: a helper takes the child's uid to
do it. A tmpfs that one cell filled would fail all that follow. Without a container (place.py) there are no users to
tell cells apart by: a cell's processes are what descends from the zygote, its files what is in the zygote's own folder.
"""

import os
import shutil
import signal
import time

import place

SECONDS = 20
IPC_RMID = 0
_ID = {"msg": "msq"}  # what the kernel calls the id of a queue


def sweep(uid):
    """Remove what ``uid`` left; return whether nothing of it remains."""
    if not place.ISOLATED:
        reap()
    if not leftovers(uid):
        return True
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for pid in processes(uid):
            kill(pid)
        if place.ISOLATED:
            remove_as(uid, deadline)
        else:
            reap()
            _remove_files(files(uid, place.TMP))
        if not leftovers(uid):
            return True
    return False


def leftovers(uid):
    """Return what belongs to ``uid``, which without a container is: to any cell."""
    return processes(uid) + files(uid, place.TMP) + shared(uid)


def processes(uid):
    """Return the ids of running processes of ``uid``; those that only wait to be reaped do not count."""
    if not place.ISOLATED:
        return descendants(os.getpid())
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _runs_as(name, uid)]


def descendants(pid):
    """Return the ids of the processes below one, as it has adopted all orphans; the dead do not count."""
    below, found = {}, []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % int(name)) as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        below.setdefault(int(parent), []).append((int(name), state))
    parents = [pid]
    while parents:
        for one, state in below.get(parents.pop(), []):
            parents.append(one)
            if state not in "ZX":
                found.append(one)
    return found


def reap():
    """Take leave of adopted processes that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _runs_as(pid, uid):
    try:
        if os.stat("/proc/" + pid).st_uid not in (0, uid):
            return False
        with open("/proc/%s/status" % pid) as file:
            fields = dict(line.split(":", 1) for line in file)
    except (OSError, ValueError):
        return False
    return str(uid) in fields["Uid"].split() and fields["State"].split()[0] != "Z"


def files(uid, folder="/tmp"):
    """Return what ``uid`` owns at the top of the one writable folder."""
    mine = uid if place.ISOLATED else os.geteuid()
    return [entry.path for entry in os.scandir(folder) if entry.stat(follow_symlinks=False).st_uid == mine]


def shared(uid):
    """Return (kind, id) of the shared memory, queues and semaphores of ``uid``: they outlive every process."""
    if not place.ISOLATED:
        return []
    found = []
    for kind in ("shm", "msg", "sem"):
        try:
            with open("/proc/sysvipc/" + kind) as file:
                names, *rows = [line.split() for line in file]
        except (OSError, ValueError):
            continue
        entries = [dict(zip(names, row)) for row in rows]
        found += [
            (kind, int(one["%sid" % _ID.get(kind, kind)])) for one in entries if str(uid) in (one["uid"], one["cuid"])
        ]
    return found


def kill(pid):
    """Kill a process that may already be gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def remove_as(uid, deadline):
    """In a helper that takes ``uid``, end every process of it and remove its files."""
    helper = os.fork()
    if helper == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            _remove(uid)
        finally:
            os._exit(0)
    while os.waitpid(helper, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            kill(helper)
        time.sleep(0.002)


def _remove(uid):
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    _unshare(shared(uid))
    _remove_files(files(uid))


def _unshare(found):
    if not found:
        return
    import ctypes

    libc = ctypes.CDLL(None)
    for kind, number in found:
        if kind == "sem":
            libc.semctl(number, 0, IPC_RMID)
        else:
            (libc.shmctl if kind == "shm" else libc.msgctl)(number, IPC_RMID, None)


def _remove_files(paths):
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            _open_up(path)
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def _open_up(path):
    """Make folders that their owner closed enterable again, the outer ones first."""
    closed = [path]
    while closed:
        folder = closed.pop()
        try:
            os.chmod(folder, 0o700)
            closed += [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            pass
