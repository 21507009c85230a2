"""The packages of this checkout, of both formats, for tests that look into them or install them.

    pytest_plugins = ["built_packages"]

They are built once in a test run, by packaging/build.sh; FLOWSPEC_PACKAGES names a directory where they are already.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile

import lab as net
import pytest

BUILD_SCRIPT = net.PROJECT / "packaging/build.sh"


def said(*command: str | os.PathLike[str], cwd: pathlib.Path | None = None, env: dict[str, str] | None = None, timeout: float = 60) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=timeout)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def state_of_checkout() -> str:
    """Also of files that git ignores, but for build/."""
    if not (net.PROJECT / ".git").exists():
        return ""
    return said("git", "-C", net.PROJECT, "status", "--porcelain", "--ignored", "--", ".", ":!build", ":!*__pycache__*", ":!.pytest_cache")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory with both formats. With ccache, the second costs little."""
    if ready := os.environ.get("FLOWSPEC_PACKAGES"):
        return pathlib.Path(ready)
    out = tmp_path_factory.mktemp("packages")
    environment = os.environ | {
        "PATH": f"/usr/lib/ccache:{os.environ['PATH']}",
        "CCACHE_DIR": os.environ.get("CCACHE_DIR", os.path.expanduser("~/.cache/ccache")),  # debhelper has another home
        "CCACHE_BASEDIR": tempfile.gettempdir(), "CCACHE_NOHASHDIR": "1", "CCACHE_SLOPPINESS": "locale",
        "DEB_BUILD_OPTIONS": "reproducible=-fixfilepath",  # flags that name no directory
    }  # fmt: skip
    before = state_of_checkout()
    for packaging in ("deb", "rpm"):
        said(BUILD_SCRIPT, packaging, "--out", out, env=environment, timeout=3000)
    assert state_of_checkout() == before
    return out


def deb(packages: pathlib.Path, name: str) -> pathlib.Path:
    (found,) = packages.glob(f"{name}_*.deb")
    return found


def rpm(packages: pathlib.Path, name: str) -> pathlib.Path:
    (found,) = packages.glob(f"{name}-[0-9]*.rpm")
    return found
