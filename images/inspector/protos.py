"""The few protobuf messages of a SavedModel that are read here, each as far as it is read; the rest is skipped."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_KINDS: Final = {
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
}
"""Texts are read as bytes: a damaged one is then no reason to give up."""

_MESSAGES: Final = {
    "SavedModel": "MetaGraph* meta_graphs 2",
    "MetaGraph": (
        "MetaInfo meta_info 1; Graph graph 2; Saver saver 3; Collection% collections 4; Signature% signatures 5; "
        "AssetFile* assets 6; ObjectGraph objects 7"
    ),
    "MetaInfo": "bytes* tags 4; bytes tensorflow_version 5",
    "Graph": "Node* nodes 1; Library library 2",
    "Saver": "bytes save 2; bytes restore 3",
    "Collection": "NodeList nodes 1",
    "NodeList": "bytes* names 1",
    "Library": "Function* functions 1; Gradient* gradients 2",
    "Gradient": "bytes function 2",
    "Function": "Operation signature 1; Node* nodes 3",
    "Operation": "bytes name 1",
    "Node": "bytes name 1; bytes op 2; bytes* inputs 3; Attribute% attributes 5",
    "Attribute": "AttributeList list 1; bytes text 2; Called function 10",
    "AttributeList": "Called* functions 9",
    "Called": "bytes name 1",
    "Signature": "TensorInfo% inputs 1; TensorInfo% outputs 2",
    "TensorInfo": "bytes name 1; int32 dtype 2; Shape shape 3",
    "Shape": "Dimension* dimensions 2; bool unknown_rank 3",
    "Dimension": "int64 size 1",
    "AssetFile": "bytes filename 2",
    "ObjectGraph": "Object* nodes 1; Concrete% concrete 2",
    "Concrete": "",
    "Object": "Child* children 1; Slot* slots 3; UserObject user 4; Variable variable 7",
    "Child": "int32 node 1; bytes name 2",
    "Slot": "int32 slot 3",
    "UserObject": "bytes identifier 1; bytes metadata 3",
    "Variable": "int32 dtype 1; Shape shape 2; bytes name 6",
    "KerasMetadata": "KerasNode* nodes 1",
    "KerasNode": "int32 node 2; bytes path 3; bytes identifier 4; bytes metadata 5",
}
"""Name to fields, ``kind name number``; ``*`` is a list, ``%`` a map by text, here read as a list of entries."""


def _declared() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="tfmatrix.proto", package="tfmatrix", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in filter(None, fields.split("; ")):
            kind, called, number = field.split()
            _add(file, message, kind, called, int(number))
    return file


def _add(file: Any, message: Any, kind: str, name: str, number: int) -> None:  # noqa: ANN401  protobuf's own
    repeated = kind.endswith(("*", "%"))
    label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED if repeated else 1
    plain = kind.rstrip("*%")
    field = message.field.add(name=name, number=number, label=label)
    if kind.endswith("%"):
        field.type, field.type_name = 11, f".tfmatrix.{_entry(file, plain)}"
    elif plain in _KINDS:
        field.type = _KINDS[plain]
    else:
        field.type, field.type_name = 11, f".tfmatrix.{plain}"


def _entry(file: Any, kind: str) -> str:  # noqa: ANN401
    """Declare the entry of a map once. As a list of entries, a map with a damaged key is still read."""
    name = f"{kind}Entry"
    if all(one.name != name for one in file.message_type):
        entry = file.message_type.add(name=name)
        entry.field.add(name="key", number=1, label=1, type=_KINDS["bytes"])
        entry.field.add(name="value", number=2, label=1, type=11, type_name=f".tfmatrix.{kind}")
    return name


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_declared())


def message(name: str) -> Any:  # noqa: ANN401
    """Return a new, empty message, such as ``SavedModel``."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"tfmatrix.{name}"))()
