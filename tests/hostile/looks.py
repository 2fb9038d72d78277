"""Code of a model that looks around: each function asks for what it must not get, one attempt after the other.

``attempt(name, act)`` notes what came of it. ``ask(number, *arguments)`` makes a system call and raises its error. All
attempts of a case must be refused, unless the case's test says what it may see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from matrix.model import Verdict
from tests.hostile.case import Cases

LOOKS: Final = Cases("Code of a model that reaches for what is not its own")
FAIL = Verdict.FAIL

PRELUDE: Final = """
import ctypes, errno, json, os
seen = {}
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, act):
    try:
        seen[name] = "done: %.4000r" % (act(),)
    except BaseException as error:
        seen[name] = type(error).__name__
def ask(number, *arguments):
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "allowed"
"""
FAREWELL: Final = '\nraise RuntimeError("<<<" + json.dumps(seen) + ">>>")\n'

Attempt = Callable[[str, Callable[[], Any]], None]
Ask = Callable[..., str]
attempt: Attempt
ask: Ask


@LOOKS.case(FAIL, often=True)
def the_zygote() -> None:
    """Signal, trace and read the process that reports. Stopped by: another user, without any capability."""
    import os
    import signal

    for name, pid in (("zygote", os.getppid()), ("process 1", 1)):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
            attempt("signal %s with %d" % (name, number), lambda pid=pid, number=number: os.kill(pid, number))
        for file in ("mem", "environ", "maps", "stack", "syscall", "auxv"):
            attempt(
                "%s of %s" % (file, name), lambda pid=pid, file=file: open("/proc/%d/%s" % (pid, file), "rb").read(1)
            )
        for folder in ("fd", "root", "cwd", "task/%d/fd" % pid, "map_files"):
            attempt(
                "%s of %s" % (folder, name), lambda pid=pid, folder=folder: os.listdir("/proc/%d/%s" % (pid, folder))
            )
        attempt("write memory of %s" % name, lambda pid=pid: open("/proc/%d/mem" % pid, "r+b").write(b"x"))
        attempt("oom score of %s" % name, lambda pid=pid: open("/proc/%d/oom_score_adj" % pid, "w").write("1000"))
        attempt("ptrace %s" % name, lambda pid=pid: ask(101, 16, pid, 0, 0))
        attempt("seize %s" % name, lambda pid=pid: ask(101, 0x4206, pid, 0, 0))
        attempt(
            "read %s by process_vm_readv" % name,
            lambda pid=pid: ask(310, pid, 0, 0, 0, 0, 0) and ask(101, 16, pid, 0, 0),
        )
        attempt("steal a descriptor of %s" % name, lambda pid=pid: ask(438, ask(434, pid, 0), 1, 0))
        attempt("limits of %s" % name, lambda pid=pid: __import__("resource").prlimit(pid, 7, (0, 0)))
        attempt("priority of %s" % name, lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19))


@LOOKS.case(FAIL, often=True)
def the_host() -> None:
    """Reach for the engine's socket, devices, the kernel's switches and the host's files.
    Stopped by: none is in the container; what the kernel shows of itself is masked or read-only.
    """
    import os
    import socket

    def connect(path):
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(2)
            one.connect(path)

    for path in (
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/podman/podman.sock",
    ):
        attempt("connect to %s" % path, lambda path=path: connect(path))
        attempt("see %s" % path, lambda path=path: os.stat(path))
    for path in (
        "/dev/mem",
        "/dev/kmsg",
        "/dev/sda",
        "/dev/vda",
        "/dev/kvm",
        "/dev/fuse",
        "/dev/net/tun",
        "/proc/kcore",
    ):
        attempt("read %s" % path, lambda path=path: open(path, "rb").read(1) or 1 / 0)
    for path in (
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/drop_caches",
        "/sys/kernel/uevent_helper",
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/release_agent",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ):
        attempt("write %s" % path, lambda path=path: open(path, "w").write("1"))
    attempt("read /etc/shadow", lambda: open("/etc/shadow").read())
    attempt("list the root's home", lambda: os.listdir("/root"))
    attempt("see the canary", lambda: os.stat(CANARY))
    attempt("write beside the canary", lambda: open(CANARY + ".new", "wb"))


@LOOKS.case(FAIL, often=True)
def the_network() -> None:
    """Reach a machine, a name, a neighbour or another process by any kind of socket.
    Stopped by: no network but a loopback of its own, on which nobody listens.
    """
    import socket

    def sends(family, address):
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.sendto(b"x", address)

    def connects(family, address):
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(2)
            one.connect(address)

    for address in (
        ("1.1.1.1", 53),
        ("10.0.0.1", 80),
        ("172.17.0.1", 2375),
        ("169.254.169.254", 80),
        ("127.0.0.1", 80),
    ):
        attempt("connect to %s:%d" % address, lambda address=address: connects(socket.AF_INET, address))
    for address in (("1.1.1.1", 53), ("172.17.0.1", 53), ("255.255.255.255", 67)):
        attempt("send to %s:%d" % address, lambda address=address: sends(socket.AF_INET, address))
    attempt("connect by IPv6", lambda: connects(socket.AF_INET6, ("2606:4700:4700::1111", 53, 0, 0)))
    attempt("look up a name", lambda: socket.getaddrinfo("example.com", 80))
    attempt("open a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    attempt("open a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    attempt("reach the hypervisor", lambda: connects(socket.AF_VSOCK, (2, 1024)))
    for name in ("\0/containerd-shim", "\0docker", "\0/tmp/.X11-unix/X0", "\0dbus"):
        attempt("connect to the abstract socket %r" % name[1:], lambda name=name: connects(socket.AF_UNIX, name))
    attempt("find abstract sockets", lambda: [n for n in open("/proc/net/unix").read().split("\n")[1:] if n] or 1 / 0)
    devices = open("/proc/net/dev").read().split("\n")[2:]
    attempt("find a network device", lambda: [one for one in devices if one and "lo:" not in one] or 1 / 0)


@LOOKS.case(FAIL, often=True)
def more_rights() -> None:
    """Become another user, take capabilities, make namespaces, mount, load code into the kernel, raise limits.
    Stopped by: no capability is left, no new privileges, and the engine's seccomp profile.
    """
    import ctypes
    import os
    import resource
    import subprocess

    attempt("become root", lambda: os.setuid(0))
    attempt("become another user", lambda: os.setresuid(os.getuid() + 1, os.getuid() + 1, os.getuid() + 1))
    attempt("join root's group", lambda: os.setgid(0))
    attempt("join groups", lambda: os.setgroups([0]))
    attempt("change the root", lambda: os.chroot("/tmp"))
    attempt("make a device", lambda: os.mknod("device", 0o20666, os.makedev(1, 1)))
    attempt("give a file away", lambda: (open("mine", "w").close(), os.chown("mine", 0, 0)))
    for name, flags in (("user", 0x10000000), ("mount", 0x20000), ("pid", 0x20000000), ("net", 0x40000000)):
        attempt("make a %s namespace" % name, lambda flags=flags: ask(272, flags))
    attempt("make a namespace by clone3", lambda: ask(435, ctypes.c_char_p(b"\x00" * 88), 88))
    attempt("mount", lambda: ask(165, b"none", b"/tmp", b"tmpfs", 0, 0))
    attempt("mount anew", lambda: ask(165, b"none", b"/", b"", 32, 0))
    attempt("open a mount", lambda: ask(428, -100, b"/", 1))
    attempt("join a namespace", lambda: ask(308, os.open("/proc/self/ns/net", os.O_RDONLY), 0))
    attempt(
        "take capabilities",
        lambda: ask(126, ctypes.c_char_p(b"\x22\x05\x08\x20" + b"\0" * 4), ctypes.c_char_p(b"\xff" * 24)),
    )
    attempt("load a kernel module", lambda: ask(175, 0, 0, 0))
    attempt("load a kernel", lambda: ask(246, 0, 0, 0, 0))
    attempt("reboot", lambda: ask(169, 0xFEE1DEAD, 672274793, 0x1234567, 0))
    attempt("call bpf", lambda: ask(321, 0, 0, 0))
    attempt("watch performance", lambda: ask(298, ctypes.c_char_p(b"\0" * 128), -1, 0, -1, 0))
    attempt("use the kernel's keys", lambda: ask(250, 0, -3, 1))
    attempt("add a key", lambda: ask(248, b"user", b"x", b"y", 1, -3))
    attempt("handle page faults", lambda: ask(323, 0))
    attempt("open by handle", lambda: ask(304, -100, 0, 0))
    attempt("set the clock", lambda: ask(227, 0, ctypes.c_char_p(b"\0" * 16)))
    attempt("set the host's name", lambda: ask(170, b"x", 1))
    attempt("swap", lambda: ask(167, b"/tmp/x", 0))
    attempt("account", lambda: ask(163, b"/tmp/x"))
    attempt("watch file accesses", lambda: ask(300, 0, 0))
    attempt("raise the number of processes", lambda: resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999)))
    attempt("raise the processor time", lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)))
    attempt("raise the size of files", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1)))
    attempt("take precedence", lambda: os.nice(-10))
    attempt("run in real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
    attempt("be the last to be killed", lambda: open("/proc/self/oom_score_adj", "w").write("-1000"))
    for program in ("su", "mount", "passwd", "newgrp"):
        attempt("run %s as root" % program, lambda program=program: subprocess.run([program, "--invalid"], check=True))
    attempt(
        "run a file of its own",
        lambda: (open("run", "w").write("#!/bin/sh\n"), os.chmod("run", 0o755), os.execv("run", ["run"])),
    )


@LOOKS.case(FAIL)
def what_the_next_cell_runs() -> None:
    """Write to the probe, the framework, Python, the inbox or anywhere that a later cell reads.
    Stopped by: a read-only root, read-only mounts, one writable place that is emptied.
    """
    import os
    import sys

    for folder in (
        "/",
        "/probe",
        "/in",
        "/etc",
        "/usr/local",
        "/var/tmp",
        "/home",
        "/run",
        "/dev/shm",
        "/dev/mqueue",
        "/opt",
        *sys.path,
    ):
        if folder:
            attempt("write in %s" % folder, lambda folder=folder: open(os.path.join(folder, "new.py"), "wb"))
    for path in (
        "/probe/load.py",
        "/probe/recipes/core.py",
        os.__file__,
        sys.executable,
        "/etc/ld.so.preload",
        "/etc/passwd",
    ):
        attempt("write to %s" % path, lambda path=path: open(path, "ab"))
        attempt("remove %s" % path, lambda path=path: os.unlink(path))
        attempt("chmod %s" % path, lambda path=path: os.chmod(path, 0o777))
    attempt("link from the inbox", lambda: os.link("/in/" + os.listdir("/in")[0], "/tmp/link"))


@LOOKS.case(FAIL, often=True, may_see=True)
def the_inbox() -> None:
    """Look for the expected answers and for what other people brought.
    Stopped by: the answers never enter a container; an upload has containers of its own, which see its files alone.
    """
    import os

    def below(folder):
        return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)

    attempt("inbox", lambda: below("/in"))
    attempt(
        "elsewhere",
        lambda: [path for top in ("/home", "/mnt", "/media", "/srv", "/var/uploads") for path in below(top)],
    )
    attempt("mounts", lambda: sorted(line.split()[4] for line in open("/proc/self/mountinfo")))


@LOOKS.case(FAIL, often=True, may_see=True)
def itself() -> None:
    """Read what the kernel says of itself.
    Stopped by: nothing; it shows a user of its own, no capability, no new privileges, seccomp, and every limit.
    """
    import os
    import resource

    with open("/proc/self/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            seen[name] = value.strip()
    for name in ("CPU", "NPROC", "FSIZE", "NOFILE", "CORE"):
        seen["RLIMIT_" + name] = "%d %d" % resource.getrlimit(getattr(resource, "RLIMIT_" + name))
    seen["descriptors"] = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    seen["environment"] = sorted(os.environ)
    seen["processes"] = sorted({os.stat("/proc/" + name).st_uid for name in os.listdir("/proc") if name.isdigit()})


CANARY: str
seen: dict[str, Any]
