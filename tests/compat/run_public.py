"""Runs public TensorRT scripts on xinfer, unedited, and compares with the results in public.tsv.

    python tests/compat/run_public.py [--mirror FOLDER] [--only PATTERN] [--write] [--keep FOLDER]

A row names a repository on GitHub, a script in it and the commit. The files that it needs are taken from
`FOLDER/owner+name` (a clone) or fetched, put into a temporary folder, and given what the authors do not
publish with them: a small model under the name that they expect, pictures, weights (column `prepare`, see
compat_inputs.py). Nothing of them is kept here. `--write` stores the results in public.tsv.

Needs the package itself and tests/compat/requirements.txt.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import compat_inputs

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "public.tsv"
COLUMNS = ["repository", "path", "commit", "files", "as", "prepare", "arguments", "result"]
LIMIT_SECONDS = 300


def rows() -> list[dict[str, str]]:
    lines = TABLE.read_text().splitlines()
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines[1:]]


def git_folder(mirror: pathlib.Path | None, repository: str, commit: str, scratch: pathlib.Path) -> pathlib.Path:
    """A git directory that has the commit."""
    if mirror is not None:
        clone = mirror / repository.replace("/", "+")
        for folder in (clone, clone / ".git", clone / "repo", clone / "repo" / ".git"):
            if (folder / "objects").is_dir():
                return folder
    target = scratch / repository.replace("/", "+")
    if not target.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", target], check=True)
    url = f"https://github.com/{repository}"
    subprocess.run(["git", "-C", target, "fetch", "--quiet", "--depth", "1", url, commit], check=True)
    return target


def check_out(folder: pathlib.Path, row: dict[str, str], target: pathlib.Path) -> None:
    """The files of a row: its script's folder, unless the row names others."""
    names = row["files"].split() or [str(pathlib.PurePosixPath(row["path"]).parent)]
    archive = ["git", f"--git-dir={folder}", "archive", row["commit"], "--", *names]
    packed = subprocess.run(archive, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", target], input=packed, check=True)


def run(row: dict[str, str], folder: pathlib.Path) -> tuple[str, str]:
    """Result and output of a script that lies in `folder`."""
    script = folder / row["path"]
    for word in shlex.split(row["prepare"]):
        compat_inputs.prepare(word, script.parent)
    version = ["--as", row["as"]] if row["as"] else []
    outputs = []
    for arguments in row["arguments"].split(" && "):
        words = shlex.split(arguments)
        # Words that name another script of the folder run that one, with the words behind it.
        name = words.pop(0) if words and words[0].endswith(".py") else script.name
        result, output = _run_once([*version, name, *words], folder, script.parent)
        outputs.append(output)
        if result != "runs":
            break
    return result, "\n".join(outputs)


def _run_once(words: list[str], root: pathlib.Path, folder: pathlib.Path) -> tuple[str, str]:
    paths = os.pathsep.join(
        filter(None, [str(HERE / "shims"), str(root), str(root / "cookbook"), os.environ.get("PYTHONPATH", "")])
    )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "xinfer.tensorrt", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "MPLBACKEND": "agg"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no end after {LIMIT_SECONDS} s", ""
    output = done.stdout + done.stderr
    if done.returncode == 0:
        return "runs", output
    last = [line.strip() for line in output.splitlines() if line.strip()][-1:]
    return f"exit {done.returncode}: {' '.join(last)}"[:160], output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mirror", type=pathlib.Path, help="folder of clones, owner+name each")
    parser.add_argument("--only", default="", help="rows whose repository/path contains this")
    parser.add_argument("--write", action="store_true", help="store the results in public.tsv")
    parser.add_argument("--keep", type=pathlib.Path, help="put outputs of scripts that fail here")
    options = parser.parse_args()
    table, differ = rows(), 0
    with tempfile.TemporaryDirectory() as scratch:
        for row in table:
            label = f"{row['repository']}/{row['path']}"
            if options.only not in label:
                continue
            with tempfile.TemporaryDirectory() as folder:
                git = git_folder(options.mirror, row["repository"], row["commit"], pathlib.Path(scratch))
                check_out(git, row, pathlib.Path(folder))
                result, output = run(row, pathlib.Path(folder))
            same = result.replace(folder, "") == row["result"]
            differ += not same
            print(f"{'same' if same else 'DIFFERS'}  {label}: {result}", flush=True)
            row["result"] = result.replace(folder, "")
            if options.keep and result != "runs":
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{label.replace('/', '+')}.txt").write_text(output)
    if options.write:
        lines = [COLUMNS, *([row[column] for column in COLUMNS] for row in table)]
        TABLE.write_text("".join("\t".join(line) + "\n" for line in lines))
        return 0
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
