"""Makes a component of a connector in Python: a component that imports nothing but the contract's `log`.

    TOOLS/bin/python build.py CONNECTOR ROLES WIT OUTPUT

TOOLS      a virtual environment into which `pip install -r tools/requirements.txt` was run
CONNECTOR  the connector's folder; its module is src/connector.py, which has one instance per role, by the role's name
ROLES      source, poll, destination, transform: those it plays, with commas between them
WIT        the folder of the contract, plugin-sdk/wit/v1
OUTPUT     where the component goes
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SDK = "snodo_connector"
ROLES = ("source", "poll", "destination", "transform")

ENTRY = "snodo_entry"
"""The module that componentize-py looks into: it wants one class per role, by the role's name in capitals."""

PURE = '''
def _none(what):
    def refuse(*_, **__):
        raise RuntimeError("a connector has no " + what)
    return refuse

# The interpreter is a snapshot: its clock traps and its dice give the same for ever, so those that can say so do.
for _name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"):
    setattr(time, _name, _none("clock: ctx.now is the time"))
_random = sys.modules.get("random")
for _name in _random.__all__ if _random else ():
    if not isinstance(getattr(_random, _name), type):
        setattr(_random, _name, _none("dice"))
'''


def main(connector: Path, roles: list[str], wit: Path, output: Path) -> None:
    for role in roles:
        if role not in ROLES:
            raise ValueError(f'"{role}" is no role: {", ".join(ROLES)}')
    with tempfile.TemporaryDirectory(prefix="snodo-") as folder:
        work = Path(folder)
        (work / "wit" / "deps").mkdir(parents=True)
        (work / "wit" / "world.wit").write_text(world(roles))
        for file in wit.glob("*.wit"):
            shutil.copy(file, work / "wit" / "deps")
        only_python = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(connector / "src", work / "app", ignore=only_python)
        shutil.copytree(HERE / SDK, work / "app" / SDK, ignore=only_python)
        (work / "app" / f"{ENTRY}.py").write_text(entry(roles))
        (work / "nothing").mkdir()
        componentize(work, output.resolve())


def world(roles: list[str]) -> str:
    """A world with exactly the roles of this connector: the hub reads them from the component."""
    exports = "\n".join(f"    export snodo:connector/{role}@1.0.0;" for role in roles)
    return f"package snodo:built;\nworld component {{\n    import snodo:connector/log@1.0.0;\n{exports}\n}}\n"


def entry(roles: list[str]) -> str:
    exported = [
        f"{role.capitalize()} = roles.{role}_exported(connector.{role})" for role in roles
    ]
    return "\n".join(["import sys", "import time", "import connector", f"from {SDK} import roles", *exported, PURE])


def componentize(work: Path, output: Path) -> None:
    tool = Path(sys.executable).parent / "componentize-py"
    given = [tool, "--quiet", "--wit-path", "wit", "--world", "component"]
    given += ["componentize", "--stub-wasi", "--python-path", "app", "--output", output, ENTRY]
    # An environment without packages: only the standard library, the SDK and the connector's own files are there.
    env = {**os.environ, "VIRTUAL_ENV": str(work / "nothing"), "PYTHONHASHSEED": "0"}
    done = subprocess.run(given, cwd=work, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip())


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: python build.py CONNECTOR ROLES WIT OUTPUT")
    try:
        main(Path(sys.argv[1]), sys.argv[2].split(","), Path(sys.argv[3]), Path(sys.argv[4]))
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"failed to build the component: {error}")
