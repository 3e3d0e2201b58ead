"""Runs a command and writes, as JSON, how it ended, its wall time and the peak of its memory.

    python -I -S launch.py RESULT SECONDS COMMAND…

A process of its own and a small one: Linux counts towards a program's peak what the process that started it has in memory.
The peak is that of the largest process, the command or one that it waited for.
"""

import json
import os
import signal
import sys
import time


def main(result, limit, *command):
    begun = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, setpgroup=0)

    def end(*_):
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.signal(signal.SIGTERM, end)
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begun
    signal.setitimer(signal.ITIMER_REAL, 0)
    code = os.waitstatus_to_exitcode(status)
    with open(result, "w") as file:
        json.dump({"code": code, "killed": seconds >= float(limit), "seconds": seconds, "peak_mib": usage.ru_maxrss / 1024}, file)


main(*sys.argv[1:])
