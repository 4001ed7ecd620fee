"""Data files parse: YAML and JSON anywhere in the tree, except those that are wrong on purpose."""

import json
import re

import tree
import yaml

ON_PURPOSE = re.compile(r"(^|/)(corpus|invalid|bad|broken|malformed)(/|$)")
# YAML only once Helm has filled them in, which the lane kube has it do.
TEMPLATES = re.compile(r"(^|/)helm/.*/templates/")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Also refuses a key that is given twice: the later one would win in silence. Ten times faster where libyaml is."""


def mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = {str(key) for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.MarkedYAMLError(problem=f"key given twice: {', '.join(sorted(twice))}", problem_mark=node.start_mark)
    return loader.construct_mapping(node)


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def unique(pairs):
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"key given twice: {', '.join(sorted(twice))}")
    return dict(pairs)


def problem(root, name):
    text = (root / name).read_text(encoding="utf-8", errors="replace")
    try:
        if name.endswith(".json"):
            json.loads(text, object_pairs_hook=unique)
        else:
            list(yaml.load_all(text, Loader=Loader))
    except (ValueError, yaml.YAMLError) as error:
        return f"{name}: {' '.join(str(error).split())}"
    return ""


def problems(root):
    names = tree.with_suffix(root, ".yaml", ".yml", ".json", ".clang-format", ".clang-tidy")
    return list(filter(None, (problem(root, name) for name in names
                            if not ON_PURPOSE.search(name) and not TEMPLATES.search(name))))
