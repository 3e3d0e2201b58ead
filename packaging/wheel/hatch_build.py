"""What the wheel says of itself and is not written in pyproject.toml, because the workspace says it already."""

import os
import pathlib
import tomllib

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


def pinned(root: pathlib.Path, package: str) -> str:
    """A requirement of exactly the version of a Python package that cliptune is built against."""
    for line in (root / "native-libraries.txt").read_text().splitlines():
        match line.split():
            case ["pypi", name, version, _] if name == package:
                return f"{name}=={version}"
    raise ValueError(f"native-libraries.txt pins no {package}")


class Metadata(MetadataHookInterface):
    """The version and the dependencies."""

    def update(self, metadata: dict) -> None:
        root = pathlib.Path(self.root)
        workspace = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]
        metadata["version"] = workspace["package"]["version"]
        metadata["dependencies"] = [pinned(root, "onnxruntime")]
        metadata["optional-dependencies"] = {"train": [pinned(root, "torch")]}


class Programs(BuildHookInterface):
    """The programs for bin/ of the environment, what they need beside it, and the tag.

    By the tag, pip refuses the wheel where its programs cannot run: musl, ARM, an older glibc."""

    def initialize(self, version: str, build_data: dict) -> None:
        tree = pathlib.Path(self.root) / "tree"
        files = {str(file): str(file.relative_to(tree)) for file in sorted(tree.rglob("*")) if file.is_file()}
        programs = {file: place for file, place in files.items() if place.startswith("bin/")}
        build_data["shared_scripts"] = {file: pathlib.PurePath(place).name for file, place in programs.items()}
        build_data["shared_data"] = {file: place for file, place in files.items() if file not in programs}
        major, minor = os.environ["CLIPTUNE_GLIBC"].split(".")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_{major}_{minor}_x86_64"
