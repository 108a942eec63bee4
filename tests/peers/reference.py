"""What OpenEXR and OpenImageIO make of a file, for tests that compare.

    reference.py write FOLDER    files of every codec, storage, sample type and sampling, made by both libraries
    reference.py serve           answers requests on stdin, a line of JSON each

Requests: `["planes", PATH]`, every part as the file stores it, read by OpenEXR; `["levels", PATH]`, the resolution
levels of the first part, and `["window", PATH, PART]`, the display window of a part with 0 where there is no data, both
read by OpenImageIO. The answer is a line of JSON, a list of pictures with their planes, and then the samples of those
planes in the same order, little-endian and without gaps.
"""

import json
import sys
from pathlib import Path

import Imath
import numpy
import OpenEXR
import OpenImageIO

SAMPLES = {"float16": "half", "float32": "float", "uint32": "uint"}


# Reading.


def plane(name, pixels):
    """A plane's line of the answer, and its samples."""
    height, width = pixels.shape
    described = {"name": name, "sample": SAMPLES[pixels.dtype.name], "width": width, "height": height}
    return described, pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()


def box(bounds):
    """Left, top, right and bottom, the last two included."""
    return [int(value) for corner in bounds for value in corner]


def planes(path):
    """Every flat part as stored; a deep one has no planes."""
    with OpenEXR.File(path, separate_channels=True) as file:
        return [planes_of(part) for part in file.parts]


def planes_of(part):
    header = part.header
    is_deep = header["type"] in (OpenEXR.deepscanline, OpenEXR.deeptile)
    channels = {} if is_deep else part.channels
    found = [plane(name, channel.pixels) for name, channel in channels.items()]
    return {
        "name": header.get("name"),
        "view": header.get("view"),
        "data_window": box(header["dataWindow"]),
        "display_window": box(header["displayWindow"]),
        "pixel_aspect": header["pixelAspectRatio"],
    }, found


def opened(path):
    file = OpenImageIO.ImageInput.open(path)
    if file is None:
        raise RuntimeError(OpenImageIO.geterror())
    return file


def channels_of(file, part, level):
    """Name and pixels of each channel; read by themselves they keep their sample types."""
    spec = file.spec(part, level)
    for at, name in enumerate(spec.channelnames):
        pixels = file.read_image(part, level, at, at + 1, spec.channelformat(at))
        yield name, pixels.reshape(spec.height, spec.width)


def levels(path):
    file, found = opened(path), []
    while file.seek_subimage(0, len(found)):
        found.append(({}, [plane(*channel) for channel in channels_of(file, 0, len(found))]))
    return found


def placed(spec, pixels):
    """The display window, 0 where there is no data."""
    full = numpy.zeros((spec.full_height, spec.full_width), pixels.dtype)
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    inside = full[max(top, 0) : max(top + spec.height, 0), max(left, 0) : max(left + spec.width, 0)]
    rows, columns = inside.shape
    inside[:] = pixels[max(-top, 0) :, max(-left, 0) :][:rows, :columns]
    return full


def window(path, part):
    file = opened(path)
    spec = file.spec(part, 0)
    return [({}, [plane(name, placed(spec, pixels)) for name, pixels in channels_of(file, part, 0)])]


def serve():
    out = sys.stdout.buffer
    for line in sys.stdin:
        kind, *arguments = json.loads(line)
        pictures = {"planes": planes, "levels": levels, "window": window}[kind](*arguments)
        described = [{**header, "planes": [described for described, _ in found]} for header, found in pictures]
        out.write(json.dumps(described).encode() + b"\n")
        for _, found in pictures:
            for _, samples in found:
                out.write(samples)
        out.flush()


# Writing.

CODECS = ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB", "ZSTD", "HTJ2K256", "HTJ2K32", "LJ2K"]
DTYPES = {"h": numpy.float16, "f": numpy.float32, "u": numpy.uint32}
RGBA = {"R": "h", "G": "h", "B": "h", "A": "h"}
MIXED = {**RGBA, "Z": "f", "id": "u", "N.x": "f", "N.y": "h", "N.z": "u"}
SUBSAMPLED = {
    "420": {"Y": ("h", 1, 1), "RY": ("h", 2, 2), "BY": ("h", 2, 2), "A": ("h", 4, 2), "Z": ("f", 4, 2), "id": ("u", 1, 2)},
    "422": {"Y": ("h", 1, 1), "RY": ("h", 2, 1), "BY": ("h", 2, 1), "Z": ("f", 4, 1), "id": ("u", 2, 1)},
}
SPECIAL = [0.0, -0.0, 6e-8, -6e-8, 65504.0, -65504.0, numpy.inf, -numpy.inf, numpy.nan]


