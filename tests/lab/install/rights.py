"""The rights that an install gives its accounts, one by one, and what has to happen where one is missing."""

import dataclasses
import time

ACCOUNTS = ("conntruth-agent", "conntruth-controller")


@dataclasses.dataclass(frozen=True)
class Right:
    account: str
    verb: str
    group: str
    resource: str  # "services/status"
    name: str  # "" for any
    namespace: str  # "" for all
    role: str  # "Role NAMESPACE/NAME"
    at: tuple  # index of the rule and of the verb in it

    def __str__(self):
        return f"{self.account}: {self.verb} {self.resource} {self.name} in {self.namespace or 'the cluster'}"

    def review(self):
        """A SubjectAccessReview that asks for exactly this."""
        resource, _, below = self.resource.partition("/")
        attributes = {"verb": self.verb, "group": self.group, "resource": resource, "subresource": below, "name": self.name,
                      "namespace": self.namespace}
        return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": f"system:serviceaccount:conntruth-system:{self.account}",
                         "groups": ["system:serviceaccounts", "system:serviceaccounts:conntruth-system", "system:authenticated"],
                         "resourceAttributes": {key: value for key, value in attributes.items() if value}}}


def key(each):
    return f"{each['kind']} {each['metadata'].get('namespace', '')}/{each['metadata']['name']}"


def rights_of(objects):
    """Every right in the roles among `objects` that a binding among them gives one of our accounts."""
    roles = {key(each): each for each in objects if each["kind"] in ("Role", "ClusterRole")}
    found = []
    for binding in objects:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        namespace = binding["metadata"].get("namespace", "")
        kind = binding["roleRef"]["kind"]
        role = roles[f"{kind} {namespace if kind == 'Role' else ''}/{binding['roleRef']['name']}"]
        for subject in binding["subjects"]:
            found += [Right(subject["name"], verb, group, resource, name, namespace, key(role), (index, position))
                      for index, rule in enumerate(role["rules"]) for position, verb in enumerate(rule["verbs"])
                      for group in rule["apiGroups"] for resource in rule["resources"] for name in rule.get("resourceNames", [""])]
    return found


def allowed(api, rights):
    """Which of them the API server says yes to."""
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return [api.send("POST", path, each.review())["status"]["allowed"] for each in rights]


def await_answer(api, right, wanted, within=20):
    """The API server's authorizer follows a changed role a moment later. False: it did not."""
    deadline = time.monotonic() + within
    while allowed(api, [right]) != [wanted]:
        if time.monotonic() > deadline:
            return False
    return True


def path_of(role):
    namespace = role["metadata"].get("namespace", "")
    where = f"namespaces/{namespace}/roles" if namespace else "clusterroles"
    return f"/apis/rbac.authorization.k8s.io/v1/{where}/{role['metadata']['name']}"


def without(role, at):
    """The role with one verb of one rule taken away."""
    index, position = at
    rules = [dict(rule) for rule in role["rules"]]
    rules[index]["verbs"] = [verb for number, verb in enumerate(rules[index]["verbs"]) if number != position]
    return {"apiVersion": role["apiVersion"], "kind": role["kind"],
            "metadata": {field: role["metadata"][field] for field in ("name", "namespace") if field in role["metadata"]},
            "rules": [rule for rule in rules if rule["verbs"]]}


def forbidden(account, verb, group, resource, namespace, name=""):
    return Right(account, verb, group, resource, name, namespace, "", ())


# What somebody who has taken over one of our pods would like to have.
FORBIDDEN = [forbidden(account, *what) for account in ACCOUNTS for what in (
    ("create", "", "pods", "conntruth"), ("patch", "", "pods", "conntruth"), ("create", "apps", "deployments", "conntruth-system"),
    ("create", "", "pods", "conntruth-system"), ("create", "", "pods/exec", "conntruth-system"),
    ("list", "", "secrets", "conntruth-system"), ("get", "", "secrets", "kube-system"),
    ("create", "", "services", "default"), ("patch", "", "services/status", "default"),
    ("create", "discovery.k8s.io", "endpointslices", "kube-system"), ("delete", "", "namespaces", "", "conntruth"),
    ("create", "", "namespaces", ""), ("update", "", "nodes", ""), ("patch", "", "nodes/status", ""),
    ("escalate", "rbac.authorization.k8s.io", "roles", "conntruth-system"),
    ("create", "rbac.authorization.k8s.io", "clusterrolebindings", ""))]
