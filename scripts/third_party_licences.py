"""Prints the licences of everything that is compiled into the programs: python3 scripts/third_party_licences.py.

Each text stands once, below the packages whose folder has it. A package that comes without one is listed by the name of its
licence."""

import collections
import json
import pathlib
import subprocess

PROGRAMS = {"cliptune", "cliptune-ingest", "cliptune-train", "cliptune-score", "cliptune-report"}
NAMES = ("licen", "copying", "notice", "unlicense")


def metadata():
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compiled_in(told):
    """The packages that end up in a program: no tests, no build scripts, nothing of this workspace."""
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    waiting = [key for key in told["workspace_members"] if packages[key]["name"] in PROGRAMS]
    seen = set(waiting)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_compiled_in = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_compiled_in and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    found = [packages[key] for key in seen - set(told["workspace_members"])]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The texts of licences that lie in a package's folder."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [file for file in folder.iterdir() if file.is_file() and file.name.lower().startswith(NAMES)]
    return [file.read_text(errors="replace").strip() for file in sorted(files)]


def main():
    by_text, bare = collections.defaultdict(list), []
    for package in compiled_in(metadata()):
        title = f"{package['name']} {package['version']} ({package['license'] or 'see its text'})"
        found = texts(package)
        for text in found:
            by_text[" ".join(text.split())].append((title, text))
        if not found:
            bare.append(title)
    print("The programs of cliptune contain these packages, under the licences that follow their names.")
    for entries in by_text.values():
        print("\n" + "=" * 80)
        print("\n".join(title for title, _ in entries))
        print("-" * 80)
        print(entries[0][1])
    if bare:
        print("\n" + "=" * 80 + "\nWithout a text in their folder:\n" + "\n".join(bare))


main()
