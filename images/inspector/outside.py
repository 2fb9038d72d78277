"""The ops of a graph that do more than calculate, as TensorFlow's own registries of ops name them, 2.4 to 2.21."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from images.inspector.findings import Findings
from images.inspector.refusal import shown

_BY_WHAT = {
    "reads files": """
        CSVDataset CSVDatasetV2 DTensorRestoreV2 DecodeProtoV2 EncodeProto ExperimentalCSVDataset
        ExperimentalLMDBDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2 FixedLengthRecordReader
        FixedLengthRecordReaderV2 FixedUnigramCandidateSampler GenerateVocabRemapping ImmutableConst LMDBDataset
        LMDBReader ListSnapshotChunksDataset LoadAndRemapMatrix LoadDataset ReadFile RecordInput Restore RestoreSlice
        RestoreV2 Skipgram SnapshotChunkDataset SnapshotDatasetReader TFRecordDataset TFRecordDatasetV2 TFRecordReader
        TFRecordReaderV2 TextLineDataset TextLineReader TextLineReaderV2 WholeFileReader WholeFileReaderV2""",
    "reads its vocabulary from a file": "InitializeTableFromTextFile InitializeTableFromTextFileV2",
    "lists files": "ExperimentalMatchingFilesDataset MatchingFiles MatchingFilesDataset",
    "writes files": """
        CacheDataset CacheDatasetV2 CalibrationStatisticsSaver CloseSummaryWriter CreateSummaryFileWriter
        DatasetToTFRecord DumpTensor ExperimentalDatasetToTFRecord FlushSummaryWriter ImportEvent MergeV2Checkpoints
        Save SaveDataset SaveDatasetV2 SaveSlices SaveV2 SnapshotDataset SnapshotDatasetV2
        StatsAggregatorSetSummaryWriter WriteAudioSummary WriteFile WriteGraphSummary WriteHistogramSummary
        WriteImageSummary WriteRawProtoSummary WriteScalarSummary WriteSummary""",
    "reads databases": "ExperimentalSqlDataset SqlDataset",
    "writes databases": "CreateSummaryDbWriter",
    "writes files, or calls over the network": """
        DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary""",
    "calls over the network": """
        DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 DistributedSave
        RegisterDataset RegisterDatasetV2 Rpc RpcCall RpcClient TryRpc""",
    "listens on the network": "RpcServer RpcServerRegister RpcServerStart",
    "exchanges data with other processes": """
        CollectiveAllToAllV2 CollectiveAllToAllV3 CollectiveAssignGroupV2 CollectiveBcastRecv CollectiveBcastRecvV2
        CollectiveBcastSend CollectiveBcastSendV2 CollectiveGather CollectiveGatherV2 CollectiveInitializeCommunicator
        CollectivePermute CollectiveReduce CollectiveReduceScatterV2 CollectiveReduceV2 CollectiveReduceV3 Recv Send
        XlaHostCompute XlaRecv XlaRecvFromHost XlaSend XlaSendToHost _HostRecv _HostSend _Recv _Send
        _XlaHostComputeMlir _XlaRecvAtHost _XlaRecvAtHostV2 _XlaSendFromHost _XlaSendFromHostV2""",
    "calls functions elsewhere": "RemoteCall RemoteFusedGraphExecute",
    "calls Python": "EagerPyFunc PyFunc PyFuncStateless",
    "calls native code by name": "XlaCustomCall XlaCustomCallV2",
    "runs a graph that is hidden in its data": "DatasetFromGraph",
    "sets up file systems": "FileSystemSetConfiguration",
    "prints": "Print PrintV2",
    "may end the process": "Abort WorkerHeartbeat",
}
OUTSIDE = {op: what for what, ops in _BY_WHAT.items() for op in ops.split()}
"""Each op with what it does. Ops of TPUs are none of them: no machine here has one."""

IF_NAMED = {
    "DecodeProtoV2": b"descriptor_source",
    "EncodeProto": b"descriptor_source",
    "FixedUnigramCandidateSampler": b"vocab_file",
    "ImmutableConst": b"memory_region_name",
}
"""Ops that reach outside only where this attribute names a file."""

NO_FILE = ("local://", "bytes://")

OF_SAVING = frozenset(["MergeV2Checkpoints", "Restore", "RestoreSlice", "RestoreV2", "Save", "SaveSlices", "SaveV2"])


def look_at_ops(graph: Any, found: Findings) -> None:  # noqa: ANN401  protobuf's own
    """Name the ops that reach outside, less those with which TensorFlow saves and restores every model."""
    of_saver: tuple[set[bytes], set[bytes]] | None = None
    for function, node in _nodes(graph):
        op = node.op.decode("utf-8", "replace")
        if op not in OUTSIDE or (op in IF_NAMED and not _names_a_file(node, IF_NAMED[op])):
            continue
        if op in OF_SAVING:
            of_saver = of_saver or _of_the_saver(graph)
            if node.name in of_saver[0] if function is None else function in of_saver[1]:
                continue
        stream = _text_of(node, b"output_stream")
        found.reach(f"op {op} {OUTSIDE[op]}" + (f" to {shown(stream, 60)}" if "://" in stream else ""))


def _nodes(graph: Any) -> Iterator[tuple[bytes | None, Any]]:  # noqa: ANN401
    """Yield every op with the name of the function that it stands in."""
    for node in graph.graph.nodes:
        yield None, node
    for function in graph.graph.library.functions:
        for node in function.nodes:
            yield function.signature.name, node


def _text_of(node: Any, attribute: bytes) -> str:  # noqa: ANN401
    return next((one.value.text.decode("utf-8", "replace") for one in node.attributes if one.key == attribute), "")


def _names_a_file(node: Any, attribute: bytes) -> bool:  # noqa: ANN401
    name = _text_of(node, attribute)
    return bool(name) and not name.startswith(NO_FILE)


def _of_the_saver(graph: Any) -> tuple[set[bytes], set[bytes]]:  # noqa: ANN401
    """Return the names of nodes and of functions that nothing but the graph's own saver comes to.

    That, and no name, tells the functions that TensorFlow saves and restores with: names are the author's to choose.
    """
    nodes = {node.name: node for node in graph.graph.nodes}
    if len(nodes) != len(graph.graph.nodes):
        return set(), set()
    saving = _before(nodes, [_node(graph.saver.save), _node(graph.saver.restore)])
    asked = [_node(tensor.value.name) for one in graph.signatures for tensor in _tensors(one.value)]
    asked += [_node(name) for one in graph.collections for name in one.value.nodes.names]
    own = saving - _before(nodes, [*asked, *(name for name in nodes if name not in saving)])
    called = {name for at in own for name in _called(nodes[at])}
    elsewhere = {
        name
        for function, node in _nodes(graph)
        if function is not None or node.name not in own
        for name in _called(node)
    }
    elsewhere |= {one.key for one in graph.objects.concrete} | {one.function for one in graph.graph.library.gradients}
    return own, called - elsewhere


def _tensors(signature: Any) -> Iterator[Any]:  # noqa: ANN401
    yield from signature.inputs
    yield from signature.outputs


def _before(nodes: dict[bytes, Any], last: Iterable[bytes]) -> set[bytes]:
    """Return the names of these nodes and of all that their inputs come from."""
    found: set[bytes] = set()
    stack = [name for name in last if name in nodes]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += [one for one in map(_node, nodes[name].inputs) if one in nodes and one not in found]
    return found


def _node(tensor: bytes) -> bytes:
    """Return the name of the node that a tensor, or a control input, is of."""
    return tensor.removeprefix(b"^").partition(b":")[0]


def _called(node: Any) -> Iterator[bytes]:  # noqa: ANN401
    """Yield the names of functions that an op may call; its own kind may be one."""
    yield node.op
    for one in node.attributes:
        yield one.value.function.name
        for function in one.value.list.functions:
            yield function.name
