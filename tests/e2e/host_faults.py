"""What can happen to the host that the daemon runs on."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import pathlib
import random
import resource
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator

import lab as net
from faults import BOUND, Fault, Observed, Said, Trial
from frr_faults import BOTH, MANY, RECOVERED

IPT_SO_SET_REPLACE = 64
DAY = 86400
NO_LIMIT = 1 << 60
CHAIN_GONE = Said("tampering", "chain FLOWSPEC was gone")
KERNEL_REFUSES = Said("failed", "the kernel refused one of the new rules")
KNOWS_NOTHING = Said("failed", "refused", "nothing is known of the installed routes")
LOCK_HELD = Said("failed", "held for more than 10 s by another program")
NO_SPACE = Said("failed", "No space left on device")
OUT_OF_MEMORY = Said("failed", "out of memory|not enough memory", "out of memory")


@contextlib.contextmanager
def no_descriptors(trial: Trial) -> Iterator[None]:
    """None can be opened any more."""
    pid = trial.daemon.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


# To look at an address UBSan makes a pipe (with pipe, the tools with pipe2), and takes every object for bad when it cannot.
PIPE_FOR_SANITIZER = r"""
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

extern "C" int pipe(int ends[2]) noexcept {
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  const rlimit most{now.rlim_max, now.rlim_max};
  setrlimit(RLIMIT_NOFILE, &most);
  const int code = pipe2(ends, 0);
  setrlimit(RLIMIT_NOFILE, &now);
  return code;
}
"""


# AddressSanitizer ends a program that runs out of memory, and RLIMIT_AS stops it from starting: operator new is replaced by one
# that refuses what goes beyond a limit. The two numbers of the page: the limit, and how much there is.
REFUSE_MEMORY = r"""
#include <cstdlib>
#include <fcntl.h>
#include <malloc.h>
#include <new>
#include <sys/mman.h>

static volatile long* page() {
  static auto* const at = static_cast<volatile long*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(std::getenv("PAGE"), O_RDWR | O_CLOEXEC), 0));
  return at;
}
void* operator new(std::size_t size) {
  void* made = page()[1] + static_cast<long>(size) > page()[0] ? nullptr : std::malloc(size);
  if (made == nullptr)
    throw std::bad_alloc();
  page()[1] = page()[1] + static_cast<long>(malloc_usable_size(made));
  return made;
}
void operator delete(void* made) noexcept {
  if (made != nullptr)
    page()[1] = page()[1] - static_cast<long>(malloc_usable_size(made));
  std::free(made);
}
void operator delete(void* made, std::size_t) noexcept { operator delete(made); }
"""

# CLOCK_REALTIME is as many seconds off as the page says.
STEP_CLOCK = r"""
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>

