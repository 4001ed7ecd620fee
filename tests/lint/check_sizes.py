"""Length budgets: files of code and prose, and functions of scripts (C++ functions are clang-tidy's to measure)."""

import ast

import tree

FILE_LINES = 400
README_LINES = 30
FUNCTION_LINES = 60
EXCEPTIONS = "tests/lint/long_files.txt"
MEASURED = (".cpp", ".hpp", ".c", ".h", ".py", ".sh", ".cmake", ".proto", "CMakeLists.txt", "run")


def exceptions(root):
    """`PATH LINES REASON` per line: the file may have up to LINES lines, for the reason that is given."""
    allowed, found = {}, []
    path = root / EXCEPTIONS
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split(maxsplit=2)
        if not parts or parts[0].startswith("#"):
            continue
        if len(parts) < 3 or not parts[1].isdigit():
            found.append(f"{EXCEPTIONS}:{number}: want PATH LINES REASON")
        else:
            allowed[parts[0]] = int(parts[1])
    return allowed, found


def count(root, name):
    with open(root / name, "rb") as file:
        return sum(1 for _ in file)


def python_functions(root, name):
    tree_ = ast.parse((root / name).read_text(encoding="utf-8"), filename=name)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(node.name, node.lineno, node.end_lineno - node.lineno + 1) for node in ast.walk(tree_) if isinstance(node, kinds)]


def function_problems(root):
    found = []
    for name in tree.with_suffix(root, ".py"):
        try:
            functions = python_functions(root, name)
        except SyntaxError as error:
            found.append(f"{name}:{error.lineno}: {error.msg}")
            continue
        found += [f"{name}:{line}: {function} has {lines} lines, at most {FUNCTION_LINES} are allowed"
                  for function, line, lines in functions if lines > FUNCTION_LINES]
    return found


def problems(root):
    allowed, found = exceptions(root)
    sizes = {name: count(root, name) for name in tree.files(root) if name.endswith(MEASURED)}
    for name, lines in sizes.items():
        limit = allowed.get(name, FILE_LINES)
        if lines > limit:
            found.append(f"{name}:{limit}: has {lines} lines, {limit} are allowed; split it, or give the reason in {EXCEPTIONS}")
    for name in allowed:
        if sizes.get(name, 0) <= FILE_LINES:
            found.append(f"{EXCEPTIONS}: {name} needs no exception any more")
    return found + function_problems(root)
