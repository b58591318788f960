"""The nginx builds that are tested, each built once and kept under the target folder.

    builds.py           builds them all and says where they are

`installed` is the nginx of this Debian with the dynamic module; the others are a newer nginx from source, with HTTP/3:
`dynamic` loads the module, `static` contains it. `panicking` is the installed one with a library that panics in every worker.
"""
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "bindings/nginx"
SOURCE = ROOT / "tests/nginx/source"
TARGET = (ROOT / os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
OUT = TARGET / "nginx"

# What both builds from source have; the first line is as in the nginx that Debian ships.
OPTIONS = [
    "--with-compat", "--with-debug", "--with-threads", "--with-http_ssl_module", "--with-http_v2_module",
    "--with-http_v3_module", "--with-http_realip_module", "--with-http_auth_request_module", "--with-http_sub_module",
    "--with-cc-opt=-g -O2", "--prefix=/nonexistent", "--error-log-path=stderr",
]


@dataclass(frozen=True)
class Build:
    name: str
    binary: Path
    module: Path | None  # to load; None if it is inside
    version: tuple[int, int, int]
    http3: bool

    @property
    def load(self):
        return f"load_module {self.module};" if self.module else ""


def run(command, cwd, log, **environment):
    with log.open("w") as output:
        code = subprocess.run(list(map(str, command)), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT, env={**os.environ, **environment}).returncode
    if code:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{log.read_text()[-3000:]}")


def version(binary):
    told = subprocess.run([binary, "-v"], check=True, stderr=subprocess.PIPE, text=True).stderr
    return tuple(map(int, re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", told).groups()))


def is_new(stamp, *inputs):
    """Whether something was built from other inputs than these, or not yet; `remember` makes it false."""
    digest = hashlib.sha256()
    for item in inputs:
        digest.update(item.read_bytes() if isinstance(item, Path) else str(item).encode())
    return not stamp.exists() or stamp.read_text() != digest.hexdigest(), lambda: stamp.write_text(digest.hexdigest())


def sources():
    return [MODULE / "config", MODULE / "build.sh", MODULE / "ngx_http_corsac_module.c", ROOT / "include/corsac.h"]


@functools.cache
def library():
    """The static library: of this repository, or the one that CORSAC_LIB names."""
    if named := os.environ.get("CORSAC_LIB"):
        return Path(named).resolve()
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "corsac-library"], cwd=ROOT, check=True)
    return TARGET / "release/libcorsac.a"


def installed_with(name, archive, link, flags=""):
    """The module for the installed nginx with a library, and further flags for the linker."""
    binary = Path(shutil.which("nginx") or "/usr/sbin/nginx")
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    told = subprocess.run([binary, "-V"], check=True, stderr=subprocess.PIPE, text=True).stderr
    # Servers that are started at once ask for the same build.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        changed, remember = is_new(folder / "stamp", *sources(), archive, told, link, flags)
        if changed:
            run([MODULE / "build.sh", folder], ROOT, folder / "log", CORSAC_LIB=link, LDFLAGS=flags)
            remember()
    return Build(name, binary, folder / "ngx_http_corsac_module.so", version(binary), False)


@functools.cache
def installed():
    return installed_with("installed", library(), str(library()))


@functools.cache
def panicking():
    """With the library of ffi/examples/forced_panic.rs and what makes it panic."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "corsac-ffi", "--features", "forced-panic",
                    "--example", "forced_panic"], cwd=ROOT, check=True, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    OUT.mkdir(parents=True, exist_ok=True)
    archive = OUT / "libcorsac_panicking.a"
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        new, added = Path(folder) / archive.name, Path(folder) / "force_panics.o"
        shutil.copy(TARGET / "release/examples/libforced_panic.a", new)
        subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-c", ROOT / "tests/nginx/force_panics.c", "-o", added], check=True)
        # Without times, so that the same library is known to be the same.
        subprocess.run(["ar", "rD", new, added], check=True)
        new.replace(archive)
    return installed_with("panicking", archive, str(archive), "-Wl,-u,corsac_panics_in_workers")


@functools.cache
def source():
    """A copy of nginx's source, in a folder named by its version."""
    arguments = ["--locked", "--manifest-path", SOURCE / "Cargo.toml"]
    host = re.search(r"host: (\S+)", subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout)[1]
    subprocess.run(["cargo", "fetch", "--quiet", "--target", host, *arguments], check=True)
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--offline", "--filter-platform", host, *arguments],
        check=True, stdout=subprocess.PIPE).stdout)
    package = next(package for package in metadata["packages"] if package["name"] == "nginx-src")
    folder = OUT / package["version"].split("+")[1]
    if not (folder / "src").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(package["manifest_path"]).parent / "nginx", folder)
    return folder


def configure(folder, name, *options):
    shutil.rmtree(folder / name, ignore_errors=True)
    run(["auto/configure", f"--builddir={name}", *OPTIONS, *options], folder, folder / f"{name}.log",
        CORSAC_LIB=str(library()))


def make(folder, name, *goals):
    run(["make", f"-j{os.cpu_count()}", "-f", f"{name}/Makefile", *goals], folder, folder / f"{name}.make.log")


@functools.cache
def dynamic():
    folder = source()
    name = "dynamic"
    changed, remember = is_new(folder / f"{name}.configured", MODULE / "config", *OPTIONS, str(library()))
    if changed:
        configure(folder, name, f"--add-dynamic-module={MODULE}")
        make(folder, name, "binary")
        remember()
    module = folder / name / "ngx_http_corsac_module.so"
    changed, remember = is_new(folder / f"{name}.stamp", *sources(), library())
    if changed or not module.exists():
        module.unlink(missing_ok=True)  # make does not look at the library
        make(folder, name, "modules")
        remember()
    binary = folder / name / "nginx"
    return Build(name, binary, module, version(binary), True)


def without_command_line(header):
    return [line for line in header.read_text().splitlines() if "NGX_CONFIGURE" not in line]


@functools.cache
def static():
    folder = source()
    dynamic()
    name = "static"
    binary = folder / name / "nginx"
    changed, remember = is_new(folder / f"{name}.configured", MODULE / "config", *OPTIONS, str(library()))
    if changed or not binary.exists():
        configure(folder, name, f"--add-module={MODULE}")
        # Nothing but the command line differs, so the objects of the other build are as good; nginx.o prints that line.
        if without_command_line(folder / name / "ngx_auto_config.h") == \
                without_command_line(folder / "dynamic/ngx_auto_config.h"):
            for made in (folder / "dynamic/src").rglob("*.o"):
                if made.name != "nginx.o":
                    shutil.copy(made, folder / name / made.relative_to(folder / "dynamic"))
        remember()
    changed, remember = is_new(folder / f"{name}.stamp", *sources(), library())
    if changed or not binary.exists():
        binary.unlink(missing_ok=True)
        make(folder, name, "binary")
        remember()
    return Build(name, binary, None, version(binary), True)


ALL = {"installed": installed, "dynamic": dynamic, "static": static}

if __name__ == "__main__":
    for get in ALL.values():
        build = get()
        print(f"{build.name:10} nginx {'.'.join(map(str, build.version))}  {build.binary}  {build.module or ''}")
    sys.exit()
