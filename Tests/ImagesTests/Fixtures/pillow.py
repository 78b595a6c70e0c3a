#!/usr/bin/env python3
"""Writes pillow.json: small picture files, and the pixels that Pillow reads from them or scales them to.

Pixels that Pillow does not give (16 bits, transparency on white) follow from the values that were written.
Debian's python3-pil 9.4 with libjpeg-turbo 2.1.5 wrote the stored file:  python3 pillow.py > pillow.json
"""
import base64
import io
import json
import struct
import zlib

from PIL import Image, ImageOps


def text(data):
    return base64.b64encode(bytes(data)).decode()


def noise(count, seed):
    """Numbers 0 to 255 of a linear congruential generator."""
    values, state = [], seed
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        values.append(state >> 16 & 255)
    return values


def scene(height, width, channels):
    """Gradients with an edge, as pictures have them, and some noise."""
    grain = noise(height * width * channels, height * width + channels)
    values = []
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                value = 60 * c + 150 * x // width + (90 if (x - y + c) % 11 > 5 else 0) - 40 * y // height
                values.append(max(0, min(255, value + grain[(y * width + x) * channels + c] // 16)))
    return bytes(values)


def png(height, width, depth, kind, rows, palette=None, transparency=None, interlaced=False):
    """A PNG file of packed rows, with filter 0."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    if palette: file += chunk(b"PLTE", palette)
    if transparency: file += chunk(b"tRNS", transparency)
    return file + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b"")


def on_white(color, alpha):
    return (2 * (alpha * color + (255 - alpha) * 255) + 255) // 510


def planes(values, channels):
    return [value for c in range(channels) for value in values[c::channels]]


pictures, files = [], {}


def add(name, file, height, width, channels, interleaved):
    files[name] = file
    pictures.append({"name": name, "file": text(file), "shape": [channels, height, width],
                     "pixels": text(planes(list(interleaved), channels))})


def add_read(name, file):
    """A file whose pixels are those that Pillow reads."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    add(name, file, image.height, image.width, len(image.getbands()), image.tobytes())


def saved(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


rgb = Image.frombytes("RGB", (27, 19), scene(19, 27, 3))
grey = Image.frombytes("L", (27, 19), scene(19, 27, 1))
cmyk = Image.frombytes("CMYK", (27, 19), scene(19, 27, 4))
add_read("rgb.jpg", saved(rgb, "JPEG", quality=85))
add_read("rgb444.jpg", saved(rgb, "JPEG", quality=95, subsampling=0))
add_read("progressive.jpg", saved(rgb, "JPEG", quality=80, progressive=True))
add_read("grey.jpg", saved(grey, "JPEG", quality=85))
add_read("pixel.jpg", saved(rgb.crop((3, 3, 4, 4)), "JPEG"))
adobe = saved(cmyk, "JPEG", quality=90)
add_read("cmyk.jpg", adobe)
marker = adobe.index(b"\xff\xee\x00\x0eAdobe")
add_read("ycck.jpg", adobe[:marker + 15] + b"\x02" + adobe[marker + 16:])
stored = [255 - value for value in Image.open(io.BytesIO(adobe)).tobytes()]
plain = [(2 * (255 - stored[i + c]) * (255 - stored[i + 3]) + 255) // 510
         for i in range(0, len(stored), 4) for c in range(3)]
add("cmyk-without-adobe.jpg", adobe[:marker] + adobe[marker + 16:], 19, 27, 3, plain)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    add_read(f"exif-{orientation}.jpg", saved(rgb, "JPEG", quality=85, exif=exif))
exif = Image.Exif()
exif[0x0112] = 6
add_read("exif-6.png", saved(rgb, "PNG", exif=exif))
big = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"
add_read("exif-8-big-endian.jpg", saved(rgb, "JPEG", quality=85, exif=big))

add_read("rgb.png", saved(rgb, "PNG"))
add_read("grey.png", saved(grey, "PNG"))
add_read("palette.png", saved(rgb.quantize(13), "PNG"))
add_read("bilevel.png", saved(grey.convert("1"), "PNG"))
add_read("pixel.png", saved(rgb.crop((3, 3, 4, 4)), "PNG"))
values = noise(5 * 3 * 4, 7)
add("alpha.png", saved(Image.frombytes("RGBA", (5, 3), bytes(values)), "PNG"), 3, 5, 3,
    [on_white(values[i + c], values[i + 3]) for i in range(0, 60, 4) for c in range(3)])
add("grey-alpha.png", saved(Image.frombytes("LA", (5, 3), bytes(values[:30])), "PNG"), 3, 5, 1,
    [on_white(values[i], values[i + 1]) for i in range(0, 30, 2)])
high, low = noise(5 * 3 * 4, 8), noise(5 * 3 * 4, 9)
wide = [256 * h + l for h, l in zip(high, low)]
eight = [(2 * value * 255 + 65535) // 131070 for value in wide]
def packed(count): return [b"".join(struct.pack(">H", v) for v in wide[y * count:(y + 1) * count]) for y in range(3)]
add("grey16.png", png(3, 5, 16, 0, packed(5)), 3, 5, 1, eight[:15])
add("rgb16.png", png(3, 5, 16, 2, packed(15)), 3, 5, 3, eight[:45])
add("rgba16.png", png(3, 5, 16, 6, packed(20)), 3, 5, 3,
    [on_white(eight[i + c], eight[i + 3]) for i in range(0, 60, 4) for c in range(3)])
quarter = [value & 3 for value in values[:24]]
rows = [bytes(quarter[y * 8 + x] << 6 | quarter[y * 8 + x + 1] << 4 | quarter[y * 8 + x + 2] << 2
              | quarter[y * 8 + x + 3] for x in (0, 4)) for y in range(3)]
add("grey2.png", png(3, 8, 2, 0, rows), 3, 8, 1, [85 * value for value in quarter])
colors = noise(12, 10)
add("palette-transparent.png", png(3, 8, 2, 3, rows, bytes(colors), bytes([255, 0, 100])), 3, 8, 3,
    [on_white(colors[3 * k + c], [255, 0, 100, 255][k]) for k in quarter for c in range(3)])
add("transparent-color.png", png(3, 5, 8, 2, [bytes(values[y * 15:(y + 1) * 15]) for y in range(3)],
                                 transparency=struct.pack(">HHH", *values[:3])), 3, 5, 3,
    [255 if i < 3 else value for i, value in enumerate(values[:45])])
passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
picture = scene(9, 11, 3)
rows = [b"".join(picture[(y * 11 + x) * 3:(y * 11 + x) * 3 + 3] for x in range(left, 11, across))
        for top, down, left, across in passes for y in range(top, 9, down) if left < 11]
add("interlaced.png", png(9, 11, 8, 2, rows, interlaced=True), 9, 11, 3, picture)

resized = []
for name, height, width in [("rgb.png", 8, 8), ("rgb.png", 19, 27), ("rgb.png", 5, 40), ("rgb.png", 64, 33),
                            ("rgb.png", 1, 1), ("grey.png", 7, 9), ("grey.png", 30, 13), ("pixel.png", 4, 6)]:
    image = Image.open(io.BytesIO(files[name])).resize((width, height), Image.Resampling.BILINEAR)
    channels = len(image.getbands())
    resized.append({"name": name, "shape": [channels, height, width],
                    "pixels": text(planes(list(image.tobytes()), channels))})
greyed = planes(list(rgb.convert("L").tobytes()), 1)
print(json.dumps({"pictures": pictures, "resized": resized, "grey": text(greyed)}, indent=1))
