"""The store's tests run here on PostgreSQL: ``place`` is a database of its own on a server of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster, running_cluster
from tests.databases import Place


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server for all tests that want one; started when the first does."""
    with running_cluster() as running:
        yield running


@pytest.fixture
def place(cluster: Cluster) -> Iterator[Place]:
    """An empty database for one test."""
    with cluster.database() as url:
        yield url


@pytest.fixture(scope="module")
def lasting_place(cluster: Cluster) -> Iterator[Place]:
    """An empty database for the tests of one module."""
    with cluster.database() as url:
        yield url
