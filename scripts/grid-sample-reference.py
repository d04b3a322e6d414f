"""Writes test/ops/nn/grid-sample-reference.json: what PyTorch's grid_sample and its gradients are, in double precision."""

import json
import torch

torch.manual_seed(1)


def rounded(t):
    return [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]


def draw(shape, scale):
    # Float32 numbers, so that both sides start from the same.
    return (torch.rand(shape) * 2 * scale - scale).float().double()


cases = []
for image, points in (((2, 2, 3, 4), (2, 2, 4)), ((1, 2, 2, 3, 2), (1, 1, 2, 3))):
    rank = len(image) - 2
    x = draw(image, 2)
    grid = draw((*points, rank), 2.2)
    flat = grid.view(-1)
    if rank == 2:
        # The centres of the corners, or the far sides of them; in three dimensions PyTorch rounds these differently.
        flat[:rank] = -1
        flat[rank : 2 * rank] = 1
    dy = draw((image[0], image[1], *points[1:]), 1)
    expected = {}
    for mode in ("nearest", "bilinear", "bicubic"):
        if mode == "bicubic" and rank == 3:
            continue
        for padding in ("zeros", "border", "reflection"):
            for align in (False, True):
                a, g = x.clone().requires_grad_(), grid.clone().requires_grad_()
                y = torch.nn.functional.grid_sample(a, g, mode=mode, padding_mode=padding, align_corners=align)
                y.backward(dy)
                expected[f"{mode} {padding} {int(align)}"] = [rounded(y), rounded(a.grad), rounded(g.grad)]
    case = {"image": image, "grid": [*points, rank], "x": rounded(x), "g": rounded(grid), "dy": rounded(dy)}
    cases.append({**case, "expected": expected})

with open("test/ops/nn/grid-sample-reference.json", "w") as file:
    json.dump({"origin": f"torch {torch.__version__}, scripts/grid-sample-reference.py", "cases": cases}, file)
    file.write("\n")
