"""A small picture changed by torchvision's functions of tensors, for `augmentation.txt` beside this file, which a test of Couplet reads.

    augmentation.py PATH/TO/torchvision/transforms/_functional_tensor.py > augmentation.txt

The functions need PyTorch only, so the file of another version of torchvision than the installed PyTorch's will do (made with 0.29.2).
Each line: a name, its numbers, a tab, and the result with six digits, channels × height × width.
"""

import importlib.util
import sys

import torch

specification = importlib.util.spec_from_file_location("functional", sys.argv[1])
F = importlib.util.module_from_spec(specification)
specification.loader.exec_module(F)

HEIGHT, WIDTH = 6, 5
picture = torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
# Black, white, a grey, and three plain colours.
for column, colour in enumerate([(0, 0, 0), (255, 255, 255), (77, 77, 77)]):
    picture[:, 0, column] = torch.tensor(colour, dtype=torch.uint8)
for column, colour in enumerate([(255, 0, 0), (9, 200, 9), (3, 3, 90)]):
    picture[:, 1, column] = torch.tensor(colour, dtype=torch.uint8)
pixels = picture.float() / 255


def put(name, values):
    print(name, "\t", " ".join(f"{value:.6g}" for value in values.flatten().tolist()), sep="")


put("bytes", picture)
for factor in (0.3, 1.7):
    put(f"brightness {factor}", F.adjust_brightness(pixels, factor))
    put(f"contrast {factor}", F.adjust_contrast(pixels, factor))
    put(f"saturation {factor}", F.adjust_saturation(pixels, factor))
for turn in (-0.37, 0.2, 0.5):
    put(f"hue {turn}", F.adjust_hue(pixels, turn))
put("gray", F.rgb_to_grayscale(pixels, 3))
for top, left, height, width in ((1, 1, 3, 4), (0, 0, HEIGHT, WIDTH), (2, 3, 1, 2), (0, 4, 6, 1)):
    part = pixels[:, top:top + height, left:left + width].unsqueeze(0)
    put(f"crop {top} {left} {height} {width}", F.resize(part, [HEIGHT, WIDTH], interpolation="bilinear", antialias=True))
put("flip", F.hflip(pixels))
for kernel, sigma in ((3, 0.7), (5, 1.9)):
    put(f"blur {kernel} {sigma}", F.gaussian_blur(pixels.unsqueeze(0), [kernel, kernel], [sigma, sigma]))