extern "C" int clock_gettime(clockid_t clock, timespec* at) noexcept {
  static auto* const real = reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
  static auto* const page = static_cast<volatile long*>(
      mmap(nullptr, 4096, PROT_READ, MAP_SHARED, open(std::getenv("PAGE"), O_RDONLY | O_CLOEXEC), 0));
  const int code = real(clock, at);
  if (clock == CLOCK_REALTIME)
    at->tv_sec += page[0];
  return code;
}
extern "C" time_t time(time_t* at) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return at ? *at = now.tv_sec : now.tv_sec;
}
"""


PRELOADED = ("verify_asan_link_order=0", "alloc_dealloc_mismatch=0")


def preload(source: str, *numbers: int) -> Callable[[Trial], None]:
    """Compiles it, and makes the page that the test and the daemon share."""

    def prepare(trial: Trial) -> None:
        text = trial.directory / "preload.cpp"
        text.write_text(source)
        subprocess.run(["c++", "-std=c++20", "-shared", "-fPIC", text, "-o", text.with_suffix(".so")], check=True)
        page(trial).write_bytes(struct.pack("512q", *numbers, *[0] * (512 - len(numbers))))

    return prepare


def page(trial: Trial) -> pathlib.Path:
    return trial.directory / "page"


def write_page(trial: Trial, number: int) -> None:
    with page(trial).open("r+b") as file:
        file.write(struct.pack("q", number))


def preloaded(trial: Trial) -> dict[str, str]:
    return {"LD_PRELOAD": str(trial.directory / "preload.so"), "PAGE": str(page(trial))}


@contextlib.contextmanager
def no_memory(trial: Trial) -> Iterator[None]:
    """Less and less of it, pass by pass, until there is not enough for all that FRR prints. (With much less the daemon would end:
    the destructor of a JSON document of nlohmann's needs memory, and what it throws cannot be caught.)"""
    begun, limit = len(trial.daemon.events()), 2 * memory(trial)
    while not trial.daemon.said(OUT_OF_MEMORY, begun):
        write_page(trial, limit := limit * 9 // 10)
        said = len(trial.daemon.events())
        net.wait_until(lambda: len(trial.daemon.events()) > said, f"a pass with {limit} bytes", BOUND)
    yield
    write_page(trial, NO_LIMIT)


def memory(trial: Trial) -> int:
    """How much the daemon has."""
    return struct.unpack("qq", page(trial).read_bytes()[:16])[1]


@contextlib.contextmanager
def clock_back(trial: Trial) -> Iterator[None]:
    write_page(trial, -DAY)
    yield


def check_clock(seen: Observed) -> None:
    assert not seen.log[-1]["time"].startswith(time.strftime("%Y-%m-%d", time.gmtime())), seen.log[-1]


def on_small_disk(trial: Trial) -> tuple[object, ...]:
    trial.state.mkdir(exist_ok=True)
    return "unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=256k tmpfs "$0" && exec "$@"', trial.state


@contextlib.contextmanager
def disk_full(trial: Trial) -> Iterator[None]:
    filler = pathlib.Path(f"/proc/{trial.daemon.process.pid}/root{trial.state}/filler")
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    yield
    filler.unlink()


def damage(trial: Trial) -> None:
    for file in trial.state.iterdir():
        file.write_bytes(random.randbytes(1000))


@contextlib.contextmanager
def state_damaged(trial: Trial) -> Iterator[None]:
    damage(trial)
    yield


@contextlib.contextmanager
def state_damaged_without_peer(trial: Trial) -> Iterator[None]:
    """Nobody knows whose the installed routes are."""
    file = trial.loop.bird.file
    text = file.read_text()
    file.write_text(text.replace("protocol bgp leaf {", "protocol bgp leaf { disabled;"))
    trial.announce()
    trial.wait_for(Said("held"))
    damage(trial)
    yield
    file.write_text(text)
    trial.announce()


@contextlib.contextmanager
def lock_held(trial: Trial) -> Iterator[None]:
    with (trial.directory / "xtables.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def own_lock(trial: Trial) -> dict[str, str]:
    return {"XTABLES_LOCKFILE": str(trial.directory / "xtables.lock")}


@contextlib.contextmanager
def hostile_writer(trial: Trial) -> Iterator[None]:
    """Saves the table and restores it, a hundred times a second, and waits for nobody's lock."""
    body = (
        "while sleep 0.005; do iptables-legacy-save -t filter; done | tee -a saved |"
        f" XTABLES_LOCKFILE={trial.directory}/other.lock iptables-legacy-restore"
    )
    writer = trial.leaf.start("sh", "-c", f"cd {trial.directory}; while :; do {body}; done", log="writer.log")
    begun = time.monotonic()
    yield
    os.killpg(writer.pid, signal.SIGKILL)
    writer.wait()
    times = (trial.directory / "saved").read_text().count("COMMIT") / (time.monotonic() - begun)
    assert times > 20, f"it wrote only {times} times a second"


@contextlib.contextmanager
def old_table_restored(trial: Trial) -> Iterator[None]:
    """As it was before the daemon was there."""
    trial.leaf.restore("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n")
    yield


@contextlib.contextmanager
def kernel_refuses(trial: Trial) -> Iterator[None]:
    """Every commit, with the error of a kernel that has a match module not."""
    trial.daemon.stop()
    trial.start_daemon(net.Deny("setsockopt", IPT_SO_SET_REPLACE, errno.ENOENT))
    yield
    trial.daemon.stop()
    trial.start_daemon()


@contextlib.contextmanager
def daemon_killed(trial: Trial) -> Iterator[None]:
    for _ in range(20):
        trial.daemon.kill()
        trial.start_daemon()
        time.sleep(random.uniform(0, 0.6))
    trial.daemon.kill()
    yield
    trial.start_daemon()


FAULTS = [
    Fault(
        "file descriptors exhausted", no_descriptors, [Said("failed", "Too many open files")], RECOVERED, sources=BOTH,
        prepare=preload(PIPE_FOR_SANITIZER), environment=preloaded, sanitizer=PRELOADED,
    ),
    Fault(
        "memory exhausted", no_memory, [OUT_OF_MEMORY], RECOVERED,
        prepare=preload(REFUSE_MEMORY, NO_LIMIT), environment=preloaded, sanitizer=PRELOADED,
        options=lambda _: ("--log-level", "debug"), routes=MANY[:20],  # a line for each pass, and some work
    ),
    Fault("disk exhausted", disk_full, [NO_SPACE], RECOVERED, enforces=True, wrapper=on_small_disk),
    Fault("state files damaged", state_damaged, [Said("failed", "it is begun anew")], RECOVERED, enforces=True),
    Fault("state files damaged while the peer is down", state_damaged_without_peer, [KNOWS_NOTHING], RECOVERED),
    Fault("xtables lock held for 30 s", lock_held, [LOCK_HELD], RECOVERED, environment=own_lock, lasts=30),
    Fault("hostile writer: saves and restores the table 100 times a second", hostile_writer, enforces=True, lasts=3),
    Fault("table replaced by one without our chains", old_table_restored, [CHAIN_GONE], enforces=True, leaks=True),
    Fault("kernel without a match module", kernel_refuses, [KERNEL_REFUSES], [Said("ready")]),
    Fault(
        "clock stepped back by a day", clock_back, enforces=True,
        prepare=preload(STEP_CLOCK, 0), environment=preloaded, sanitizer=PRELOADED, check=check_clock,
    ),
    Fault(
        "the daemon killed (SIGKILL) 20 times, at random moments", daemon_killed, said_then=[Said("ready")], most_lines=80,
    ),
]  # fmt: skip
