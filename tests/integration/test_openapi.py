"""The OpenAPI document holds: whatever it lets one ask, no answer is a fault, and none is of a kind that it does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reports import addresses
from tests.site import Visitor, visiting

CHECKS: Final = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW: Final = 5
MANY: Final = 40
"""Examples for each address: in `make test`, and in `make test-all`."""

once = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A visitor of the made-up matrix, where everybody may upload as much as there is."""
    words: dict[str, Any] = {"uploads": "open", "uploads_per_hour": 0, "upload_queue": 100_000}
    with visiting(tmp_path_factory.mktemp("home"), filled=True, **words) as one:
        yield one


@pytest.fixture(scope="module")
def operations(visitor: Visitor) -> list[Any]:
    """All that the document lets one ask."""
    document = schemathesis.openapi.from_asgi("/openapi.json", visitor.app)
    return [found.ok() for found in document.get_all_operations()]  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "nonsense"])
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.everything)])
def test_whatever_is_asked_is_answered_as_documented(
    operations: list[Any], mode: GenerationMode, examples: int
) -> None:
    """Each address with what fits its parameters, and with what does not."""
    assert len(operations) > 10
    asked = [one for one in operations if mode is GenerationMode.POSITIVE or can_be_nonsense(one)]
    assert len(asked) > 5
    for operation in asked:

        @settings(once, max_examples=examples)
        @given(operation.as_strategy(generation_mode=mode))
        def asks(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        asks()


def can_be_nonsense(operation: Any) -> bool:
    """Whether not every text fits each parameter, even before it is looked up."""
    limits = ("$ref", "enum", "const", "pattern", "Length", "integer", "minimum")
    return any(
        limit in str(one["schema"]) for one in operation.definition.raw.get("parameters", ()) for limit in limits
    )


def test_a_generator_can_read_it(visitor: Visitor) -> None:
    """Each operation has an id of its own, a summary, its errors, and types or examples for its parameters."""
    document = visitor.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    found = [one for operations in document["paths"].values() for one in operations.values()]
    identities = [one["operationId"] for one in found]
    assert len(set(identities)) == len(identities)
    assert all(one["summary"] for one in found)
    for one in found:
        for parameter in one.get("parameters", []):
            assert parameter["schema"].keys() & {"type", "$ref", "anyOf", "enum"}, parameter
    pages = [one for one in found if "machines" not in one["tags"]]
    assert all({"404", "422", "503"} <= one["responses"].keys() for one in pages)


def test_what_programs_read_has_fields_and_a_true_example(visitor: Visitor) -> None:
    """Each answer in JSON: its schema, and a short example of an address that is answered so."""
    document = visitor.get("/openapi.json").json()
    twins = {
        path: one["get"]["responses"]["200"]["content"]["application/json"]
        for path, one in document["paths"].items()
        if path.endswith(".json")
    }
    assert len(twins) > 10
    assert "Rows" in str(twins.pop("/matrix.json")["schema"])
    for path, content in twins.items():
        example = content["example"]
        assert "Twin" in str(content["schema"])
        if "{" in example["address"]:  # a part that is another in each database
            continue
        answer = visitor.get(addresses.twin(example["address"])).json()
        assert example.keys() <= answer.keys(), path
        assert answer["schema"] == example["schema"], path
        assert answer["address"].startswith(example["address"])
