"""The detector trunk of paper 1's single-scale MFN: Tiny YOLOv2's layers at a quarter of their width.

The paper (Chaudhuri et al. 2019, section 4.3.3) says "Tiny DarkNet with the number of filters reduced to a quarter";
only the layout of the detector, Tiny YOLOv2 (Redmon and Farhadi 2017), has the stride of 32 that makes 288 pixels a
9 x 9 grid. BatchNorm and leaky ReLU as in that layout, whatever `norm` says elsewhere.
"""

from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 1024)
"""Of the full network."""
QUARTER = 4
POOLED = 5
"""Layers that are followed by a max-pool of stride 2; the sixth is followed by one of stride 1."""


class TinyYoloTrunk(nn.Module):
    """Eight 3x3 convolutions; 288 pixels to 9 x 9 cells of 256 channels."""

    def __init__(self, *, width_mult: float = 1.0):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for number, width in enumerate(WIDTHS):
            outputs = max(4, round(width / QUARTER * width_mult))
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.1, inplace=True),
            ]
            if number < POOLED:
                layers.append(nn.MaxPool2d(2, 2))
            elif number == POOLED:
                # Darknet pads right and bottom only, so that a window of two with a stride of one keeps the size.
                layers += [nn.ReplicationPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, 1)]
            channels = outputs
        self.layers = nn.Sequential(*layers)
        self.outputs = channels

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c r q"]:
        return self.layers(pixels * 2 - 1)
