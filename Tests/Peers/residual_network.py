"""ResNet-18 and ResNet-34 in PyTorch, as torchvision builds them (He, Zhang, Ren and Sun, CVPR 2016), with the parameters' order of Couplet."""

from torch import nn

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.projection = None
        if stride != 1 or inputs != outputs:
            self.projection = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.body(x) + (x if self.projection is None else self.projection(x)))


def residual_network(name, embedding, stem="imagenet", channels=3):
    """nn.Sequential; its parameters are in the order of Couplet's paths 0/weight, 1/weight, 1/bias, 2/0/weight, …"""
    if stem == "imagenet":
        layers = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    else:
        layers = [nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    width = 64
    for stage, blocks in enumerate(BLOCKS[name]):
        for block in range(blocks):
            layers.append(BasicBlock(width, 64 << stage, 2 if stage > 0 and block == 0 else 1))
            width = 64 << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, embedding))
