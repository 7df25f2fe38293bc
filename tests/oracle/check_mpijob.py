"""Checks deploy/mpijob.yaml against the schema of Kubeflow's MPI operator, as an API server does with strict field validation.

    pip install jsonschema pyyaml
    python3 check_mpijob.py kubeflow.org_mpijobs.yaml [MANIFEST]

The schema is manifests/base/kubeflow.org_mpijobs.yaml of the repository kubeflow/mpi-operator. The script also checks that faults in the manifest
would be found: misspelt fields, texts in place of numbers and of lists.
"""
import copy
import pathlib
import sys

import jsonschema
import yaml


def strict(schema):
    """Refuses fields that the schema does not name."""
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        if schema.get("x-kubernetes-int-or-string"):
            schema.pop("type", None)
        for each in schema.values():
            strict(each)
    elif isinstance(schema, list):
        for each in schema:
            strict(each)


def validator(path):
    crd = yaml.safe_load(pathlib.Path(path).read_text())
    version = next(each for each in crd["spec"]["versions"] if each["name"] == "v2beta1")
    schema = version["schema"]["openAPIV3Schema"]
    strict(schema)
    schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    return jsonschema.Draft7Validator(schema), crd["spec"]["names"]["kind"]


def main():
    own = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "mpijob.yaml"
    path = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else own
    check, kind = validator(sys.argv[1])
    job = yaml.safe_load(path.read_text())
    errors = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in check.iter_errors(job)]
    if job["kind"] != kind:
        errors.append(f"kind: {job['kind']} is not {kind}")
    for error in errors:
        print(error)
    if errors:
        sys.exit(1)
    for fault in faults(job):
        assert not check.is_valid(fault), f"a fault is not found: {fault}"
    print(f"{path.name} fits {kind} v2beta1; faults are found")


def faults(job):
    def changed(change):
        other = copy.deepcopy(job)
        change(other["spec"], other["spec"]["mpiReplicaSpecs"]["Worker"])
        return other

    container = lambda worker: worker["template"]["spec"]["containers"][0]
    yield changed(lambda spec, worker: spec.update(slotPerWorker=1))
    yield changed(lambda spec, worker: spec.update(slotsPerWorker="1"))
    yield changed(lambda spec, worker: spec["runPolicy"].update(cleanPodPolicies="Running"))
    yield changed(lambda spec, worker: container(worker).update(command="sshd"))
    yield changed(lambda spec, worker: container(worker).update(mounts=[]))


if __name__ == "__main__":
    main()
