"""The step of detection in PyTorch and torchvision with channels last, for torch_step.py to time: Mask R-CNN on a plain ViT.

In its middle boxes are proposed, matched and sampled with torchvision's operations, as in its own detectors; the heads then learn from
the boxes of the file, so that the losses can be compared.
"""
import math


def build(tensors, config, device):
    """Returns (loss, groups): weights and objects of the file, parameter groups of its metadata."""
    import torch
    import torch.nn.functional as F
    from torchvision.ops import roi_align

    data = {name: torch.from_numpy(array.copy()).to(device) for name, array in tensors.items()}
    w = {name[6:]: tensor for name, tensor in data.items() if name.startswith("param.")}
    for name in config["groups"]:
        w[name].requires_grad_(True)
    for name, tensor in w.items():
        if tensor.ndim == 4:
            w[name].data = tensor.data.contiguous(memory_format=torch.channels_last)
    view = data["view"].contiguous(memory_format=torch.channels_last)
    patch, width, heads, head = config["patch"], config["width"], config["heads"], config["head"]
    grid = [side // patch for side in config["image"]]
    batch, classes, towers = len(view), config["classes"], range(head["convolutions"])
    lesson = Lesson(data, config)
    propose = Proposals(data, config)

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], 1e-6)

    def linear(x, name):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def last(x):
        """[B, C, H, W] with channels last in memory as [B, H, W, C], without a copy."""
        return x.permute(0, 2, 3, 1)

    def first(x):
        return x.permute(0, 3, 1, 2)

    def unit(x, name):
        """A convolution and a norm over channels, which channels last need no copy for."""
        y = F.conv2d(x, w[name + ".weight"], padding=w[name + ".weight"].shape[2] // 2)
        return first(norm(last(y), name + ".norm"))

    def twice(x, name):
        return F.conv_transpose2d(x, w[name + ".weight"], w[name + ".bias"], stride=2)

    def conv(x, name):
        return F.conv2d(x, w[name + ".weight"], w[name + ".bias"], padding=w[name + ".weight"].shape[2] // 2)

    def encode():
        x = F.conv2d(view, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch)
        x = x.flatten(2).transpose(1, 2) + w["pos_embed"]
        _, count, _ = x.shape
        for i in range(config["depth"]):
            b = f"blocks.{i}"
            qkv = linear(norm(x, b + ".norm1"), b + ".attn.qkv").reshape(batch, count, 3, heads, width // heads)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, count, width)
            x = x + linear(y, b + ".attn.proj")
            x = x + linear(F.gelu(linear(norm(x, b + ".norm2"), b + ".mlp.fc1")), b + ".mlp.fc2")
        return first(x.reshape(batch, *grid, width))

    def pyramid(x):
        maps = []
        for i, scale in enumerate(head["scales"]):
            n = f"head.pyramid.{i}"
            y = {2: lambda: twice(x, n + ".up1"), 1: lambda: x, 0.5: lambda: F.max_pool2d(x, 2)}[scale]()
            maps.append(unit(unit(y, n + ".lateral"), n + ".output"))
        return [*maps, F.max_pool2d(maps[-1], 1, 2)]

    def regions(maps):
        objectness, deltas = [], []
        for x in maps:
            for i in range(2):
                x = F.relu(conv(x, f"head.proposals.{i}"))
            objectness.append(conv(x, "head.proposals.objectness"))
            deltas.append(conv(x, "head.proposals.deltas"))
        return objectness, deltas

    def tower(x, name):
        for i in towers:
            x = F.relu(unit(x, f"head.{name}.{i}"))
        return x

    def pooled(maps, rois, bins):
        """ROI align of each map's boxes, one map behind the other: the lesson has that order."""
        parts = [roi_align(x, some, bins, scale, 0, aligned=True) for x, some, scale in zip(maps, rois, lesson.scales)]
        return torch.cat(parts).contiguous(memory_format=torch.channels_last)

    def trunk():
        maps = pyramid(encode())
        return ([last(x) for x in maps], *regions(maps))

    def by_anchor(objectness, deltas):
        return [last(x).flatten(1) for x in objectness], [last(x).reshape(batch, -1, 4) for x in deltas]

    def cost(maps, objectness, deltas):
        maps = [first(x) for x in maps]
        objectness, deltas = (torch.cat(x, 1) for x in by_anchor(objectness, deltas))
        share = 1 / (256 * batch)
        total = F.binary_cross_entropy_with_logits(objectness, lesson.is_object, weight=lesson.used, reduction="sum") * share
        total = total + (lesson.is_object[:, :, None] * (deltas - lesson.anchor_deltas).abs()).sum() * share

        y = tower(pooled(maps, lesson.boxes, 7), "boxes").permute(0, 2, 3, 1).flatten(1)
        y = F.relu(linear(y, "head.boxes.hidden"))
        costs = F.cross_entropy(linear(y, "head.boxes.classes"), lesson.classes, reduction="none")
        total = total + (costs * lesson.weights).sum()
        moved = linear(y, "head.boxes.deltas").reshape(-1, classes, 4)[lesson.inside, lesson.classes[lesson.inside]]
        total = total + ((moved - lesson.deltas[lesson.inside]).abs().sum(1) * lesson.weights[lesson.inside]).sum()
        if not head["masks"]:
            return total
        y = F.relu(twice(tower(pooled(maps, lesson.masked, 14), "masks"), "head.masks.up"))
        y = conv(y, "head.masks.classes")[lesson.mask_places, lesson.mask_classes]
        costs = F.binary_cross_entropy_with_logits(y, lesson.masks, reduction="none").mean((1, 2))
        return total + (costs * lesson.mask_weights).sum()

    def step(before, after):
        def loss():
            maps, objectness, deltas = before()
            with torch.no_grad():
                propose(*by_anchor(objectness, deltas))
            return after(maps, objectness, deltas)

        return loss

    loss = step(trunk, cost)
    # Each half is compiled, the proposals between them are not: numbers of boxes depend on their values.
    loss.compiled = lambda: step(torch.compile(trunk), torch.compile(cost))
    by_settings = {}
    for name, group in config["groups"].items():
        by_settings.setdefault((group["lrScale"], group["weightDecay"]), []).append(w[name])
    groups = [{"params": params, "lr_scale": scale, "weight_decay": decay, "betas": (0.9, 0.999)} for (scale, decay), params in by_settings.items()]
    return loss, groups


class Lesson:
    """What anchors and boxes learn, in the order of the maps that the boxes are read from."""

    def __init__(self, data, config):
        import torch

        labels = data["anchors.labels"]
        self.used, self.is_object = (labels > 0).float(), (labels == 2).float()
        self.anchor_deltas = data["anchors.deltas"].reshape(*labels.shape, 4)
        read = config["levels"][:-1]
        self.scales = [1 / level["stride"] for level in read]
        boxes, image, classes = data["rois.boxes"], data["rois.image"].long(), data["rois.classes"].long()
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        least, most = (int(math.log2(read[i]["stride"])) for i in (0, -1))
        levels = torch.floor(4 + torch.log2(area.sqrt() / 224 + 1e-8)).clamp(least, most) - least
        rows = torch.cat([image[:, None].float(), boxes], 1)
        order = torch.argsort(levels, stable=True)
        self.boxes = [rows[levels == i] for i in range(len(read))]
        self.classes, self.deltas = classes[order], data["rois.deltas"][order]
        self.inside = (self.classes < config["classes"]).nonzero()[:, 0]
        batch = int(image.max()) + 1
        counts = torch.bincount(image, minlength=batch)
        self.weights = (1 / (counts * batch).float())[image][order]
        objects = (classes < config["classes"]).nonzero()[:, 0]
        order = torch.argsort(levels[objects], stable=True)
        self.masked = [rows[objects][levels[objects] == i] for i in range(len(read))]
        self.masks = data["rois.masks"][order].float()
        self.mask_classes, self.mask_places = classes[objects][order], torch.arange(len(objects))
        counts = torch.bincount(image[objects], minlength=batch).clamp(min=1)
        self.mask_weights = (1 / (counts * batch).float())[image[objects]][order]


class Proposals:
    """Everything between the two halves of a step, as in torchvision's detectors, without its result."""

    def __init__(self, data, config):
        import torch

        self.image, self.config = config["image"], config
        image = data["objects.image"].long()
        count = len(data["view"])
        self.objects = [data["objects.boxes"][image == i] for i in range(count)]
        self.masks = [data["objects.masks"][image == i].float()[:, None] for i in range(count)]
        self.anchors = [anchors_of(torch, **level) for level in config["levels"]]
        self.all = torch.cat(self.anchors)

    def __call__(self, objectness, deltas):
        import torch
        from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes, roi_align

        config = self.config
        most, kept = config["proposals"]["ofEach"], config["proposals"]["kept"]
        boxes, scores, levels = [], [], []
        for i, anchors in enumerate(self.anchors):
            top, index = objectness[i].topk(min(most, len(anchors)), 1)
            moved = decoded(torch, anchors[index], torch.gather(deltas[i], 1, index[:, :, None].expand(-1, -1, 4)))
            boxes.append(clip_boxes_to_image(moved, self.image))
            scores.append(top)
            levels.append(torch.full_like(index, i))
        boxes, scores, levels = (torch.cat(x, 1) for x in (boxes, scores, levels))
        for b, objects in enumerate(self.objects):
            overlap, match = box_iou(objects, self.all).max(0)
            best = box_iou(objects, self.all).max(1).values
            labels = torch.where(overlap >= 0.7, 1, torch.where(overlap < 0.3, 0, -1))
            labels[((box_iou(objects, self.all) == best[:, None]) & (best[:, None] > 0)).any(0)] = 1
            chosen, _ = sampled(torch, labels, 256, 128)
            encoded(torch, self.all[chosen], objects[match[chosen]], 1, 1)

            real = remove_small_boxes(boxes[b], 1e-6)
            some = real[batched_nms(boxes[b][real], scores[b][real], levels[b][real], 0.7)[:kept]]
            candidates = torch.cat([boxes[b][some], objects])
            overlap, match = box_iou(objects, candidates).max(0)
            chosen, other = sampled(torch, (overlap >= 0.5).long(), config["rois"]["count"], config["rois"]["objects"])
            encoded(torch, candidates[chosen], objects[match[chosen]], 10, 5)
            rows = torch.cat([match[chosen][:, None].float(), candidates[chosen]], 1)
            roi_align(self.masks[b], rows, 28, 1.0, 0, aligned=True) >= 0.5


def sampled(torch, labels, count, objects):
    """Numbers of objects and of background, at random."""
    inside, outside = (labels == 1).nonzero()[:, 0], (labels == 0).nonzero()[:, 0]
    inside = inside[torch.randperm(len(inside))[:objects]]
    return inside, outside[torch.randperm(len(outside))[: count - len(inside)]]


def anchors_of(torch, size, stride):
    ratios = torch.tensor([0.5, 1.0, 2.0])
    sides = torch.stack([8 * stride / ratios.sqrt(), 8 * stride * ratios.sqrt()], 1)
    y, x = torch.meshgrid(*(torch.arange(n) * float(stride) for n in size), indexing="ij")
    centres = torch.stack([x, y], 2).reshape(-1, 1, 2)
    return torch.cat([centres - sides / 2, centres + sides / 2], 2).reshape(-1, 4)


def decoded(torch, anchors, deltas):
    sides = anchors[..., 2:] - anchors[..., :2]
    centres = anchors[..., :2] + sides / 2 + deltas[..., :2] * sides
    half = sides * deltas[..., 2:].clamp(max=math.log(1000 / 16)).exp() / 2
    return torch.cat([centres - half, centres + half], -1)


def encoded(torch, boxes, targets, shift, size):
    sides, wanted = boxes[:, 2:] - boxes[:, :2], targets[:, 2:] - targets[:, :2]
    moved = (targets[:, :2] + wanted / 2 - boxes[:, :2] - sides / 2) / sides
    return torch.cat([shift * moved, size * (wanted / sides).log()], 1)
