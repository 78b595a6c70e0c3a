#!/usr/bin/python3
"""Pictures of emoji and what people call them in 32 languages, as files for `couplet data import`.

    data.py FOLDER [--emoji N] [--languages en,de,…]

writes
    FOLDER/pictures/CODE-POINTS.png   136 × 136, over white: the bitmaps of Debian's fonts-noto-color-emoji
    FOLDER/emoji.tsv                  pairs (picture, text): training, validation, and test: emoji that are never seen
    FOLDER/languages.tsv              pairs of seen emoji in a language that is held out for them

The texts are names and keywords of Debian's unicode-cldr-core. Columns: path, caption, split, group (pictures that are
equal to the pixel, such as the flags of Norway and Bouvet, are one group), language, script, kind (name or keyword),
cluster (man, woman and person of one emoji are one cluster) and area (flag or other).

Two kinds of data are held out, both chosen by fixed hashes:
    languages.tsv            an (emoji, language) pair of each 9, with its name and all of its keywords
    emoji.tsv, split test    a cluster of each 11, in all languages; flags of countries stay, nothing can be inferred of them
Of the clusters one of each 40 others is for validation. Emoji with skin tones are left out, and so are the signs that
are parts of others: tones and hair, digits.

Needs Debian's python3-pil with Raqm (libraqm0): without shaping, sequences of several code points fall apart.
"""

import argparse
import hashlib
import os
import sys
import xml.etree.ElementTree as ElementTree

from PIL import Image, ImageDraw, ImageFont, features

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
NAMES = "/usr/share/unicode/cldr/common"
# The size at which the font has bitmaps, and the square that holds a sign of it.
POINTS, SIDE = 109, 136

SCRIPTS = {
    "Latin": "cs de en es fi fr hu id it nl pl pt sv tr vi",
    "Cyrillic": "bg ru sr uk",
    "Greek": "el",
    "Hebrew": "he",
    "Arabic": "ar fa ur",
    "Devanagari": "hi mr",
    "Bengali": "bn",
    "Tamil": "ta",
    "Thai": "th",
    "Japanese": "ja",
    "Han": "zh",
    "Hangul": "ko",
}
LANGUAGES = {language: script for script, languages in SCRIPTS.items() for language in languages.split()}
# CLDR's mark for "as in the parent language".
INHERITED = "↑↑↑"

JOINER, VARIATION = "\u200d", "\ufe0f"
SKIN_TONES = {chr(code) for code in range(0x1F3FB, 0x1F400)}
HAIR = {chr(code) for code in range(0x1F9B0, 0x1F9B4)}
PARTS = SKIN_TONES | HAIR | set("#*0123456789")
REGIONS = {chr(code) for code in range(0x1F1E6, 0x1F200)}
# Signs that differ by sex or age only: the first stands for the others in the name of a cluster.
ALIKE = ["🧑👨👩", "🧒👦👧", "🧓👴👵", "🫅🤴👸", "🎅🤶", "💃🕺", "🫄🤰🫃", "👫👬👭", "💑💏"]
REPRESENTATIVE = {sign: signs[0] for signs in ALIKE for sign in signs}
SEXES = {"♂", "♀"}


def annotations(language):
    """({emoji: name}, {emoji: keywords}), both without variation selectors."""
    names, keywords = {}, {}
    for folder in ("annotations", "annotationsDerived"):
        for annotation in ElementTree.parse(f"{NAMES}/{folder}/{language}.xml").getroot().iter("annotation"):
            emoji, text = annotation.get("cp").replace(VARIATION, ""), " ".join((annotation.text or "").split())
            if not text or text == INHERITED:
                continue
            if annotation.get("type") == "tts":
                names.setdefault(emoji, text)
            else:
                keywords.setdefault(emoji, [word.strip() for word in text.split("|") if word.strip()])
    return names, keywords


def picture(emoji, font):
    image = Image.new("RGB", (SIDE, SIDE), "white")
    ImageDraw.Draw(image).text((0, 4), emoji, font=font, embedded_color=True)
    return image


