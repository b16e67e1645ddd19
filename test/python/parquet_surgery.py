"""Takes Parquet files apart and puts them together again, damaged on purpose.

A Thrift struct is a dict of field id -> (type, value), a list is (element type, [values]).
"""

import struct

TRUE, FALSE, I8, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def value(self, kind):
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == I8:
            return self.byte()
        if kind in (I16, I32, I64):
            return self.zigzag()
        if kind == DOUBLE:
            self.at += 8
            return struct.unpack("<d", self.data[self.at - 8 : self.at])[0]
        if kind == BINARY:
            size = self.varint()
            self.at += size
            return bytes(self.data[self.at - size : self.at])
        if kind in (LIST, SET):
            head = self.byte()
            size, element = head >> 4, head & 15
            size = self.varint() if size == 15 else size
            if element in (TRUE, FALSE):
                return (element, [self.byte() for _ in range(size)])
            return (element, [self.value(element) for _ in range(size)])
        assert kind == STRUCT, kind
        fields, last = {}, 0
        while (head := self.byte()) != 0:
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = (head & 15, self.value(head & 15))
        return fields


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def zigzag(value):
    return varint((value << 1) ^ (value >> 63))


def encode(kind, value):
    if kind in (TRUE, FALSE):
        return b""
    if kind == I8:
        return bytes([value])
    if kind in (I16, I32, I64):
        return zigzag(value)
    if kind == DOUBLE:
        return struct.pack("<d", value)
    if kind == BINARY:
        return varint(len(value)) + value
    if kind in (LIST, SET):
        element, items = value
        head = bytes([len(items) << 4 | element]) if len(items) < 15 else bytes([0xF0 | element]) + varint(len(items))
        if element in (TRUE, FALSE):
            return head + bytes(items)
        if isinstance(items, Repeated):
            return head + encode(element, items.item) * items.count
        return head + b"".join(encode(element, item) for item in items)
    out, last = bytearray(), 0
    for field, (inner, item) in sorted(value.items()):
        code = (TRUE if item else FALSE) if inner in (TRUE, FALSE) else inner
        step = field - last
        out += bytes([step << 4 | code]) if step < 16 else bytes([code]) + zigzag(field)
        out += encode(inner, item)
        last = field
    return bytes(out) + b"\0"


class Repeated:
    """A list of one item many times."""

    def __init__(self, item, count):
        self.item, self.count = item, count

    def __len__(self):
        return self.count


class Page:
    """A page header (PageHeader) and the bytes that follow it."""

    def __init__(self, header, body):
        self.header, self.body = header, bytearray(body)

    @property
    def is_dictionary(self):
        return self.header.get(1) == (I32, 2)

    def put(self, body):
        """Replaces the body of a page that is not compressed."""
        self.body = bytearray(body)
        self.header[2] = self.header[3] = (I32, len(body))


class Chunk:
    """A column chunk: its metadata (ColumnMetaData) and its pages."""

    def __init__(self, meta, pages):
        self.meta, self.pages = meta, pages


class ParquetFile:
    """A whole file; `save` lays the pages out anew and mends the offsets, nothing else."""

    def __init__(self, path):
        data = open(path, "rb").read()
        size = struct.unpack("<i", data[-8:-4])[0]
        self.footer = Reader(data, len(data) - 8 - size).value(STRUCT)
        self.groups = [
            [read_chunk(data, column[3][1]) for column in group[1][1][1]] for group in self.footer[4][1][1]
        ]

    @property
    def row_groups(self):
        """The RowGroup structs of the footer."""
        return self.footer[4][1][1]

    @property
    def schema(self):
        """The SchemaElement structs of the footer, the root first."""
        return self.footer[2][1][1]

    def encoded_footer(self):
        return encode(STRUCT, self.footer)

    def save(self, path):
        out = bytearray(b"PAR1")
        for group, chunks in zip(self.row_groups, self.groups):
            for column, chunk in zip(group[1][1][1], chunks):
                write_chunk(out, chunk)
                for field in (4, 5, 6, 7):  # page indexes are not written
                    column.pop(field, None)
                if 2 in column:
                    column[2] = (I64, chunk.meta[9][1])
            group.pop(5, None)
            group.pop(6, None)
        footer = self.encoded_footer()
        out += footer + struct.pack("<i", len(footer)) + b"PAR1"
        open(path, "wb").write(out)


def read_chunk(data, meta):
    start = min(meta[field][1] for field in (9, 11) if field in meta)
    end = start + meta[7][1]
    pages = []
    while start < end:
        reader = Reader(data, start)
        header = reader.value(STRUCT)
        start = reader.at + header[3][1]
        pages.append(Page(header, data[reader.at : start]))
    return Chunk(meta, pages)


def write_chunk(out, chunk):
    start = len(out)
    chunk.meta.pop(9)
    for page in chunk.pages:
        if page.is_dictionary:
            chunk.meta[11] = (I64, len(out))
        else:
            chunk.meta.setdefault(9, (I64, len(out)))
        out += encode(STRUCT, page.header) + page.body
    chunk.meta[7] = (I64, len(out) - start)
    chunk.meta.pop(10, None)
