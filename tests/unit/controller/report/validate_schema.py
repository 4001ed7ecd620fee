"""Validates a report against the schema, and checks that the schema can say no: each damaged copy must be refused."""

import copy
import json
import sys

import jsonschema


def damaged(report):
    """Copies of the report with one thing wrong each."""

    def change(what, path, value=None):
        broken = copy.deepcopy(report)
        *parents, last = path
        place = broken
        for key in parents:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
        return what, broken

    yield change("another version", ["apiVersion"], "conntruth.dev/v2")
    yield change("no summary", ["summary", "notRun"])
    yield change("an unknown verdict", ["cells", 0, "verdict"], "fine")
    yield change("a cell without reason", ["cells", 0, "reason"])
    yield change("an undocumented key", ["cells", 0, "colour"], "red")
    yield change("a negative count", ["cells", 0, "samples"], -1)
    yield change("a reason that is no code", ["cells", 0, "reason", "code"], "Wrong Endpoint")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        report = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(report)]
    errors += [f"accepted although damaged: {what}" for what, broken in damaged(report) if validator.is_valid(broken)]
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