def cluster(emoji):
    """A text that man, woman and person (boy, girl and child) of one emoji share."""
    signs = [REPRESENTATIVE.get(sign, sign) for sign in emoji if sign not in SEXES and sign != JOINER]
    people = sum(sign in "🧑🧒" for sign in signs)
    if "👪" in signs or (people > 1 and people == len(signs)):
        return "👪"
    if people > 1:
        return "👫" if "🤝" in signs else "💑"
    return "🎅" if signs == ["🧑", "🎄"] else "".join(signs)


def is_flag(emoji):
    """Whether it is the flag of a country or of a part of one."""
    return emoji[0] in REGIONS or "\U000E007F" in emoji


def one_of(count, *parts):
    """Whether a fixed hash of the parts chooses this one of each `count`."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") % count == 0


def split_of(group, area, cluster_name, language):
    """(manifest, split) of a picture's texts in a language."""
    if area != "flag":
        if one_of(11, "emoji", cluster_name):
            return "emoji", "test"
        if one_of(40, "validation", cluster_name):
            return "emoji", "validation"
    return ("languages", "test") if one_of(9, "language", group, language) else ("emoji", "training")


def main():
    parser = argparse.ArgumentParser(description="Pictures of emoji and their names, for couplet data import.")
    parser.add_argument("folder")
    parser.add_argument("--emoji", type=int, metavar="N", help="the first N emoji only")
    parser.add_argument("--languages", default=",".join(LANGUAGES), help="some of the 32 languages")
    options = parser.parse_args()
    languages = options.languages.split(",")
    for language in languages:
        if language not in LANGUAGES:
            sys.exit(f"data.py: no language '{language}'; there are {', '.join(LANGUAGES)}")
    if not features.check("raqm"):
        sys.exit("data.py: Pillow has no Raqm here, so sequences of code points would fall apart: install libraqm0")
    font = ImageFont.truetype(FONT, POINTS, layout_engine=ImageFont.Layout.RAQM)
    texts = {language: annotations(language) for language in languages}

    os.makedirs(f"{options.folder}/pictures", exist_ok=True)
    blank, groups, emoji_count = picture("{", font).tobytes(), {}, 0
    columns = ["path", "caption", "split", "group", "language", "script", "kind", "cluster", "area"]
    rows = {"emoji": [], "languages": []}
    kinds = {"name": 0, "keyword": 0}
    for emoji in annotations("en")[0]:
        if emoji_count == options.emoji:
            break
        if emoji in PARTS or any(sign in SKIN_TONES for sign in emoji):
            continue
        image = picture(emoji, font)
        pixels = image.tobytes()
        if pixels == blank:  # not in the font
            continue
        emoji_count += 1
        code_points = "-".join(f"{ord(sign):x}" for sign in emoji)
        path = f"pictures/{code_points}.png"
        image.save(f"{options.folder}/{path}", optimize=False)
        group, area = groups.setdefault(pixels, code_points), "flag" if is_flag(emoji) else "other"
        for language in languages:
            names, keywords = texts[language]
            manifest, split = split_of(group, area, cluster(emoji), language)
            name = names.get(emoji)
            captions = [(name, "name")] if name else []
            captions += [(word, "keyword") for word in keywords.get(emoji, [])]
            for caption, kind in captions:
                kinds[kind] += 1
                rows[manifest].append(
                    [path, caption, split, group, language, LANGUAGES[language], kind, cluster(emoji), area])
    for manifest, lines in rows.items():
        with open(f"{options.folder}/{manifest}.tsv", "w", encoding="utf-8") as file:
            for row in [columns] + lines:
                file.write("\t".join(row) + "\n")
    print(f"{emoji_count} emoji, {len(groups)} distinct pictures, {len(languages)} languages, {kinds['name']} names, "
          f"{kinds['keyword']} keywords")
    for manifest in rows:
        for split in ("training", "validation", "test"):
            chosen = [row for row in rows[manifest] if row[2] == split]
            if chosen:
                print(f"{manifest}.tsv, {split}: {len(chosen)} pairs, {len({row[3] for row in chosen})} pictures")


if __name__ == "__main__":
    main()
