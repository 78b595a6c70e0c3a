"""Pictures of emoji with bags of words, as a user's HDF5 file.

    emoji.py OUTPUT.h5

/first is N × 3 × 24 × 24, the pictures of Debian's fonts-noto-color-emoji over white; /second is N × words, which of the words in the English
names and keywords of unicode-cldr-core an emoji has. Emoji with skin tones are left out, and words that only one emoji has. /split keeps 400
pairs for tests.
"""

import collections
import re
import sys
import xml.etree.ElementTree as ElementTree

import h5py
import numpy
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
NAMES = "/usr/share/unicode/cldr/common"
SIDE = 24
SKIN_TONES = range(0x1F3FB, 0x1F400)
HELD_OUT = 400


def annotations():
    """{emoji: its words}"""
    texts = collections.defaultdict(list)
    for folder in ("annotations", "annotationsDerived"):
        for annotation in ElementTree.parse(f"{NAMES}/{folder}/en.xml").getroot().iter("annotation"):
            texts[annotation.get("cp")].append(annotation.text)
    return {emoji: sorted(set(re.findall(r"\w+", " ".join(text).lower()))) for emoji, text in texts.items()}


def picture(emoji, font):
    """[3, SIDE, SIDE], from 0 to 1."""
    image = Image.new("RGB", (136, 128), "white")
    ImageDraw.Draw(image).text((0, 0), emoji, font=font, embedded_color=True)
    return numpy.asarray(image.resize((SIDE, SIDE), Image.BOX), numpy.float32).transpose(2, 0, 1) / 255


def main():
    font = ImageFont.truetype(FONT, 109)
    pictures, texts, seen = [], [], set()
    for emoji, words in annotations().items():
        if any(ord(letter) in SKIN_TONES for letter in emoji):
            continue
        pixels = picture(emoji, font)
        # A sign that the font lacks, or has without colours, is no emoji of it.
        is_coloured = (pixels.max(0) - pixels.min(0)).mean() > 0.012
        if is_coloured and pixels.tobytes() not in seen:
            seen.add(pixels.tobytes())
            pictures.append(pixels)
            texts.append(words)
    counts = collections.Counter(word for words in texts for word in words)
    vocabulary = {word: index for index, word in enumerate(sorted(word for word, count in counts.items() if count > 1))}
    bags = numpy.zeros((len(texts), len(vocabulary)), numpy.float32)
    for bag, words in zip(bags, texts):
        bag[[vocabulary[word] for word in words if word in vocabulary]] = 1
    kept = numpy.flatnonzero(bags.any(1))
    split = numpy.zeros(len(kept), numpy.int32)
    split[numpy.random.default_rng(1).permutation(len(kept))[:HELD_OUT]] = 1
    with h5py.File(sys.argv[1], "w") as file:
        file["first"], file["second"], file["split"] = numpy.stack(pictures)[kept], bags[kept], split
    print(f"{sys.argv[1]}: {len(kept)} emoji, {len(vocabulary)} words")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: emoji.py OUTPUT.h5")
    main()
