#!/usr/bin/env python3
"""The rules of the house that a small script can hold: layers, banned calls, sizes, documents.

Run by `make check` and by the build's test run. Prints each breach as path:line: what, and what to do instead.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which folders of src/ a folder may include, itself aside. "apis" are the generated APIs. A service may not include
# another service; services/<s> is one room each.
LAYERS = {
    "base": set(),
    "env": {"base"},
    "codec": {"base"},
    "net": {"base", "env", "codec"},
    "api": {"base", "env", "codec"},
    "apis": {"base", "env", "codec", "api"},
    "storage": {"base", "env", "codec"},
    "sql": {"base", "env", "codec"},
    "query": {"base", "env", "codec", "sql", "storage"},
    "containers": {"base", "env", "net"},
    "mqtt": {"base", "env", "codec", "storage"},
    "services": {"base", "env", "codec", "net", "api", "apis", "storage", "sql", "query", "containers", "mqtt"},
    "gateway": {"base", "env", "codec", "net", "api"},
    "pipeline": {"base", "env", "codec", "api", "apis"},
    "simulator": {"base", "env", "codec", "net", "api", "apis"},
    "server": {"base", "env", "codec", "net", "api", "apis", "storage", "sql", "query", "containers", "mqtt", "services",
               "gateway", "pipeline", "simulator"},
}

# What one service may include beyond its row.
ALSO = {"services/cloudformation": {"pipeline"}}

# (pattern, folders where it is allowed, what to use)
BANNED = [
    (r"\basio::detached\b", (), "env::Spawn"),
    (r"\bsleep_for\b|\busleep\(|\bsleep\(", (), "env::Sleep or an event"),
    (r"\b(system_clock|steady_clock)::now\b|\bgettimeofday\(|\bclock_gettime\(", ("src/env/", "bench/", "tools/"), "env::Clock"),
    (r"\bstd::random_device\b|\brand\(\)|\bRAND_bytes\(", ("src/env/",), "env::Random"),
    (r"#include <(fstream|filesystem)>", ("src/env/", "bench/", "tests/", "tools/"), "env::Files"),
    (r"#include <boost/asio\.hpp>", (), "granular Asio headers"),
    (r"#include [<\"]duckdb\.h[>\"]", ("src/query/duckdb/",), "the port in src/query"),
    (r"\bDISABLED_|GTEST_SKIP|\bit\.skip\(|\btest\.skip\(|\bit\.only\(", (), "a test that runs"),
    (r"\b(T" r"ODO|F" r"IXME|X" r"XX)\b", (), "finish it, or say it in an issue"),
]
# Unit tests may touch a temporary directory of their own.
TEST_FILE = re.compile(r"(_test|_bench|_fuzz|_contract)\.(cc|h)$")

FUNCTION_LIMIT_FILE = 600
PORT_METHODS = 10


def tracked(*suffixes):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in out.stdout.splitlines():
        path = ROOT / name
        if name.endswith(suffixes) and path.is_file():
            yield name, path


def allow_list():
    """Files that were over the size limit when the list was made, each with the size it may not exceed."""
    allowed = {}
    listing = ROOT / "tools/check/size_allow_list.txt"
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line and not line.startswith("#"):
                name, size = line.rsplit(" ", 1)
                allowed[name] = int(size)
    return allowed


def check_layers(problems):
    include = re.compile(r'^\s*#include "([^"]+)"')
    for name, path in tracked(".cc", ".h"):
        parts = name.split("/")
        if parts[0] != "src" or len(parts) < 3:
            continue
        folder = parts[1]
        if folder not in LAYERS:
            problems.append(f"{name}:1: src/{folder} is not in the layer table")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = include.match(line)
            if not found:
                continue
            target = found.group(1).split("/")
            if len(target) == 1:
                problems.append(f'{name}:{number}: include "{found.group(1)}" by its path below src/')
                continue
            if target[0] == folder:
                if folder == "services" and target[1] != parts[2]:
                    problems.append(f"{name}:{number}: services/{parts[2]} may use services/{target[1]} only through its generated API")
                continue
            also = ALSO.get("/".join(parts[1:3]), set())
            if target[0] in LAYERS and target[0] not in LAYERS[folder] | also:
                problems.append(f"{name}:{number}: src/{folder} may not include {found.group(1)}")


def check_banned(problems):
    rules = [(re.compile(pattern), where, instead) for pattern, where, instead in BANNED]
    for name, path in tracked(".cc", ".h", ".mjs", ".ts", ".tsx"):
        if not name.startswith(("src/", "tests/", "bench/", "console/", "tools/")):
            continue
        text = path.read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith(("//", "*", "#!")) and "T" "ODO" not in line:
                continue
            for pattern, where, instead in rules:
                if pattern.search(line) and not name.startswith(where or ("\0",)):
                    if TEST_FILE.search(name) and "filesystem" in pattern.pattern:
                        continue
                    problems.append(f"{name}:{number}: banned here: {pattern.search(line).group(0)!r}; use {instead}")


# Comments and literals blanked, line by line as before.
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)


def awaited(text):
    """Each operand of co_await in text, with where it begins."""
    for found in re.finditer(r"\bco_await\b", text):
        depth, at = 0, found.end()
        while at < len(text):
            char = text[at]
            depth += (char in "([{") - (char in ")]}")
            if depth < 0 or (depth == 0 and (char in ";," or text[at:at + 2] in ("||", "&&"))):
                break
            at += 1
        yield found.start(), text[found.end():at]


def check_awaited_temporaries(problems):
    """g++ 12 destroys some temporaries of a co_await expression twice: closures, braced values, conditionals."""
    for name, path in tracked(".cc", ".h"):
        if not name.startswith("src/"):
            continue
        text = NOISE.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), path.read_text())
        for at, operand in awaited(text):
            kind = None
            if re.search(r"[(,]\s*\[[^\]]*\]\s*[({]", operand):
                kind = "a lambda"
            elif "{" in operand:
                kind = "a braced value"
            elif re.search(r"\?[^?]*:(?!:)", operand):
                kind = "a conditional"
            if kind:
                line = text.count("\n", 0, at) + 1
                problems.append(f"{name}:{line}: {kind} inside co_await (g++ 12 destroys it twice): bind it to a name first")


def check_sizes(problems):
    allowed = allow_list()
    for name, path in tracked(".cc", ".h", ".ts", ".tsx", ".py", ".mjs"):
        lines = path.read_text(errors="replace").count("\n")
        limit = allowed.pop(name, FUNCTION_LIMIT_FILE)
        if lines > limit:
            problems.append(f"{name}:1: {lines} lines, more than {limit}: which room did it outgrow?")
    for name in allowed:
        problems.append(f"tools/check/size_allow_list.txt:1: {name} is gone or within limits: take it off the list")


def check_ports(problems):
    """A class of pure virtual methods is a port: at most ten of them."""
    for name, path in tracked(".h"):
        if not name.startswith("src/"):
            continue
        count, started = 0, 0
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.match(r"^(class|struct)\s+\w+[^;]*\{", line):
                count, started = 0, number
            if re.search(r"\)\s*(const|noexcept|\s)*=\s*0;", line):
                count += 1
                if count == PORT_METHODS + 1:
                    problems.append(f"{name}:{started}: a port of more than {PORT_METHODS} methods")


def check_documents(problems):
    """Paths that a document names in backquotes exist; each folder of src/ answers its three questions."""
    named = re.compile(r"`((?:src|tools|apis|docs|tests|bench|console|pipelines|cmake)/[\w./-]*)`")
    for name, path in tracked(".md"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for target in named.findall(line):
                if not (ROOT / target).exists():
                    problems.append(f"{name}:{number}: {target} does not exist")
    for folder in sorted((ROOT / "src").iterdir()):
        if folder.is_dir() and any(folder.rglob("*.cc")) and not (folder / "README.md").exists():
            problems.append(f"src/{folder.name}:1: no README.md (what is this, what belongs here, what does not)")


def main():
    problems = []
    for check in (check_layers, check_banned, check_awaited_temporaries, check_sizes, check_ports, check_documents):
        check(problems)
    for problem in problems:
        print(problem)
    print(f"check: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
