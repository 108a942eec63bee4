#!/usr/bin/env python3
"""Makes EXR sequences out of two photographs, one for each kind of picture and compression.

A plate is RGB with the grain of film, which no entropy coder likes; cg is RGBA, smooth, with a matte. All channels are
half. The photographs are those of the OpenEXR test images: MEDIA is any folder above ScanLines/StillLife.exr and
ScanLines/Tree.exr. What is written: OUT/plate_zip/plate_zip.1001.exr and so on.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio

# How this is called here, and by OpenEXR.
COMPRESSIONS = {
    "none": "NO_COMPRESSION",
    "rle": "RLE_COMPRESSION",
    "zips": "ZIPS_COMPRESSION",
    "zip": "ZIP_COMPRESSION",
    "piz": "PIZ_COMPRESSION",
    "pxr24": "PXR24_COMPRESSION",
    "b44": "B44_COMPRESSION",
    "b44a": "B44A_COMPRESSION",
    "dwaa": "DWAA_COMPRESSION",
    "dwab": "DWAB_COMPRESSION",
    "htj2k32": "HTJ2K32_COMPRESSION",
    "htj2k256": "HTJ2K256_COMPRESSION",
    "zstd": "ZSTD_COMPRESSION",
    "lj2k": "LJ2K_COMPRESSION",
}
FIRST_FRAME = 1001
# The picture moves, so that no frame is the one before.
PIXELS_A_FRAME = 7
GRAIN = 0.003


def photograph(media, name, size):
    """A photograph of that name somewhere below the folder, in this size: height x width x RGB, float32, none below 0."""
    path = next(iter(sorted(media.rglob(f"ScanLines/{name}"))), None)
    if path is None:
        sys.exit(f"there is no ScanLines/{name} below {media}")
    image = oiio.ImageBufAlgo.channels(oiio.ImageBuf(str(path)), ("R", "G", "B"))
    width, height = size
    image = oiio.ImageBufAlgo.resize(image, roi=oiio.ROI(0, width, 0, height, 0, 1, 0, 3))
    return np.clip(image.get_pixels(oiio.FLOAT), 0, None)


def plate(still, frame):
    """Grain has the standard deviation of photon noise: the root of the light, with a floor in the shadows."""
    moved = np.roll(still, frame * PIXELS_A_FRAME, axis=1)
    noise = np.random.default_rng(seed=frame).standard_normal(moved.shape, dtype=np.float32)
    grained = moved + GRAIN * noise * np.sqrt(moved + 0.25)
    return {name: grained[:, :, index].clip(0) for index, name in enumerate("RGB")}


def cg(still, frame):
    """A disc with a soft edge is the matte that the picture is multiplied with."""
    height, width, _ = still.shape
    moved = np.roll(still, frame * PIXELS_A_FRAME, axis=1)
    x = np.arange(width, dtype=np.float32) - width / 2 - frame * PIXELS_A_FRAME
    y = np.arange(height, dtype=np.float32)[:, None] - height / 2
    inside = (0.45 * height - np.sqrt(x * x + y * y)) / (0.1 * height)
    matte = inside.clip(0, 1).astype(np.float32)
    channels = {name: moved[:, :, index] * matte for index, name in enumerate("RGB")}
    return channels | {"A": matte}


KINDS = {"plate": ("StillLife.exr", plate), "cg": ("Tree.exr", cg)}


def write(path, channels, compression):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"type": OpenEXR.scanlineimage, "compression": getattr(OpenEXR, COMPRESSIONS[compression])}
    halves = {name: np.ascontiguousarray(samples, dtype=np.float16) for name, samples in channels.items()}
    OpenEXR.File(header, halves).write(str(path))


def names(known):
    """Reads a list with commas of which every name is known."""

    def read(text):
        chosen = text.split(",")
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {' '.join(known)}")
        return chosen

    return read


def size(text):
    width, _, height = text.partition("x")
    return int(width), int(height)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", type=Path, metavar="MEDIA")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--size", type=size, default=(4096, 2160), metavar="WxH")
    parser.add_argument("--frames", type=int, default=3, metavar="N")
    parser.add_argument("--kinds", type=names(KINDS), default=list(KINDS), metavar="A,B")
    parser.add_argument("--codecs", type=names(COMPRESSIONS), default=list(COMPRESSIONS), metavar="A,B")
    return parser.parse_args()


def main():
    args = arguments()
    for kind in args.kinds:
        name, paint = KINDS[kind]
        still = photograph(args.media, name, args.size)
        for frame in range(args.frames):
            channels = paint(still, frame)
            for codec in args.codecs:
                sequence = f"{kind}_{codec}"
                write(args.out / sequence / f"{sequence}.{FIRST_FRAME + frame}.exr", channels, codec)
        print(f"{kind}: {args.frames} frames, {' '.join(args.codecs)}")


if __name__ == "__main__":
    main()
