"""A release root with 1.0.0 as the permanent release, and the package of 2.0.0, as systools:make_tar lays it out."""

import re
import shutil
import subprocess

from .errors import expect

EXAMPLE = "Examples/KeyValue/release"


def emulator_version(binaries):
    answer = subprocess.run([binaries["release-handlerd"], "--version"], capture_output=True, text=True, timeout=30)
    version = answer.stdout.strip()
    expect(answer.returncode == 0 and re.fullmatch(r"[\w.-]+", version), "release-handlerd --version said nothing")
    return version


def lay_out(binaries, project, root):
    """Returns the directory of the root."""
    library(project, root, "1.0.0", binaries)
    release(project, root, "1.0.0", emulator_version(binaries))
    return boot(binaries, project, root, "kv")


def package(binaries, project, directory):
    """Makes the relup and the package as for any release. Returns the path of kv-2.0.0.tar.gz."""
    build = directory / "build"
    for version in ("1.0.0", "2.0.0"):
        library(project, build, version, binaries)
        release(project, build, version, emulator_version(binaries))
    return pack(binaries, build, "kv", directory, up="keys may expire", down="keys no longer expire")


def packages(binaries, project, directory, listen):
    """Makes the packages of both releases, whose server listens at `listen`. Returns their paths."""
    build = directory / "build"
    for version in ("1.0.0", "2.0.0"):
        library(project, build, version, binaries)
        release(project, build, version, emulator_version(binaries))
        (build / "releases" / version / "sys.config").write_text(f'[{{kv, [{{listen, "{listen}"}}]}}].\n')
    second = pack(binaries, build, "kv", directory, up="keys may expire", down="keys no longer expire")
    # The first release has no relup: it leads from none to itself.
    releasectl(binaries, build, "make-tar", "releases/kv-1.0.0.rel", "--outdir", str(directory))
    return [directory / "kv-1.0.0.tar.gz", second]


def boot(binaries, project, root, name):
    """Adds to a root with the library and the release 1.0.0 of `name` what boots it. Returns the root."""
    erts = emulator_version(binaries)
    emulator = root / f"erts-{erts}" / "bin"
    emulator.mkdir(parents=True)
    for program in ("release-handlerd", "releasectl", "module-host"):
        shutil.copy2(binaries[program], emulator / program)
    (root / "bin").mkdir()
    shutil.copy2(project / "scripts/start", root / "bin/start")
    (root / "releases/start_erl.data").write_text(f"{erts} 1.0.0\n")
    (root / "releases/RELEASES").write_text(
        f'[{{release,"{name}","1.0.0","{erts}",[{{{name},"1.0.0","lib/{name}-1.0.0"}}],permanent}}].\n'
    )
    return root


def pack(binaries, build, name, directory, up, down):
    """Of both releases in `build`: the relup, with what it says of each direction, and the package, whose path it returns."""
    for version in ("1.0.0", "2.0.0"):
        shutil.copy2(build / f"releases/{version}/{name}.rel", build / f"releases/{name}-{version}.rel")
    base = f"releases/{name}-1.0.0.rel"
    for arguments in (
        ["make-relup", f"releases/{name}-2.0.0.rel", "--outdir", "releases/2.0.0", "--strict", "--warnings-as-errors"]
        + ["--up-from", f"{base}={up}", "--down-to", f"{base}={down}"],
        ["make-tar", f"releases/{name}-2.0.0.rel", "--outdir", str(directory)],
    ):
        releasectl(binaries, build, *arguments)
    return directory / f"{name}-2.0.0.tar.gz"


def releasectl(binaries, directory, *arguments):
    answer = subprocess.run([binaries["releasectl"], *arguments], cwd=directory, capture_output=True, text=True, timeout=60)
    expect(answer.returncode == 0, f"releasectl {arguments[0]}: {answer.stderr.strip()}")


def library(project, root, version, binaries):
    ebin = root / f"lib/kv-{version}/ebin"
    ebin.mkdir(parents=True)
    number = version.split(".")[0]
    shutil.copy2(binaries[f"kv-server-{number}"], ebin / "kv_server")
    for module in ("kv_lolwut", "kv_transform"):
        shutil.copy2(binaries[f"{module}-{number}"], ebin / f"{module}.so")
    shutil.copy2(project / EXAMPLE / "kv_sup.sup", ebin / "kv_sup.sup")
    shutil.copy2(project / EXAMPLE / version / "kv.app", ebin / "kv.app")
    appup = project / EXAMPLE / version / "kv.appup"
    if appup.exists():
        shutil.copy2(appup, ebin / "kv.appup")


def release(project, root, version, erts):
    directory = root / "releases" / version
    directory.mkdir(parents=True)
    source = project / EXAMPLE / version
    text = re.sub(r'\{erts, "[^"]*"\}', f'{{erts, "{erts}"}}', (source / "kv.rel").read_text())
    (directory / "kv.rel").write_text(text)
    shutil.copy2(source / "sys.config", directory / "sys.config")
