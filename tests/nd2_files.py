"""Write small ND2 files: the few chunks that a film of planes needs, of Nikon's published layout, version 3."""

import struct
from pathlib import Path

import numpy as np

_MAGIC = 0x0ABECEDA
_MAP = b"ND2 FILEMAP SIGNATURE NAME 0001!"
_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
_BEFORE_PIXELS = 4096
"""Bytes from the beginning of a frame's chunk to its pixels."""


def write_nd2(path: Path, frames: np.ndarray, pixel_size: float, period: float, said: str = "") -> None:
    """Write frames (T, Z, Y, X, C) of 16 bits, their pixel in µm, their period in ms, what was said of them."""
    times, planes, height, width, channels = frames.shape
    attributes = {
        "uiWidth": width, "uiWidthBytes": 2 * width * channels, "uiHeight": height, "uiComp": channels,
        "uiBpcInMemory": 16, "uiBpcSignificant": 16, "uiSequenceCount": times * planes, "eCompression": 2,
        "uiTileWidth": width, "uiTileHeight": height, "uiVirtualComponents": channels, "ePixelType": 1,
    }  # fmt: skip
    parts = {
        b"ImageAttributesLV!": _level({"SLxImageAttributes": attributes}),
        b"ImageMetadataLV!": _level({"SLxExperiment": _loops(times, planes, period)}),
        b"ImageMetadataSeqLV|0!": _level({"SLxPictureMetadata": _picture(channels, pixel_size)}),
        b"ImageTextInfoLV!": _level({"SLxImageTextInfo": {"TextInfoItem_6": said}}),
    }
    places: dict[bytes, tuple[int, int]] = {}
    with path.open("wb") as file:
        file.write(struct.pack("<IIQ32s64s", _MAGIC, 32, 64, b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0"))
        for name, content in parts.items():
            places[name] = file.tell(), len(content)
            file.write(struct.pack("<IIQ", _MAGIC, len(name), len(content)) + name + content)
        for number, frame in enumerate(frames.reshape(-1, height, width, channels)):
            name, pixels = b"ImageDataSeq|%d!" % number, frame.astype("<u2").tobytes()
            places[name] = file.tell(), len(pixels)
            before = struct.pack("<IIQ", _MAGIC, _BEFORE_PIXELS - 24, 8 + len(pixels)) + name
            file.write(before.ljust(_BEFORE_PIXELS, b"\0") + pixels)
        start = file.tell()
        listed = b"".join(name + struct.pack("<QQ", *place) for name, place in places.items())
        listed += _END + struct.pack("<Q", start)
        file.write(struct.pack("<IIQ", _MAGIC, len(_MAP), len(listed)) + _MAP + listed)


def _loops(times: int, planes: int, period: float) -> dict:
    time = {"uiCount": times, "dStart": 0.0, "dPeriod": period, "dDuration": period * times, "dAvgPeriodDiff": 0.0}
    depth = {"uiCount": planes, "dZStep": 0.5, "iType": 0, "dZHome": 0.0, "dZLow": 0.0, "dZHigh": 0.5 * planes}
    below = {"eType": 4, "uLoopPars": depth, "uiNextLevelCount": 0}
    more = {"ppNextLevelEx": {"": below}} if planes > 1 else {}
    return {"eType": 1, "uLoopPars": time, "uiNextLevelCount": len(more), **more}


def _picture(channels: int, pixel_size: float) -> dict:
    light = {"uiCount": 1, "pPoint": {"Point0": {"eType": 2, "dWavelength": 500.0, "dTValue": 1.0}}}
    probe = {"m_ExcitationSpectrum": light, "m_EmissionSpectrum": light}
    planes = {
        f"a{number}": {
            "uiCompCount": 1,
            "sDescription": f"channel {number}",
            "uiColor": 255,
            "pFluorescentProbe": probe,
        }
        for number in range(channels)
    }
    return {
        "dCalibration": pixel_size,
        "bCalibrated": pixel_size > 0,
        "sPicturePlanes": {"uiCount": channels, "uiCompCount": channels, "sPlaneNew": planes, "sSampleSetting": {}},
    }


def _level(values: dict) -> bytes:
    """Return values as Nikon's binary lists of named values."""
    return b"".join(_value(name, value) for name, value in values.items())


def _value(name: str, value: object) -> bytes:
    named = f"{name}\0"
    head = named.encode("utf-16-le")
    if isinstance(value, dict):
        inside, start = _level(value), 2 + len(head) + 12
        whole = struct.pack("<IQ", len(value), start + len(inside)) + inside + bytes(8 * len(value))
        return struct.pack("BB", 11, len(named)) + head + whole
    kind, packed = {
        bool: lambda: (1, struct.pack("<B", value)),
        int: lambda: (3, struct.pack("<I", value)),
        float: lambda: (6, struct.pack("<d", value)),
        str: lambda: (8, f"{value}\0".encode("utf-16-le")),
    }[type(value)]()
    return struct.pack("BB", kind, len(named)) + head + packed
