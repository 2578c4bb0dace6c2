"""An installed copy of Skerry, and running commands that see nothing else of it. For tests that take PATH-OF-SKERRY BUILD."""
import os
import shutil
import subprocess
import sys
import tempfile
from e2e import Outcome

for tool in (os.environ.get("CC", "cc").split()[0], "make", "pkg-config", "meson"):
    if not shutil.which(tool):
        print(f"skipped: {tool} is not installed, so nothing can be built out of tree")
        sys.exit(77)


def install(build, into):
    """Installs the build folder into the folder `into`, as packagers do. Returns the prefix there, and its user's environment."""
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "DESTDIR": into})
    found = [os.path.join(folder, "skerry.pc") for folder, _, names in os.walk(into) if "skerry.pc" in names]
    if len(found) != 1:
        sys.exit(f"skerry.pc is there {len(found)} times")
    wanted = subprocess.run(["pkg-config", "--variable=prefix", found[0]], check=True, capture_output=True, text=True).stdout.strip()
    prefix = into + wanted
    environment = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}", "PKG_CONFIG_PATH": os.path.dirname(found[0]),
                   "PKG_CONFIG": f"pkg-config --define-variable=prefix={prefix}"}
    # How Skerry was built is not how its user builds.
    for name in ("CC", "CFLAGS", "LDFLAGS", "MAKEFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    return prefix, environment


AREA = tempfile.TemporaryDirectory()  # removed when the program ends
PREFIX, ENVIRONMENT = install(os.path.realpath(sys.argv[2]), AREA.name)


def run(*words, folder=None, timeout=300):
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, timeout=timeout, stdin=subprocess.DEVNULL,
                          env=ENVIRONMENT, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)