def samples(kind, width, height, has_special):
    """A smooth picture with grain, flat areas and, where asked for, extreme values and what is no number."""
    random = numpy.random.default_rng(width * 1000 + height)
    y, x = numpy.mgrid[0:height, 0:width]
    values = numpy.sin(x * 0.05) + numpy.cos(y * 0.07) + random.normal(0, 0.02, (height, width))
    values[(x // 16 + y // 16) % 3 == 0] = 0.18
    if kind == "u":
        return (numpy.abs(values) * 1e9).astype(numpy.uint32)
    if has_special:
        places = random.random((height, width)) < 0.03
        values[places] = random.choice(SPECIAL, places.sum())
    return values.astype(DTYPES[kind])


def part(codec, kinds, size, corner=(0, 0), tile=None, name="", **attributes):
    """A part whose display window is not its data window."""
    (width, height), (left, top) = size, corner
    header = {
        "compression": getattr(OpenEXR, codec + "_COMPRESSION"),
        "type": OpenEXR.tiledimage if tile else OpenEXR.scanlineimage,
        "dataWindow": (numpy.array([left, top], "i"), numpy.array([left + width - 1, top + height - 1], "i")),
        "displayWindow": (numpy.array([-3, 5], "i"), numpy.array([96, 84], "i")),
        **attributes,
    }
    if tile:
        header["tiles"] = OpenEXR.TileDescription()
        header["tiles"].xSize, header["tiles"].ySize = tile
    channels = {name: samples(kind, width, height, kinds is MIXED) for name, kind in kinds.items()}
    return OpenEXR.Part(header, channels, name)


def write_single(folder):
    down = {"lineOrder": OpenEXR.DECREASING_Y}
    for codec in CODECS:
        files = {
            "mixed": part(codec, MIXED, (131, 77), (-7, 13)),
            "tiled": part(codec, MIXED, (131, 77), (-70, -13), (32, 24)),
            "down": part(codec, RGBA, (97, 291), (9, -100), **down),
            "tiled_down": part(codec, RGBA, (97, 91), (9, 9), (64, 64), **down),
            "dot": part(codec, MIXED, (1, 1), (50, 50)),
            "column": part(codec, MIXED, (1, 67)),
            "line": part(codec, MIXED, (201, 1), (-3, 5)),
        }
        for kind, single in files.items():
            OpenEXR.File([single]).write(str(folder / f"{codec}_{kind}.exr".lower()))
        for kind, kinds in SUBSAMPLED.items():
            write_subsampled(folder / f"{codec}_{kind}.exr".lower(), codec, kinds)


def write_subsampled(path, codec, kinds):
    """By the old interface: the new one takes no subsampled channels. It takes rows of fewer samples one at a time."""
    width, height, left, top = 132, 78, -12, 6
    types = {"h": Imath.PixelType.HALF, "f": Imath.PixelType.FLOAT, "u": Imath.PixelType.UINT}
    header = OpenEXR.Header(width, height)
    header["compression"] = Imath.Compression(int(getattr(OpenEXR, codec + "_COMPRESSION")))
    corners = Imath.V2i(left, top), Imath.V2i(left + width - 1, top + height - 1)
    header["dataWindow"] = header["displayWindow"] = Imath.Box2i(*corners)
    header["channels"] = {
        name: Imath.Channel(Imath.PixelType(types[kind]), *steps) for name, (kind, *steps) in kinds.items()
    }
    pixels = {
        name: samples(kind, width // step_x, height // step_y, False)
        for name, (kind, step_x, step_y) in kinds.items()
    }
    lines = max(step_y for _, _, step_y in kinds.values())
    file = OpenEXR.OutputFile(str(path), header)
    for y in range(0, height, lines):
        rows = {name: pixels[name][y // step_y : (y + lines) // step_y] for name, (_, _, step_y) in kinds.items()}
        file.writePixels({name: some.tobytes() for name, some in rows.items()}, lines)
    file.close()


def write_parts(folder):
    """As many parts as codecs, no two alike, in two views."""
    many = []
    for number, codec in enumerate(CODECS):
        view = ["left", "right"][number % 2]
        size, corner = (60 + number, 90 - 2 * number), (number - 8, 3 * number - 9)
        tile = (17, 40) if number % 3 == 0 else None
        kinds = [RGBA, MIXED, {"Z": "f"}, {"diffuse.R": "h", "diffuse.G": "h", "diffuse.B": "h"}][number % 4]
        many.append(part(codec, kinds, size, corner, tile, f"{codec.lower()}.{view}", view=view))
    OpenEXR.File(many).write(str(folder / "parts.exr"))


def write_mips(folder):
    """Tiles with all resolution levels, as textures have them."""
    for codec in ["none", "zip", "piz", "dwaa"]:
        pixels = numpy.dstack([samples("h", 203, 118, False)] * 3)
        source = OpenImageIO.ImageBuf(numpy.ascontiguousarray(pixels))
        source.specmod().attribute("compression", codec)
        path = str(folder / f"mip_{codec}.exr")
        if not OpenImageIO.ImageBufAlgo.make_texture(OpenImageIO.MakeTxTexture, source, path):
            raise RuntimeError(OpenImageIO.geterror())


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    write_single(folder)
    write_parts(folder)
    write_mips(folder)


if sys.argv[1] == "write":
    write(Path(sys.argv[2]))
else:
    serve()
