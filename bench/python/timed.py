"""Runs one contender from start to exit and prints JSON: exit code, wall, user and system seconds. timed.py LOG COMMAND ...

The wall ends when the command itself has ended. CPU is that of all its descendants: this process makes itself the reaper
of orphans, so that daemons which outlive their parent (Ray starts some) are counted too, once they have ended or been
ended here. What the command prints goes into LOG.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 10


def children():
    me = str(os.getpid())
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    if file.read().rpartition(")")[2].split()[1] == me:
                        found.append(int(name))
            except OSError:
                pass
    return found


def reap_all():
    """Waits for every orphan; one that stays longer than the grace is ended."""
    limit = time.monotonic() + GRACE_S
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] != 0:
                continue
        except ChildProcessError:
            return
        if time.monotonic() > limit:
            for pid in children():
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open(sys.argv[1], "wb") as log:
        started = time.perf_counter()
        code = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
        wall = time.perf_counter() - started
    reap_all()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"code": code, "wall": wall, "user": used.ru_utime, "system": used.ru_stime}))


main()
