"""Runs a command and prints what it cost: `python3 -I -S launch.py INPUT OUTPUT ERRORS COMMAND...`.

A process of its own, because the kernel counts the memory of a process from before it became another program: a child of
the benchmark would have the benchmark's. This one is small; what takes less than it shows as much as it (some 10 MiB).
"""

import os
import sys
import time

source, output, errors, *command = sys.argv[1:]
files = [
    (os.POSIX_SPAWN_OPEN, 0, source, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
]
start = time.perf_counter()
_, status, used = os.wait4(os.posix_spawnp(command[0], command, os.environ, file_actions=files), 0)
took = time.perf_counter() - start
print(os.waitstatus_to_exitcode(status), took, used.ru_utime, used.ru_stime, used.ru_maxrss)
