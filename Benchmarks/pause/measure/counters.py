"""A release of N counters: a release root with 1.0.0, and the package of 2.0.0. The kv release is the demo's."""

import shutil

from kvdemo import root

NAME = "many"
STEP = "[{update, counter, {advanced, []}}]"


def lay_out(binaries, project, directory, workers):
    """Returns the directory of the root."""
    release(binaries, directory, "1.0.0", "counter-1", workers)
    return root.boot(binaries, project, directory, NAME)


def package(binaries, directory, workers):
    """Returns the path of many-2.0.0.tar.gz."""
    build = directory / "build"
    for version, program in (("1.0.0", "counter-1"), ("2.0.0", "counter-2")):
        release(binaries, build, version, program, workers)
    (build / f"lib/{NAME}-2.0.0/ebin/{NAME}.appup").write_text(
        f'{{"2.0.0", [{{"1.0.0", {STEP}}}], [{{"1.0.0", {STEP}}}]}}.\n'
    )
    return root.pack(binaries, build, NAME, directory, up="who counted last", down="the number alone")


def release(binaries, top, version, program, workers):
    """The library and the release of one version. The children start at once, which spares minutes and changes no pause."""
    ebin = top / f"lib/{NAME}-{version}/ebin"
    ebin.mkdir(parents=True)
    shutil.copy2(binaries[program], ebin / "counter")
    children = ",\n   ".join(f"#{{id => w{n}, start => {{counter, start_link, []}}}}" for n in range(workers))
    (ebin / f"{NAME}_sup.sup").write_text(f"{{ok, {{#{{start => parallel}},\n  [{children}]}}}}.\n")
    (ebin / f"{NAME}.app").write_text(
        f'{{application, {NAME},\n [{{description, "Counters"}}, {{vsn, "{version}"}}, {{modules, [{NAME}_sup, counter]}},\n'
        f"  {{registered, []}}, {{applications, []}}, {{mod, {{{NAME}_sup, []}}}}]}}.\n"
    )
    directory = top / "releases" / version
    directory.mkdir(parents=True)
    erts = root.emulator_version(binaries)
    (directory / f"{NAME}.rel").write_text(
        f'{{release, {{"{NAME}", "{version}"}}, {{erts, "{erts}"}}, [{{{NAME}, "{version}"}}]}}.\n'
    )
