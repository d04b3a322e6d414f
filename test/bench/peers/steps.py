"""
The three training steps of test/bench/step-models.ts by PyTorch, on one thread, with plain SGD. Prints lines
`MODEL LIBRARY MILLISECONDS`, which test/bench/steps.ts reads.
"""
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(0)


def median(model, inputs, labels, runs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    times = []
    for run in range(runs + 1):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times[1:])[runs // 2]


def mlp(batch=256, width=512, layers=8):
    parts = []
    for _ in range(layers - 1):
        parts += [nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*parts, nn.Linear(width, width))
    return median(model, torch.rand(batch, width) * 2 - 1, torch.randint(0, width, (batch,)), 15)


class Block(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        return F.relu(self.b(self.a(x)) + self.shortcut(x))


def resnet18(batch=8, extent=224, classes=1000):
    parts = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, channels in enumerate([64, 128, 256, 512]):
        for i in range(2):
            parts.append(Block(inputs, channels, 2 if stage > 0 and i == 0 else 1))
            inputs = channels
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))
    return median(model, torch.rand(batch, 3, extent, extent) * 2 - 1, torch.randint(0, classes, (batch,)), 3)


class Layer(nn.Module):
    def __init__(self, width, heads, mask):
        super().__init__()
        self.heads, self.mask = heads, mask
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joined, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        tokens, width = x.shape
        split = [p.view(tokens, self.heads, -1).transpose(0, 1) for p in self.joined(self.norm1(x)).split(width, 1)]
        scores = split[0] @ split[1].transpose(1, 2) * (width // self.heads) ** -0.5 + self.mask
        mixed = torch.softmax(scores, -1) @ split[2]
        x = x + self.mixed(mixed.transpose(0, 1).reshape(tokens, width))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x)), approximate="tanh"))


class GPT2(nn.Module):
    def __init__(self, layers, tokens, width, heads, vocabulary):
        super().__init__()
        mask = torch.full((tokens, tokens), -1e9).triu(1)
        self.words = nn.Parameter(torch.randn(vocabulary, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.layers = nn.Sequential(*[Layer(width, heads, mask) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens):
        return self.norm(self.layers(self.words[tokens] + self.positions)) @ self.words.T


def gpt2(layers=4, tokens=256, width=768, heads=12, vocabulary=50257):
    model = GPT2(layers, tokens, width, heads, vocabulary)
    return median(model, torch.randint(0, vocabulary, (tokens,)), torch.randint(0, vocabulary, (tokens,)), 3)


for step in (mlp, resnet18, gpt2):
    print(step.__name__, "PyTorch", f"{step():.2f}", flush=True)
